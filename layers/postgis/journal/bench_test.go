package journal_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/internal/pgtest"
	"onemap/layers/postgis/journal"
)

// vehicles are like a department's table: a dozen columns, an index on the place,
// and two more that it needs for itself. Commits wait for the disk.
const vehicles = `CREATE TABLE vehicles (id int PRIMARY KEY, name text, division text, status text, kind text, level numeric(6,2), speed float8, heading int,
	seen timestamptz, plate text, crew int, geom geometry(Point, 4326));
	INSERT INTO vehicles SELECT n, '示例车辆' || n, '450102', '行驶', '巡逻', 12.25, 33.3, n % 360, now(), '桂A' || n, 2, ST_SetSRID(ST_Point(104.5 + 7.5 * random(), 20.9 + 5.4 * random()), 4326) FROM generate_series(1, 100000) n;
	CREATE INDEX ON vehicles USING gist (geom); CREATE INDEX ON vehicles (plate); ALTER TABLE vehicles SET (fillfactor = 80); VACUUM FULL vehicles; VACUUM ANALYZE vehicles`

var vehiclesTable = journal.Table{Layer: "vehicles", Schema: "public", Name: "vehicles", Key: "id", Geometry: "geom", SRID: 4326,
	Columns: []string{"name", "division", "status", "kind", "level", "speed", "heading", "seen", "plate", "crew"}}

func benchSite(b *testing.B) (*site, *pgtest.Server) {
	server := pgtest.Cluster(b, "fsync=on", "full_page_writes=on", "shared_buffers=512MB", "autovacuum_naptime=5s")
	s := ready(b, server.Database(b), journal.Options{})
	for _, sql := range strings.Split(vehicles, ";") {
		s.exec(sql)
	}
	s.run()
	return s, server
}

func (s *site) release() {
	s.Helper()
	s.tx(func(tx pgx.Tx) error { return journal.Release(context.Background(), tx, "vehicles") })
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench runs a script and returns its transactions per second.
func pgbench(b *testing.B, server *pgtest.Server, s *site, script string, arguments ...string) float64 {
	b.Helper()
	file := filepath.Join(b.TempDir(), "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.Command(server.Bin("pgbench"), append(arguments, "--no-vacuum", "--protocol=prepared", "--file", file, s.url)...).CombinedOutput()
	found := tps.FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

const moveOne = "\\set id random(1, 100000)\nUPDATE vehicles SET geom = ST_SetSRID(ST_Point(104.5 + 7.5 * random(), 20.9 + 5.4 * random()), 4326), seen = clock_timestamp() WHERE id = :id;\n"

// BenchmarkSingleRowUpdatesWithAndWithoutCapture alternates, on one table: without
// capture, with the triggers alone, and with a mover at work on the same processors.
func BenchmarkSingleRowUpdatesWithAndWithoutCapture(b *testing.B) {
	s, server := benchSite(b)
	update := func() float64 { return pgbench(b, server, s, moveOne, "--client=8", "--time=2") }
	update()
	var without, alone, moving []float64
	for range max(3, b.N) {
		s.stop()
		without = append(without, update())
		s.capture(vehiclesTable)
		alone = append(alone, update())
		s.run()
		s.moved()
		moving = append(moving, update())
		s.moved()
		s.release()
	}
	overhead(b, "tx/s", without, alone, moving)
}

// BenchmarkBulkUpdatesWithAndWithoutCapture changes 100,000 rows in one statement.
func BenchmarkBulkUpdatesWithAndWithoutCapture(b *testing.B) {
	s, _ := benchSite(b)
	update := func() float64 {
		s.exec("VACUUM vehicles")
		s.exec("CHECKPOINT")
		start := time.Now()
		s.exec("UPDATE vehicles SET level = level + 1, seen = now()")
		return 100_000 / time.Since(start).Seconds()
	}
	update()
	var without, alone, moving []float64
	for range max(3, b.N) {
		s.stop()
		without = append(without, update())
		s.capture(vehiclesTable)
		alone = append(alone, update())
		s.run()
		s.moved()
		moving = append(moving, update())
		s.moved()
		s.release()
	}
	overhead(b, "rows/s", without, alone, moving)
}

// overhead reports what the triggers cost those who write, alone and with a mover.
func overhead(b *testing.B, unit string, without, alone, moving []float64) {
	for _, s := range [][]float64{without, alone, moving} {
		slices.Sort(s)
	}
	b.Logf("without capture %.0f, triggers alone %.0f, with a mover %.0f %s", without, alone, moving, unit)
	base := without[len(without)/2]
	b.ReportMetric(base, unit+"-without")
	b.ReportMetric(alone[len(alone)/2], unit+"-triggers")
	b.ReportMetric(100*(1-alone[len(alone)/2]/base), "%loss-triggers")
	b.ReportMetric(100*(1-moving[len(moving)/2]/base), "%loss-with-mover")
}

// BenchmarkUpdateToReadAt1000PerSecond: from a moment before the commit, as the row
// itself says, until a reader on another node holds the change.
func BenchmarkUpdateToReadAt1000PerSecond(b *testing.B) {
	s, server := benchSite(b)
	s.capture(vehiclesTable)
	node := ready(b, s.url, journal.Options{})
	node.run()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var took []time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		at := node.at
		for node.j.Wait(ctx, at.Position) == nil {
			entries, err := node.j.Read(ctx, at, 1000)
			now := time.Now()
			if err != nil {
				if ctx.Err() == nil {
					b.Error(err)
				}
				return
			}
			for _, e := range entries {
				at.Position = e.Position
				if e.Layer == "vehicles" {
					took = append(took, now.Sub(seen(b, e)))
				}
			}
		}
	}()
	rate := pgbench(b, server, s, moveOne, "--client=8", "--rate=1000", "--time=10")
	s.moved()
	time.Sleep(200 * time.Millisecond)
	cancel()
	<-done
	slices.Sort(took)
	if float64(len(took)) < 9*rate {
		b.Fatalf("only %d changes of %.0f a second were read", len(took), rate)
	}
	at := func(p float64) time.Duration { return took[int(p*float64(len(took)-1))] }
	b.Logf("%.0f tx/s, %d changes: p50 %v, p90 %v, p99 %v, p99.9 %v, max %v", rate, len(took), at(.5), at(.9), at(.99), at(.999), at(1))
	b.ReportMetric(rate, "tx/s")
	b.ReportMetric(float64(at(.5).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(at(.99).Microseconds())/1000, "p99-ms")
}

func seen(b *testing.B, e journal.Entry) time.Time {
	_, rest, ok := strings.Cut(string(e.New.Attributes), `"seen":"`)
	t, err := time.Parse(time.RFC3339Nano, rest[:max(0, strings.IndexByte(rest, '"'))])
	if !ok || err != nil {
		b.Fatal(fmt.Errorf("no time in %s: %w", e.New.Attributes, err))
	}
	return t
}
