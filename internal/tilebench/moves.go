package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb/encoding/mvt"

	"onemap/tiles"
)

// movingResult is a zoom of the points at barConns connections, at rest and while they move.
type movingResult struct {
	zoom       int
	idle, busy []result
	moved      []float64 // moves a second that were made, by run
}

// moving measures tiles that nothing has cached at rest and while points move, in turn.
func (b *bench) moving(ctx context.Context, s *server) error {
	t := s.target(cold, "/tiles")
	for _, z := range b.zooms {
		m := movingResult{zoom: z}
		ask := demand{b.urls(t, points, b.tiles[points.name][z]), barConns, b.least, b.most}
		for range b.runs {
			if err := s.settle(ctx); err != nil {
				return err
			}
			idle, err := measure(ctx, ask, s.pid(), b.database)
			if err != nil {
				return err
			}
			var busy result
			rate, err := b.whileMoving(ctx, func() (err error) {
				busy, err = measure(ctx, ask, s.pid(), b.database)
				return err
			})
			if err != nil {
				return err
			}
			m.idle, m.busy, m.moved = append(m.idle, idle), append(m.busy, busy), append(m.moved, rate)
			fmt.Fprintf(os.Stderr, "%-6s z%-2d %2d × %9.1f tiles/s at rest, %9.1f at %.0f moves/s\n", points.name, z, barConns, idle.rate(), busy.rate(), rate)
		}
		b.report.moving = append(b.report.moving, m)
	}
	return nil
}

// fresh takes the times from an update until the tile that was cached has it.
func (b *bench) fresh(ctx context.Context, s *server) error {
	_, err := b.whileMoving(ctx, func() error { return b.untilInTile(ctx, s.target(warm, "/tiles")) })
	return err
}

// whileMoving runs f while points move, and returns how many did each second.
func (b *bench) whileMoving(ctx context.Context, f func() error) (float64, error) {
	const pause = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var moved atomic.Int64
	ended := make(chan error)
	stop := make(chan struct{})
	go func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			n := max(1, int(float64(b.moves)*pause.Seconds()))
			if err := move(ctx, conn, n, b.rowsOf(points)); err != nil {
				cancel()
				ended <- err
				return
			}
			moved.Add(int64(n))
			select {
			case <-tick.C:
			case <-stop:
				ended <- nil
				return
			}
		}
	}()
	time.Sleep(time.Second) // until everything that follows the log is busy too
	began, before := time.Now(), moved.Load()
	err = f()
	rate := float64(moved.Load()-before) / time.Since(began).Seconds()
	close(stop)
	if failed := <-ended; err == nil {
		err = failed
	}
	return rate, err
}

// watched is how many of the points only untilInTile moves: the first ones.
func watched(rows int) int { return rows / 100 }

// move moves n of so many points by up to a kilometre, in one transaction.
func move(ctx context.Context, conn *pgx.Conn, n, rows int) error {
	ids, dx, dy := make([]int32, n), make([]float64, n), make([]float64, n)
	for i := range ids {
		ids[i], dx[i], dy[i] = int32(watched(rows)+rand.IntN(rows-watched(rows)))+1, 0.02*(rand.Float64()-0.5), 0.02*(rand.Float64()-0.5)
	}
	_, err := conn.Exec(ctx, `UPDATE pts SET geom = ST_Translate(pts.geom, m.dx, m.dy)
		FROM unnest($1::int[], $2::float8[], $3::float8[]) m(id, dx, dy) WHERE pts.id = m.id`, ids, dx, dy)
	if err != nil {
		return fmt.Errorf("move points: %w", err)
	}
	return nil
}

// untilInTile moves a point that is in its tile by itself, and asks for the tile at the
// new place until it is there.
func (b *bench) untilInTile(ctx context.Context, t target) error {
	conn, err := pgx.Connect(ctx, b.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for began := time.Now(); time.Since(began) < b.most; {
		id := 1 + rand.IntN(watched(b.rowsOf(points)))
		var lon, lat, value float64
		if err := conn.QueryRow(ctx, "SELECT ST_X(geom), ST_Y(geom), value FROM pts WHERE id = $1", id).Scan(&lon, &lat, &value); err != nil {
			return err
		}
		if alone, err := shows(t.tile(points, at(lon, lat)), id, value); err != nil || !alone {
			if err != nil {
				return err
			}
			continue // it is part of an aggregate
		}
		start := time.Now()
		stamp := float64(start.UnixMilli())
		if err := conn.QueryRow(ctx, "UPDATE pts SET geom = ST_Translate(geom, 0.0001, 0), value = $2 WHERE id = $1 RETURNING ST_X(geom), ST_Y(geom)", id, stamp).Scan(&lon, &lat); err != nil {
			return err
		}
		url := t.tile(points, at(lon, lat))
		for there := false; !there; {
			if there, err = shows(url, id, stamp); err != nil {
				return err
			}
			if !there && time.Since(start) > patience {
				return fmt.Errorf("the point %d is not in %s after %s", id, url, time.Since(start))
			}
		}
		b.report.untilSeen = append(b.report.untilSeen, time.Since(start))
	}
	slices.Sort(b.report.untilSeen)
	return nil
}

func at(lon, lat float64) coord {
	c := tiles.At(lon, lat, deepest)
	return coord{c.Z, c.X, c.Y}
}

// shows says whether a tile has a feature with this id and value.
func shows(url string, id int, value float64) (bool, error) {
	r, err := http.Get(url)
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false, err
	}
	layers, err := mvt.Unmarshal(body)
	if err != nil {
		return false, fmt.Errorf("%s: %w", url, err)
	}
	for _, l := range layers {
		for _, f := range l.Features {
			v, _ := f.Properties["value"].(float64)
			if v == value && f.ID == float64(id) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (r *report) movingTable(b *strings.Builder) {
	if len(r.moving) == 0 {
		return
	}
	fmt.Fprintf(b, "**While points move**, asked for %s moves/s, nothing cached, %d connections. Bar: ≥ %g %% of the rate at rest.\n\n", number(float64(r.moves)), barConns, 100*barMoving)
	fmt.Fprint(b, "| data | z | at rest tiles/s | moves/s | tiles/s | p50 / p99 ms | of the rate at rest | bar |\n|"+strings.Repeat("---|", 8)+"\n")
	for _, m := range r.moving {
		idle, busy := median(m.idle), median(m.busy)
		part, moved := busy.of(idle), slices.Min(m.moved)
		bar := met(part >= barMoving)
		if moved < 0.95*float64(r.moves) {
			bar = "too few moves" // the database did not make more beside the tiles
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s | %.0f %% | %s |\n", points.name, m.zoom, rate(idle),
			number(moved), rate(busy), times(busy), 100*part, bar)
	}
	if n := len(r.untilSeen); n > 0 {
		p99 := r.untilSeen[n*99/100]
		fmt.Fprintf(b, "\nFrom the UPDATE until the moved feature is in its tile of zoom %d: p50 %.3g, p99 %.3g ms of %d (≤ %d ms: %s).\n", deepest, ms(r.untilSeen[n/2]), ms(p99), n, barFresh, met(ms(p99) <= barFresh))
	}
	fmt.Fprintln(b)
}
