package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb/encoding/mvt"

	"onemap/internal/pgtest"
	"onemap/tiles"
)

// durable is a server as in production: commits wait for the disk.
func durable(b *testing.B) string {
	return pgtest.Cluster(b, "fsync=on", "full_page_writes=on", "shared_buffers=512MB", "autovacuum_naptime=5s").Database(b)
}

const vehicles = `CREATE TABLE vehicles (id int PRIMARY KEY, plate text NOT NULL, status text NOT NULL, speed float8, crew int, sent bigint, geom geometry(Point, 4326));
	INSERT INTO vehicles SELECT n, '桂A' || n, '行驶', 33.3, 2, 0, ST_SetSRID(ST_Point(104.5 + 7.5 * random(), 20.9 + 5.4 * random()), 4326) FROM generate_series(1, %d) n;
	CREATE INDEX ON vehicles USING gist (geom); ALTER TABLE vehicles SET (fillfactor = 80); VACUUM FULL vehicles; VACUUM ANALYZE vehicles`

// makeVehicles is a department's table with so many rows.
func makeVehicles(b *testing.B, url string, rows int) {
	b.Helper()
	for _, sql := range regexp.MustCompile(`;\s*`).Split(fmt.Sprintf(vehicles, rows), -1) {
		psql(b, url, sql)
	}
}

// stamp is the moment of an update by the database's clock, which is ours: µs.
const stamp = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

var sent = regexp.MustCompile(`"sent":(\d{10,})`)

func since(µs int64) time.Duration { return time.Since(time.UnixMicro(µs)) }

// BenchmarkRowUpdatedUntilOnScreenAt1000PerSecond: a department updates single rows
// of its own table, 1,000 times a second; from a moment before the commit, as the row
// itself says, until the change is on a socket, and until it is in the tile that a
// map fetches.
func BenchmarkRowUpdatedUntilOnScreenAt1000PerSecond(b *testing.B) {
	const rows, watched, rate, long = 10_000, 100, 1000, 10 * time.Second
	url := durable(b)
	makeVehicles(b, url, rows)
	onemap(b, "layer", "attach", "vehicles", "--open", "--data", b.TempDir(), "--store", url)
	p := serve(b, b.TempDir(), "--store", url)
	frames := p.follow("vehicles")
	heard(b, frames, "snapshot", "vehicles")
	pool, err := pgxpool.New(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	b.ResetTimer()

	ctx, cancel := context.WithTimeout(b.Context(), long)
	defer cancel()
	var background sync.WaitGroup
	var made atomic.Int64
	for range 8 {
		background.Go(func() {
			tick := time.NewTicker(8 * time.Second / rate)
			defer tick.Stop()
			for ctx.Err() == nil {
				<-tick.C
				id := watched + 1 + rand.IntN(rows-watched)
				_, err := pool.Exec(ctx, "UPDATE vehicles SET sent = "+stamp+", geom = ST_Translate(geom, 0.0001, 0) WHERE id = $1", id)
				if err == nil {
					made.Add(1)
				}
			}
		})
	}
	var onSocket, inTile []time.Duration
	background.Go(func() {
		for {
			select {
			case f := <-frames:
				for _, m := range sent.FindAllStringSubmatch(f, -1) {
					n, _ := strconv.ParseInt(m[1], 10, 64)
					onSocket = append(onSocket, since(n))
				}
			case <-ctx.Done():
				return
			}
		}
	})
	for ctx.Err() == nil {
		if d, ok := untilInTile(ctx, b, p, pool, 1+rand.IntN(watched)); ok {
			inTile = append(inTile, d)
		}
	}
	background.Wait()
	b.ReportMetric(float64(made.Load())/long.Seconds(), "tx/s")
	report(b, "socket", onSocket)
	report(b, "tile", inTile)
}

// untilInTile updates a row whose tile is in the cache, and fetches the tile until the
// change is there.
func untilInTile(ctx context.Context, b *testing.B, p *process, pool *pgxpool.Pool, id int) (took time.Duration, ok bool) {
	b.Helper()
	var at int64
	var lon, lat float64
	err := pool.QueryRow(ctx, "SELECT ST_X(geom), ST_Y(geom) FROM vehicles WHERE id = $1", id).Scan(&lon, &lat)
	c := tiles.At(lon, lat, 12)
	has := func() (found bool) {
		r, err := http.Get(fmt.Sprintf("%s/tiles/vehicles/%d/%d/%d", p.url, c.Z, c.X, c.Y))
		if err != nil {
			b.Fatal(err)
		}
		layers, err := mvt.Unmarshal(readBody(r))
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range layers[0].Features {
			n, _ := f.Properties["sent"].(float64)
			found = found || int64(n) == at
		}
		return found
	}
	if err == nil {
		has()
		err = pool.QueryRow(ctx, "UPDATE vehicles SET sent = "+stamp+" WHERE id = $1 RETURNING sent", id).Scan(&at)
	}
	for err == nil && ctx.Err() == nil {
		if has() {
			return since(at), true
		}
	}
	if err != nil && ctx.Err() == nil {
		b.Fatal(err)
	}
	return 0, false
}

func readBody(r *http.Response) []byte {
	defer r.Body.Close()
	data := make([]byte, 0, 1<<16)
	for {
		n, err := r.Body.Read(data[len(data):cap(data)])
		if data = data[:len(data)+n]; err != nil {
			return data
		}
		data = slices.Grow(data, 1<<15)
	}
}

func report(b *testing.B, what string, took []time.Duration) {
	b.Helper()
	if len(took) == 0 {
		b.Fatalf("nothing came to the %s", what)
	}
	slices.Sort(took)
	ms := func(i int) float64 { return float64(took[min(i, len(took)-1)].Microseconds()) / 1000 }
	b.ReportMetric(ms(len(took)/2), "ms-p50-"+what)
	b.ReportMetric(ms(len(took)*99/100), "ms-p99-"+what)
	b.ReportMetric(ms(len(took)), "ms-max-"+what)
	b.ReportMetric(float64(len(took)), "n-"+what)
}

// BenchmarkFirstTileOfAMillionRows: from attaching a table that is there to the first
// complete tile of the whole of it, beside COPY TO of the same rows.
func BenchmarkFirstTileOfAMillionRows(b *testing.B) {
	const rows = 1_000_000
	url := durable(b)
	makeVehicles(b, url, rows)
	p := serve(b, b.TempDir(), "--store", url)
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(b.Context()))
	b.ResetTimer()
	began := time.Now()
	if out, err := exec.Command("psql", "-q", url, "-c", `\copy vehicles TO '/dev/null' WITH (FORMAT binary)`).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	copied := time.Since(began)
	began = time.Now()
	onemap(b, "layer", "attach", "vehicles", "--open", "--data", b.TempDir(), "--store", url)
	attached := time.Since(began)
	status, body := p.get("/tiles/vehicles/6/51/27", "")
	first := time.Since(began)
	if status != http.StatusOK {
		b.Fatalf("%d %s", status, body)
	}
	b.ReportMetric(rows/copied.Seconds(), "rows/s-COPY")
	b.ReportMetric(attached.Seconds(), "s-attach")
	b.ReportMetric(first.Seconds(), "s-first-tile")
	b.ReportMetric(rows/first.Seconds(), "rows/s-first-tile")
	b.ReportMetric(float64(len(body)), "bytes")
}
