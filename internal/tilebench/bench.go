package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// cell is a place in the tables.
type cell struct {
	data        string
	zoom, conns int
}

// Names of the servers that are always measured.
const (
	cold     = "onemap"
	pushed   = "push-down"
	warm     = "onemap, cached"
	constant = "constant bytes"
)

// warmCache is what the server that answers from its cache keeps, in MiB: all it is
// asked for.
const warmCache = 4096

// bench is one run of this program.
type bench struct {
	options
	url      string
	database database
	onemap   *onemap
	yard     *server
	tiles    map[string]map[int][]coord // by data set and zoom
	report   *report
}

// run measures everything. With an error it also returns what it has measured until then,
// if it has come so far.
func run(ctx context.Context, db string, o options) (*report, error) {
	b := &bench{options: o, url: db, tiles: map[string]map[int][]coord{}, report: newReport(o)}
	began := time.Now()
	if err := o.load(ctx, db); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "data loaded in %s\n", time.Since(began).Round(time.Millisecond))
	var err error
	if b.database, err = findDatabase(ctx, db); err != nil {
		return nil, err
	}
	for _, d := range o.data {
		deep, err := tilesWithin(ctx, db, d)
		if err != nil {
			return nil, fmt.Errorf("choose tiles of %s: %w", d.name, err)
		}
		b.tiles[d.name] = map[int][]coord{}
		for _, z := range o.zooms {
			b.tiles[d.name][z] = choose(deep, z, o.tiles)
		}
	}
	dir, err := os.MkdirTemp("", "tilebench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if b.onemap, err = build(ctx, dir, db, o); err != nil {
		return nil, err
	}
	if b.yard, err = startYardstick(ctx, db); err != nil {
		return nil, err
	}
	defer b.yard.stop()
	type phase struct {
		cache int // MiB
		f     func(context.Context, *server) error
	}
	phases := []phase{{0, b.cold}, {warmCache, b.warm}}
	if _, ok := b.tiles[points.name]; ok && b.moves > 0 { // last: they change the data
		phases = append(phases, phase{0, b.moving}, phase{warmCache, b.fresh})
	}
	for _, p := range phases {
		s, err := b.onemap.serve(ctx, p.cache)
		if err != nil {
			return b.report, err
		}
		if b.report.ready == 0 {
			b.report.ready, b.report.rssReady = s.ready, rss(s.pid())
		}
		if err = s.settle(ctx); err == nil { // a database that was kept may have a backlog
			err = p.f(ctx, s)
		}
		s.stop()
		if err != nil {
			return b.report, err
		}
	}
	return b.report, nil
}

// target is a server of ours, which has the tiles under /DATA/z/x/y below path.
func (s *server) target(name, path string) target {
	return target{name: name, pid: s.pid(), tile: func(d dataset, c coord) string {
		return fmt.Sprintf("%s%s/%s/%d/%d/%d", s.url, path, d.name, c.z, c.x, c.y)
	}}
}

// cold measures tiles that nothing has cached: by a server that keeps none, beside the
// push-down and the peers. A restart for each figure would do as well, but at low zooms
// there are only a handful of tiles to ask a server for.
func (b *bench) cold(ctx context.Context, s *server) error {
	var err error
	if b.report.metrics, err = s.metrics(b.metrics); err != nil {
		return err
	}
	for _, d := range b.data {
		targets := append([]target{b.yard.target(pushed, ""), s.target(cold, "/tiles")}, peersOf(b.peers, d)...)
		for _, z := range b.zooms {
			tiles := b.tiles[d.name][z]
			for _, t := range targets {
				if err := t.check(d, tiles); err != nil {
					return err
				}
			}
			for _, conns := range b.conns {
				c := cell{d.name, z, conns}
				for range b.runs { // in turn, so that what else the machine does hits all alike
					for _, t := range targets {
						if err := b.take(ctx, c, t, b.urls(t, d, tiles), s); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	b.report.rssCold = rss(s.pid())
	return nil
}

// warm measures tiles that are all in onemap's cache, beside as many constant bytes.
func (b *bench) warm(ctx context.Context, s *server) error {
	t := s.target(warm, "/tiles")
	limit := target{name: constant, pid: b.yard.pid()}
	for _, d := range b.data {
		for _, z := range b.zooms {
			urls := b.urls(t, d, b.tiles[d.name][z])
			first, err := measure(ctx, demand{urls: urls, connections: 2, most: time.Hour}, s.pid(), b.database)
			if err != nil {
				return err
			}
			bytes := make([]string, len(urls))
			for i, n := range first.sizes {
				bytes[i] = b.yard.url + "/constant/" + strconv.Itoa(n)
			}
			for _, conns := range b.conns {
				for range b.runs {
					if err := b.take(ctx, cell{d.name, z, conns}, limit, bytes, s); err != nil {
						return err
					}
					if err := b.take(ctx, cell{d.name, z, conns}, t, urls, s); err != nil {
						return err
					}
				}
			}
		}
	}
	b.report.rssWarm = rss(s.pid())
	return nil
}

func (b *bench) urls(t target, d dataset, tiles []coord) []string {
	urls := make([]string, len(tiles))
	for i, c := range tiles {
		urls[i] = t.tile(d, c)
	}
	return urls
}

// take measures once, and says so. s is the onemap that runs: what its cache answers
// meanwhile is counted, so that "cold" and "cached" are not only claimed.
func (b *bench) take(ctx context.Context, c cell, t target, urls []string, s *server) error {
	const hits = "onemap_tile_cache_hits_total"
	before, err := s.metric(hits)
	if err != nil {
		return err
	}
	r, err := measure(ctx, demand{urls, c.conns, b.least, b.most}, t.pid, b.database)
	if err != nil {
		return fmt.Errorf("%s, %s z%d, %d connections: %w", t.name, c.data, c.zoom, c.conns, err)
	}
	after, err := s.metric(hits)
	if err != nil {
		return err
	}
	r.cached = int(after - before)
	if t.name == cold && 100*r.cached > r.served {
		return fmt.Errorf("%d of %d tiles came from the cache of an onemap that should keep none", r.cached, r.served)
	}
	b.report.add(c, t.name, r)
	fmt.Fprintf(os.Stderr, "%-6s z%-2d %2d × %-15s %9.1f tiles/s  p50 %8.2f  p99 %8.2f ms  %5d served %4d empty %d failed %5d cached  %8.1f kB, raw %9.1f, largest %9.1f  CPU/tile %s + database %s + generator %s  RSS %d MB\n",
		c.data, c.zoom, c.conns, t.name, r.rate(), ms(r.p50), ms(r.p99), r.served, r.empty, r.failed, r.cached,
		kB(r.wire)/float64(r.served), kB(r.raw)/float64(r.served), kB(r.largest), r.each(r.server), r.each(r.database), r.each(r.generator), r.rss>>20)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func kB(bytes int) float64 { return float64(bytes) / 1000 }
