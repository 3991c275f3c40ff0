package tiles

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// unpack decodes a body with the coding's own reader.
func unpack(t *testing.T, c Coding, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch c {
	case Gzip:
		r, err = gzip.NewReader(r)
	case Brotli:
		r = brotli.NewReader(r)
	case Zstd:
		r, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	return raw
}

func TestEveryCodingOfATileHasTheSameBytes(t *testing.T) {
	m := newMemory(testLayer("a", layers.Attribute{Name: "name", Type: layers.String}))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), map[string]any{"name": strings.Repeat("示例", 500)}))
	tile := mustTile(t, newService(t, m, Options{}), here, "a")
	for _, c := range Codings {
		for range 2 { // what was compressed, and with a compressor that was used before
			body := tile.In(c)
			if !bytes.Equal(unpack(t, c, body), tile.Raw) || len(body) >= len(tile.Raw) {
				t.Errorf("%s: %d bytes of %d", c, len(body), len(tile.Raw))
			}
			tile = mustTile(t, newService(t, m, Options{}), here, "a")
		}
	}
	if !bytes.Equal(tile.In(Identity), tile.Raw) {
		t.Error("identity changes the bytes")
	}
}

func TestATileIsCompressedOnceInEachCodingThatIsAsked(t *testing.T) {
	m := newMemory(testLayer("a"), testLayer("b"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	m.put("b", feature(1, in(t, here, "POINT (1 1)"), nil))
	s := newService(t, m, Options{})
	for _, ids := range [][]string{{"a"}, {"a", "b"}} {
		for _, c := range Codings {
			var wg sync.WaitGroup
			bodies := make([][]byte, 20)
			for i := range bodies {
				wg.Go(func() { bodies[i] = mustTile(t, s, here, ids...).In(c) })
			}
			wg.Wait()
			for _, b := range bodies {
				if &b[0] != &bodies[0][0] {
					t.Fatalf("%v was compressed twice as %s", ids, c)
				}
			}
		}
	}
}

func TestTheCacheWeighsWhatATileHasGrownBy(t *testing.T) {
	m := newMemory(testLayer("a", layers.Attribute{Name: "name", Type: layers.String}))
	noise := make([]byte, 3000)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(' ' + rnd.IntN(90))
	}
	f := feature(1, in(t, here, "POINT (1 1)"), map[string]any{"name": string(noise)})
	m.put("a", f)
	s := newService(t, m, Options{})
	tile := mustTile(t, s, here, "a")
	want := s.bytes()
	for _, c := range Codings {
		want += int64(len(tile.In(c)))
		if got := s.bytes(); got != want {
			t.Errorf("with %s the cache weighs %d, want %d", c, got, want)
		}
	}
	// A tile that is not cached any more does not come back by being compressed.
	m.set("a", f, feature(2, in(t, here, "POINT (2 2)"), nil))
	tile = mustTile(t, s, Coord{0, 0, 0}, "a")
	s.Apply(commit("a", nil, f))
	tile.In(Gzip)
	if st := s.Stats(); st.Entries != 0 || s.bytes() != 0 {
		t.Errorf("%+v", st)
	}
	fresh := mustTile(t, s, Coord{0, 0, 0}, "a")
	tile.In(Brotli)
	if now := mustTile(t, s, Coord{0, 0, 0}, "a"); now != fresh {
		t.Error("an old tile took the place of the new one")
	}
}

// bytes is what the cache weighs, when it has done what it does in the background.
func (s *Service) bytes() int64 {
	s.cache.entries.CleanUp()
	return s.Stats().Bytes
}

// BenchmarkCodings compresses a tile of the usual budget.
func BenchmarkCodings(b *testing.B) {
	l := testLayer("points", layers.Attribute{Name: "name", Type: layers.String}, layers.Attribute{Name: "status", Type: layers.String}, layers.Attribute{Name: "beds", Type: layers.Integer})
	m := newMemory(l)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 2500 {
		m.features[l.ID] = append(m.features[l.ID], &layers.Feature{
			ID: fmt.Sprintf("p%06d", rnd.IntN(1_000_000)), Num: int64(i + 1), Geometry: geom.NewPointFlat(geom.XY, []float64{104.5 + 7.5*rnd.Float64(), 20.9 + 5.5*rnd.Float64()}),
			Properties: map[string]any{"name": fmt.Sprintf("示例企业%06d", i), "status": []string{"存续", "注销", "吊销"}[i%3], "beds": int64(i % 500)},
		})
	}
	raw, err := Encode(context.Background(), m.As(layers.Public), l, At(108, 23, 4))
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPacker()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range Codings {
		b.Run(string(c), func(b *testing.B) {
			size := 0
			for b.Loop() {
				size = len(p.compress(raw, c))
			}
			b.ReportMetric(float64(len(raw)), "B/raw")
			b.ReportMetric(float64(size), "B/tile")
		})
	}
}
