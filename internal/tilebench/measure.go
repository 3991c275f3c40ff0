package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// result is what one server did at one zoom with so many connections, once.
type result struct {
	served, empty int
	failed        int  // answers that were no tile
	cut           bool // the time was over before every tile was asked for
	took          time.Duration
	p50, p99      time.Duration
	wire, raw     int           // bytes of all tiles, as sent and before compression
	largest       int           // bytes of the largest tile before compression
	server        time.Duration // processor time of the server,
	database      time.Duration // of the database,
	generator     time.Duration // and of the load generator
	rss           int           // bytes
	cached        int           // tiles that onemap answered from its cache
	sizes         []int         // as sent, of each tile of the first pass
}

// rate is the tiles a second; 0 if it was not measured.
func (r result) rate() float64 {
	if r.took == 0 {
		return 0
	}
	return float64(r.served) / r.took.Seconds()
}

// of is the rate as a multiple of another one.
func (r result) of(other result) float64 {
	if other.rate() == 0 {
		return 0
	}
	return r.rate() / other.rate()
}

// each is a share of one tile.
func (r result) each(sum time.Duration) time.Duration { return sum / time.Duration(max(1, r.served)) }

// unasked is the size of a tile that nobody asked for.
const unasked = -1

// demand is what a server is asked for.
type demand struct {
	urls        []string
	connections int
	least, most time.Duration
}

// measure asks for every tile once, and again until it has taken long enough. A pass
// begins when the one before has ended, so that no tile is asked for twice at a time.
func measure(ctx context.Context, l demand, pid int, db database) (result, error) {
	requests := make([][]byte, len(l.urls))
	var host string
	for i, u := range l.urls {
		var err error
		if host, requests[i], err = request(u); err != nil {
			return result{}, err
		}
	}
	clients := make([]*client, l.connections)
	for i := range clients {
		c, err := dial(host)
		if err != nil {
			return result{}, err
		}
		defer func() { c.nc.Close() }() // it may be another one by then
		clients[i] = c
	}

	r := result{sizes: slices.Repeat([]int{unasked}, len(requests))}
	server, dbase, own := cpu(pid), db.cpu(), ownCPU()
	seen := make([]result, len(clients)) // by each, without locks
	took := make([][]time.Duration, len(clients))
	began := time.Now()
	for first := true; first || time.Since(began) < min(l.least, l.most); first = false {
		var next atomic.Int64
		var g errgroup.Group
		for i, c := range clients {
			g.Go(func() error {
				for {
					at := int(next.Add(1)) - 1
					start := time.Now()
					if at >= len(requests) || start.Sub(began) > l.most || ctx.Err() != nil {
						return ctx.Err()
					}
					a, err := c.ask(requests[at])
					if err != nil {
						return fmt.Errorf("%s: %w", l.urls[at], err)
					}
					took[i] = append(took[i], time.Since(start))
					seen[i].add(a)
					r.sizes[at] = a.wire
				}
			})
		}
		if err := g.Wait(); err != nil {
			return result{}, err
		}
	}
	r.took = time.Since(began)
	r.cut = slices.Contains(r.sizes, unasked)
	r.server, r.database, r.generator, r.rss = cpu(pid)-server, db.cpu()-dbase, ownCPU()-own, rss(pid)
	for _, s := range seen {
		r.served, r.empty, r.failed = r.served+s.served, r.empty+s.empty, r.failed+s.failed
		r.wire, r.raw, r.largest = r.wire+s.wire, r.raw+s.raw, max(r.largest, s.largest)
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	r.p50, r.p99 = all[len(all)/2], all[len(all)*99/100]
	return r, nil
}

func (r *result) add(a answer) {
	if a.status != 200 && a.status != 204 {
		r.failed++
		return
	}
	r.served++
	if a.wire == 0 {
		r.empty++
	}
	r.wire += a.wire
	r.raw += a.raw
	r.largest = max(r.largest, a.raw)
}

// ownCPU is the processor time of this process until now.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median is the run whose rate is the middle one.
func median(runs []result) result {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b result) int {
		if a.rate() < b.rate() {
			return -1
		}
		return 1
	})
	return runs[len(runs)/2]
}
