package tiles

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// peerData makes features like those of the comparison with other tile servers:
// points, parcels and roads around 80 towns, from a fixed seed.
func peerData(kind layers.GeometryType, n int) (*layers.Layer, func(i int) *layers.Feature) {
	rnd := rand.New(rand.NewPCG(42, 42))
	type town struct{ x, y, sd float64 }
	towns := make([]town, 80)
	for i := range towns {
		towns[i] = town{104.6 + rnd.Float64()*7.3, 21.1 + rnd.Float64()*5.1, 0.02 + 0.18*math.Pow(rnd.Float64(), 2)}
	}
	place := func(spread float64) (x, y float64) {
		if rnd.Float64() < 0.15 {
			return 104.4 + 7.7*rnd.Float64(), 20.9 + 5.5*rnd.Float64()
		}
		t := towns[int(80*math.Pow(rnd.Float64(), 1.7))]
		return t.x + spread*t.sd*rnd.NormFloat64(), t.y + spread*t.sd*rnd.NormFloat64()
	}
	l := testLayer("peer")
	l.Geometry = kind
	switch kind {
	case layers.Point:
		l.Schema = layers.Schema{{Name: "name", Type: layers.String}, {Name: "category", Type: layers.String}, {Name: "dept", Type: layers.String}, {Name: "status", Type: layers.String},
			{Name: "value", Type: layers.Number}, {Name: "cnt", Type: layers.Integer}, {Name: "updated", Type: layers.DateTime}}
		return l, func(i int) *layers.Feature {
			x, y := place(1)
			return &layers.Feature{ID: fmt.Sprint(i), Num: int64(i), Geometry: geom.NewPointFlat(geom.XY, []float64{x, y}), Properties: map[string]any{
				"name": fmt.Sprintf("site-%d", i), "category": fmt.Sprintf("cat%d", rnd.IntN(12)), "dept": fmt.Sprintf("dept%d", rnd.IntN(20)),
				"status": []string{"ok", "warn", "alarm", "offline"}[rnd.IntN(4)], "value": math.Round(rnd.Float64()*1e5) / 100, "cnt": int64(rnd.IntN(500)),
				"updated": time.Unix(1767225600+int64(i), 0).UTC(),
			}}
		}
	case layers.Polygon:
		l.Schema = layers.Schema{{Name: "name", Type: layers.String}, {Name: "landuse", Type: layers.String}, {Name: "county", Type: layers.String}, {Name: "score", Type: layers.Number}, {Name: "nverts", Type: layers.Integer}}
		return l, func(i int) *layers.Feature {
			x, y := place(1.5)
			n, r := 20+rnd.IntN(41), 0.001+0.019*math.Pow(rnd.Float64(), 3)
			flat := make([]float64, 0, 2*n+2)
			for j := range n {
				sin, cos := math.Sincos(2 * math.Pi * float64(j) / float64(n))
				w := r * (0.6 + 0.4*rnd.Float64())
				flat = append(flat, x+w*cos, y+w*sin)
			}
			flat = append(flat, flat[0], flat[1])
			return &layers.Feature{ID: fmt.Sprint(i), Num: int64(i), Geometry: geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)}), Properties: map[string]any{
				"name": fmt.Sprintf("parcel-%d", i), "landuse": fmt.Sprintf("use%d", rnd.IntN(15)), "county": fmt.Sprintf("county%d", rnd.IntN(111)), "score": math.Round(rnd.Float64()*1e4) / 100, "nverts": int64(n)}}
		}
	default:
		l.Schema = layers.Schema{{Name: "name", Type: layers.String}, {Name: "class", Type: layers.String}, {Name: "lanes", Type: layers.Integer}, {Name: "nverts", Type: layers.Integer}}
		return l, func(i int) *layers.Feature {
			x, y := place(1.5)
			n, step, h := 50+rnd.IntN(151), 0.0006+0.0024*rnd.Float64(), rnd.Float64()*2*math.Pi
			flat := make([]float64, 0, 2*n)
			for range n {
				h += (rnd.Float64() - 0.5) * 0.9
				x, y = x+step*math.Cos(h), y+step*math.Sin(h)
				flat = append(flat, x, y)
			}
			return &layers.Feature{ID: fmt.Sprint(i), Num: int64(i), Geometry: geom.NewLineStringFlat(geom.XY, flat), Properties: map[string]any{
				"name": fmt.Sprintf("road-%d", i), "class": fmt.Sprintf("class%d", rnd.IntN(6)), "lanes": int64(1 + rnd.IntN(4)), "nverts": int64(n)}}
		}
	}
}

var peerSizes = map[layers.GeometryType]int{layers.Point: 1_000_000, layers.Polygon: 100_000, layers.LineString: 50_000}

// peer loads one of the data sets once.
var peer = func() func(layers.GeometryType) *snapshot {
	var mu sync.Mutex
	made := map[layers.GeometryType]*snapshot{}
	return func(kind layers.GeometryType) *snapshot {
		mu.Lock()
		defer mu.Unlock()
		if made[kind] == nil {
			l, next := peerData(kind, peerSizes[kind])
			b := newRun(formatOf(l, coverage.DefaultTolerance), nil)
			for i := range peerSizes[kind] {
				b.add(next(i))
			}
			s := b.base()
			s.plan = s.makePlan(defaultBudget)
			made[kind] = s
		}
		return made[kind]
	}
}()

// BenchmarkResident encodes tiles that hold something, at random, and measures what
// the layer takes.
func BenchmarkResident(b *testing.B) {
	for _, kind := range []layers.GeometryType{layers.Point, layers.Polygon, layers.LineString} {
		for _, z := range []int{6, 8, 10, 12, 14} {
			b.Run(fmt.Sprintf("%s/z%d", kind, z), func(b *testing.B) {
				s := peer(kind)
				d := new(draft)
				rnd := rand.New(rand.NewPCG(1, uint64(z)))
				r := s.runs[0]
				bytes, most := 0, 0
				for b.Loop() {
					at := squareOf(r.keys[rnd.IntN(r.len())], z)
					p := placeAt(at.at)
					raw := s.encode(d, "peer", Coord{z, int(p.X), int(p.Y)})
					bytes, most = bytes+len(raw), max(most, len(raw))
				}
				b.ReportMetric(float64(bytes)/float64(b.N), "B/tile")
				b.ReportMetric(float64(most), "B-most")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tiles/s")
				b.ReportMetric(float64(s.size())/float64(r.len()), "B/feature")
				if s.format.shapes {
					b.ReportMetric(float64(s.size())/float64(16*len(r.shapes.vertices)), "of-coordinates")
				}
			})
		}
	}
}

// BenchmarkLoad reads features into memory, from memory.
func BenchmarkLoad(b *testing.B) {
	for _, kind := range []layers.GeometryType{layers.Point, layers.Polygon, layers.LineString} {
		b.Run(string(kind), func(b *testing.B) {
			l, next := peerData(kind, peerSizes[kind])
			fs := make([]*layers.Feature, peerSizes[kind]/5)
			for i := range fs {
				fs[i] = next(i)
			}
			for b.Loop() {
				r := newRun(formatOf(l, coverage.DefaultTolerance), nil)
				for _, f := range fs {
					r.add(f)
				}
				s := r.base()
				s.makePlan(defaultBudget)
				runtime.KeepAlive(s)
			}
			b.ReportMetric(float64(len(fs)*b.N)/b.Elapsed().Seconds(), "features/s")
		})
	}
}

// BenchmarkMoves moves points of the million, 500 a batch, as a feed would.
func BenchmarkMoves(b *testing.B) {
	l, next := peerData(layers.Point, 1_000_000)
	s := peer(layers.Point)
	r := &resident{layer: l}
	r.state.Store(s)
	fs := make([]*layers.Feature, 100_000)
	for i := range fs {
		fs[i] = next(i)
	}
	at := map[int64]*layers.Feature{}
	n := 0
	for b.Loop() {
		var changes []layers.Change
		for range 500 {
			f := *fs[n%len(fs)]
			f.Num = 2_000_000 + int64(n%5000)
			changes = append(changes, layers.Change{Kind: layers.ChangePut, Old: at[f.Num], New: &f})
			at[f.Num] = &f
			n++
		}
		r.follow(changes, 0)
		if r.needsMerge(mergeLeast) {
			r.merge(defaultBudget)
		}
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "moves/s")
}

// BenchmarkLoadFromDisk reads layers of the comparison from their files.
func BenchmarkLoadFromDisk(b *testing.B) {
	for _, kind := range []layers.GeometryType{layers.Point, layers.Polygon, layers.LineString} {
		b.Run(string(kind), func(b *testing.B) {
			s := peer(kind)
			l, _ := peerData(kind, 0)
			src := &logged{memory: newMemory(l), epoch: "e"}
			rs := &residents{src: src, tolerance: s.format.tolerance, budget: defaultBudget, log: slog.New(slog.DiscardHandler), files: files{dir: b.TempDir()}}
			head := fileHead{Layer: l.ID, Definition: s.format.definition(l.ID, rs.budget), Cursor: layers.Cursor{Epoch: "e"}}
			begun, n := time.Now(), s.runs[0].len()
			mustDo(b, rs.write(b.Context(), head, &s.plan, s.runs[0].run))
			took := time.Since(begun)
			for b.Loop() {
				if got, err := rs.readFile(b.Context(), layers.Entry{Layer: l}, 1<<40); err != nil || got == nil || got.runs[0].len() != n {
					b.Fatal(got, err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "features/s")
			b.ReportMetric(float64(n)/took.Seconds(), "written/s")
			info, err := os.Stat(rs.name(l.ID))
			mustDo(b, err)
			b.ReportMetric(float64(info.Size())/float64(n), "B/feature")
		})
	}
}
