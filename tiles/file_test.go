package tiles

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// body writes a state as a file has it.
func body(t testing.TB, s *snapshot) []byte {
	t.Helper()
	var out bytes.Buffer
	e := fileEncoder{ctx: context.Background(), w: &out}
	base := s.runs[0].run
	if s.overlay() > 0 {
		base = join(s.format, s.runs, nil)
	}
	e.encodeBody(&s.plan, base)
	if e.err != nil || e.n != int64(out.Len()) {
		t.Fatal(e.err, e.n, out.Len())
	}
	return out.Bytes()
}

func readBody(f *format, raw []byte, rows int) (*snapshot, error) {
	d := fileDecoder{r: bytes.NewReader(raw), left: int64(len(raw))}
	return d.decodeBody(f, rows)
}

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				sc.edit(rt, 10)
				_, was := sc.service.kept.find("kept")
				is, err := readBody(was.format, body(t, was), int(was.count()))
				if err != nil {
					rt.Fatal(err)
				}
				if !bytes.Equal(body(t, is), body(t, was)) {
					rt.Fatal("written again it is another file")
				}
				if is.plan != was.plan || !reflect.DeepEqual(is.runs[0].sums, join(was.format, was.runs, nil).sums) {
					rt.Fatal("its cells or sums are others")
				}
				for _, c := range sc.corners() {
					if got, want := is.encode(new(draft), "kept", c), was.encode(new(draft), "kept", c); !bytes.Equal(got, want) {
						rt.Fatalf("tile %s: %v\nwant %v", c, describe(t, got), describe(t, want))
					}
				}
			})
		})
	}
}

// columnsOf makes a state of points whose columns are of every kind: with codes of
// one, two and four bytes, without codes, of every type, and empty.
func columnsOf(rows int, ownIDs bool) *snapshot {
	l := testLayer("columns")
	l.Geometry = layers.Point
	for _, name := range []string{"few", "many", "most", "own", "none"} {
		l.Schema = append(l.Schema, layers.Attribute{Name: name, Type: layers.String})
	}
	l.Schema = append(l.Schema, layers.Attribute{Name: "n", Type: layers.Integer, Aggregate: true}, layers.Attribute{Name: "x", Type: layers.Number},
		layers.Attribute{Name: "ok", Type: layers.Boolean}, layers.Attribute{Name: "day", Type: layers.DateType}, layers.Attribute{Name: "at", Type: layers.DateTime})
	rnd := rand.New(rand.NewPCG(3, 4))
	b := newRun(formatOf(l, coverage.DefaultTolerance), nil)
	for i := range rows {
		f := feature(int64(i+1), geom.NewPointFlat(geom.XY, []float64{100 + 10*rnd.Float64(), 20 + 10*rnd.Float64()}), map[string]any{
			"few": fmt.Sprint(i % 3), "many": fmt.Sprint(i % 1000), "most": fmt.Sprint(i % maxShared), "own": fmt.Sprint("own", i),
			"n": int64(i%7 - 3), "x": float64(i) / 3, "ok": i%2 == 0, "day": layers.Date("2026-01-01"), "at": time.UnixMilli(int64(i)),
		})
		if f.ID = fmt.Sprint(i + 1); ownIDs {
			f.ID = fmt.Sprint("id", i)
		}
		b.add(f)
	}
	s := &snapshot{format: b.format, runs: []living{{run: b.build()}}}
	s.plan = s.makePlan(defaultBudget)
	return s
}

func TestColumnsOfEveryKindAreReadAsTheyWereWritten(t *testing.T) {
	for rows, ownIDs := range map[int]bool{2 * maxShared: true, 100: false} {
		was := columnsOf(rows, ownIDs)
		r := was.runs[0].run
		if c := r.columns; (r.ids != nil) != ownIDs || ownIDs && (c[0].codes.one == nil || c[1].codes.two == nil || c[2].codes.four == nil || c[3].dict != nil) {
			t.Fatal("the columns are not of every kind")
		}
		is, err := readBody(was.format, body(t, was), rows)
		if err != nil {
			t.Fatal(err)
		}
		for row := range rows {
			for i := range r.columns {
				v, code := r.columns[i].get(row)
				if got, n := is.runs[0].columns[i].get(row); !bytes.Equal(got, v) || n != code {
					t.Fatalf("column %d of row %d is %q, not %q", i, row, got, v)
				}
			}
			want, _ := r.id(row, nil)
			if got, _ := is.runs[0].id(row, nil); !bytes.Equal(got, want) {
				t.Fatalf("the id of row %d is %q, not %q", row, got, want)
			}
		}
		if is.size() != was.size() {
			t.Errorf("it takes %d bytes, not %d", is.size(), was.size())
		}
	}
}

// littleStates are small states of points and of shapes.
func littleStates() map[string]*snapshot {
	var river []float64 // of several chunks
	for i := range 3 * chunkSize {
		river = append(river, 108+float64(i)/1000, 22.5+float64(i%5)/1000)
	}
	b := newRun(formatOf(testLayer("shapes", residentSchema...), coverage.DefaultTolerance), nil)
	for i, g := range []geom.T{
		parcel(0, 0, 0.02), parcel(1, 0, 0.02), geom.NewPointFlat(geom.XY, []float64{108, 22.5}), geom.NewLineStringFlat(geom.XY, river),
		geom.NewPolygonFlat(geom.XY, []float64{108, 22, 109, 22, 109, 23, 108, 22, 108.8, 22.2, 108.9, 22.3, 108.9, 22.2, 108.8, 22.2}, []int{8, 16}),
	} {
		b.add(feature(int64(i), g, map[string]any{"name": fmt.Sprint(i), "n": int64(i)}))
	}
	b.shapes.grade(b.format.tolerance)
	s := &snapshot{format: b.format, runs: []living{{run: b.build()}}}
	s.plan[6], s.plan[12] = 4, 8
	return map[string]*snapshot{"points": columnsOf(20, true), "shapes": s}
}

// drawAll makes tiles of what a file had, whatever that is.
func drawAll(s *snapshot) {
	d := new(draft)
	for z := range MaxZoom + 1 {
		for _, lon := range []float64{-180, 108, 108.01} {
			s.encode(d, "x", At(lon, 22.5, z))
		}
	}
}

func TestAFileThatIsCutOffOrChangedAnywhereIsRefused(t *testing.T) {
	for name, s := range littleStates() {
		t.Run(name, func(t *testing.T) {
			raw, rows := body(t, s), s.runs[0].len()
			for n := range raw {
				if _, err := readBody(s.format, raw[:n], rows); err == nil {
					t.Fatalf("%d of %d bytes are taken for all", n, len(raw))
				}
			}
			for n := range raw {
				bad := slices.Clone(raw)
				bad[n] ^= []byte{1, 0x80, 0xff}[n%3]
				if _, err := readBody(s.format, bad, rows); err == nil {
					t.Fatalf("byte %d is another and nobody says so", n)
				}
				// And whoever makes the checksum right again gets no further than a
				// state that can be drawn.
				if is, err := readBody(s.format, resummed(bad), rows); err == nil {
					drawAll(is)
				}
			}
			var before, after runtime.MemStats
			for n := range len(raw) - 8 {
				bad := slices.Clone(raw)
				binary.LittleEndian.PutUint64(bad[n:], 1<<28) // a length, it may be
				runtime.ReadMemStats(&before)
				_, _ = readBody(s.format, bad, rows)
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
					t.Fatalf("%d bytes are allocated for %d", took, len(raw))
				}
			}
			if _, err := readBody(s.format, append(slices.Clone(raw), 0), rows); err == nil {
				t.Error("a byte too many is not seen")
			}
			for _, n := range []int{-1, rows - 1, rows + 1, 1 << 40} {
				if _, err := readBody(s.format, raw, n); err == nil {
					t.Errorf("%d rows are taken for %d", rows, n)
				}
			}
		})
	}
}

func TestValuesThatNobodyWroteAreTold(t *testing.T) {
	for _, v := range []any{"", "甲", int64(0), int64(-1), int64(1 << 60), 1.5, true, false, time.Now()} {
		one := appendValue(nil, v)
		if !wellFormed(one) {
			t.Errorf("%v is refused", v)
		}
		for n := range len(one) {
			if n > 0 && wellFormed(one[:n]) {
				t.Errorf("%d bytes of %q are taken for all", n, one)
			}
		}
		if wellFormed(append(one, 0)) {
			t.Errorf("a byte after %v is not seen", v)
		}
	}
	if wellFormed([]byte{2, 1}) {
		t.Error("a value of an unknown type is taken")
	}
}

func TestAHeadThatWasChangedIsRefused(t *testing.T) {
	h := fileHead{Format: fileFormat, Layer: "a", Cursor: layers.Cursor{Epoch: "e", Position: 7}}
	raw, err := h.encode()
	if err != nil || len(raw) != headSize {
		t.Fatal(err, len(raw))
	}
	if got, err := readHead(bytes.NewReader(raw)); err != nil || got != h {
		t.Fatal(err, got)
	}
	for n := range raw {
		bad := slices.Clone(raw)
		bad[n] ^= 4
		if _, err := readHead(bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d is another", n)
		}
		if _, err := readHead(bytes.NewReader(raw[:n])); err == nil {
			t.Fatalf("%d bytes are taken for a head", n)
		}
	}
	h.Format = "onemap tiles 0"
	raw, _ = h.encode()
	if _, err := readHead(bytes.NewReader(raw)); err == nil {
		t.Error("another format is read")
	}
}

// resummed makes the checksum of a body right.
func resummed(raw []byte) []byte {
	if len(raw) < 4 {
		return raw
	}
	rest := raw[: len(raw)-4 : len(raw)-4]
	return binary.LittleEndian.AppendUint32(rest, crc32.Checksum(rest, castagnoli))
}

// FuzzSnapshot reads bytes as the body of a layer's file, with a checksum that is
// right: what is read must be drawn without a panic, and written as it was.
func FuzzSnapshot(f *testing.F) {
	formats := map[bool]*format{}
	for _, s := range littleStates() {
		formats[s.format.shapes] = s.format
		f.Add(body(f, s), s.runs[0].len(), s.format.shapes)
	}
	f.Fuzz(func(t *testing.T, raw []byte, rows int, shapes bool) {
		raw = resummed(raw)
		s, err := readBody(formats[shapes], raw, rows)
		if err != nil {
			return
		}
		drawAll(s)
		var again bytes.Buffer
		e := fileEncoder{ctx: t.Context(), w: &again}
		if e.encodeBody(&s.plan, s.runs[0].run); !bytes.Equal(again.Bytes(), raw) {
			t.Error("written again it is another file")
		}
		s.makePlan(defaultBudget)
		join(s.format, s.runs, nil)
	})
}
