package tiles

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onemap/layers"
)

func newService(t rapid.TB, src Source, o Options) *Service {
	t.Helper()
	s, err := New(src, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustTile(t rapid.TB, s *Service, c Coord, ids ...string) *Tile {
	t.Helper()
	tile, err := s.Tile(context.Background(), layers.Official, ids, c.Z, c.X, c.Y)
	if err != nil {
		t.Fatalf("tile %s of %v: %v", c, ids, err)
	}
	return tile
}

// commit returns the log's entry for a feature that became another.
func commit(layer string, was, is *layers.Feature) []layers.Commit {
	ch := layers.Change{Position: 1, Layer: layer, Kind: layers.ChangePut, Old: was, New: is}
	if is == nil {
		ch.Kind = layers.ChangeDelete
	}
	return []layers.Commit{{Time: time.Now(), Changes: []layers.Change{ch}}}
}

func TestATileHasATagThatChangesWithItsContentOnly(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	s := newService(t, m, Options{})
	tile := mustTile(t, s, here, "a")
	if !strings.HasPrefix(tile.ETag, `"`) || !strings.HasSuffix(tile.ETag, `"`) || len(tile.ETag) < 18 {
		t.Errorf("not a strong entity tag: %s", tile.ETag)
	}
	if again := mustTile(t, newService(t, m, Options{}), here, "a"); again.ETag != tile.ETag {
		t.Error("the same content has another tag on another server")
	}
	m.put("a", feature(2, in(t, here, "POINT (1 2)"), nil))
	s.Reset(layers.Cursor{})
	if after := mustTile(t, s, here, "a"); after.ETag == tile.ETag {
		t.Error("other content has the same tag")
	}
	if world := mustTile(t, s, Coord{0, 0, 0}, "a"); len(world.Raw) == 0 {
		t.Error("the point is not in the tile of the world")
	}
	if empty := mustTile(t, s, Coord{12, 0, 0}, "a"); len(empty.Raw) != 0 || len(empty.In(Gzip)) != 0 || empty.ETag == "" {
		t.Errorf("an empty tile is %q", empty.In(Gzip))
	}
}

func TestACompositeHasItsLayersInTheOrderAsked(t *testing.T) {
	m := newMemory(testLayer("a"), testLayer("b"), testLayer("none"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	b := feature(2, in(t, here, "POINT (2 2)"), nil)
	m.put("b", b)
	s := newService(t, m, Options{})
	names := func(ids ...string) (out []string) {
		for _, l := range decode(t, mustTile(t, s, here, ids...).Raw) {
			out = append(out, l.Name)
		}
		return out
	}
	if got := names("b", "none", "a"); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("got %v", got)
	}
	if got := names("a", "b"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v", got)
	}
	if first, second := mustTile(t, s, here, "a", "b"), mustTile(t, s, here, "a", "b"); first != second {
		t.Error("an unchanged composite was put together again")
	}
	before := mustTile(t, s, here, "a", "b")
	m.set("b")
	s.Apply(commit("b", b, nil))
	after := mustTile(t, s, here, "a", "b")
	if after.ETag == before.ETag || !bytes.Equal(after.Raw, mustTile(t, s, here, "a").Raw) {
		t.Error("the composite kept what one of its layers lost")
	}
}

func TestAClosedLayersTileIsNotFoundAlsoWhenItIsCached(t *testing.T) {
	closed := testLayer("closed")
	closed.Open = false
	m := newMemory(closed, testLayer("open"))
	m.put("closed", feature(1, in(t, here, "POINT (1 1)"), nil))
	s := newService(t, m, Options{})
	mustTile(t, s, here, "closed") // an official fills the cache
	mustTile(t, s, here, "open", "closed")
	for _, ids := range [][]string{{"closed"}, {"open", "closed"}, {"absent"}} {
		if _, err := s.Tile(context.Background(), layers.Public, ids, here.Z, here.X, here.Y); layers.CodeOf(err) != layers.NotFound {
			t.Errorf("the public asked for %v and got %v", ids, err)
		}
		if _, err := s.TileJSON(context.Background(), layers.Public, ids, Variant{}, "u"); layers.CodeOf(err) != layers.NotFound {
			t.Errorf("the public asked for the TileJSON of %v and got %v", ids, err)
		}
	}
	if _, err := s.Tile(context.Background(), layers.View{}, []string{"open"}, here.Z, here.X, here.Y); layers.CodeOf(err) != layers.NotFound {
		t.Errorf("the zero view got %v", err)
	}
}

func TestATileOutsideTheMatrixIsNotFoundAndSaysWhy(t *testing.T) {
	s := newService(t, newMemory(testLayer("a")), Options{})
	for _, c := range []Coord{{-1, 0, 0}, {23, 0, 0}, {3, 8, 0}, {3, 0, 8}, {3, -1, 0}} {
		_, err := s.Tile(context.Background(), layers.Public, []string{"a"}, c.Z, c.X, c.Y)
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.NotFound || len(e.Violations) != 1 {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, err := s.Tile(context.Background(), layers.Public, nil, 0, 0, 0); layers.CodeOf(err) != layers.Invalid {
		t.Errorf("no layer at all: %v", err)
	}
}

func TestATileThatManyAskForIsEncodedOnce(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	gate := make(chan struct{})
	m.onScan = func() { <-gate }
	s := newService(t, m, Options{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if tile := mustTile(t, s, here, "a"); len(tile.Raw) == 0 {
				t.Error("an empty tile")
			}
		})
	}
	for s.waiting() < 20 {
		time.Sleep(time.Millisecond)
	}
	close(gate)
	wg.Wait()
	if st := s.Stats(); st.Loads != 1 || st.Misses != 20 {
		t.Errorf("%+v", st)
	}
	mustTile(t, s, here, "a")
	if st := s.Stats(); st.Hits != 1 || st.Loads != 1 || st.Entries != 1 || st.Bytes < 100 {
		t.Errorf("%+v", st)
	}
}

// waiting returns how many callers wait for a load.
func (s *Service) waiting() (n int) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	for _, f := range s.cache.flights {
		n += f.waiting
	}
	return n
}

func TestALoadThatAnInvalidationOvertookIsNotKept(t *testing.T) {
	was, is := feature(1, in(t, here, "POINT (1 1)"), nil), feature(1, in(t, here, "POINT (9 9)"), nil)
	for name, invalidate := range map[string]func(*Service){
		"change": func(s *Service) { s.Apply(commit("a", was, is)) },
		"define": func(s *Service) {
			s.Apply([]layers.Commit{{Changes: []layers.Change{{Position: 1, Layer: "a", Kind: layers.ChangeDefine}}}})
		},
		"reset of the layer": func(s *Service) {
			s.Apply([]layers.Commit{{Changes: []layers.Change{{Position: 1, Layer: "a", Kind: layers.ChangeReset}}}})
		},
		"reset": func(s *Service) { s.Reset(layers.Cursor{}) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(testLayer("a"))
			m.put("a", was)
			scanned, gate := make(chan struct{}), make(chan struct{})
			var scans atomic.Int32
			m.onScan = func() { // the first scan has read the old feature and waits
				if scans.Add(1) == 1 {
					close(scanned)
					<-gate
				}
			}
			s := newService(t, m, Options{})
			got := make(chan *Tile)
			go func() { got <- mustTile(t, s, here, "a") }()
			<-scanned
			m.set("a", is)
			invalidate(s)
			// Whoever asks now must not join the old load.
			fresh := mustTile(t, s, here, "a")
			if p := decode(t, fresh.Raw)[0].Features[0].Geometry; p != (orb.Point{9, 9}) {
				t.Errorf("asked after the invalidation and got %v", p)
			}
			close(gate)
			<-got
			if now := mustTile(t, s, here, "a"); now.ETag != fresh.ETag {
				t.Error("the old load remained in the cache")
			}
			if st := s.Stats(); st.Discarded != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestALayerThatAlwaysChangesStillAnswers(t *testing.T) {
	f := feature(1, in(t, here, "POINT (1 1)"), nil)
	m := newMemory(testLayer("a"))
	m.put("a", f)
	var s *Service
	m.onScan = func() { s.Apply(commit("a", f, f)) } // every load is overtaken
	s = newService(t, m, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if tile, err := s.Tile(ctx, layers.Public, []string{"a"}, here.Z, here.X, here.Y); err != nil || len(tile.Raw) == 0 {
		t.Fatalf("no tile: %v", err)
	}
	if st := s.Stats(); st.Entries != 0 || st.Loads > 2 {
		t.Errorf("%+v", st)
	}
}

func TestALoadGoesOnForThoseWhoStillWait(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	gate, scanned := make(chan struct{}), make(chan struct{}, 9)
	m.onScan = func() { scanned <- struct{}{}; <-gate }
	s := newService(t, m, Options{})

	impatient, leave := context.WithCancel(context.Background())
	gone, stayed := make(chan error), make(chan error)
	ask := func(ctx context.Context, out chan error) {
		_, err := s.Tile(ctx, layers.Public, []string{"a"}, here.Z, here.X, here.Y)
		out <- err
	}
	go ask(impatient, gone)
	<-scanned
	go ask(context.Background(), stayed)
	for s.waiting() < 2 {
		time.Sleep(time.Millisecond)
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	close(gate)
	if err := <-stayed; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
	if st := s.Stats(); st.Loads != 1 {
		t.Errorf("%+v", st)
	}
}

func TestALoadEndsWhenNobodyWaits(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	gate, scanned := make(chan struct{}), make(chan struct{}, 9)
	m.onScan = func() { scanned <- struct{}{}; <-gate }
	s := newService(t, m, Options{})
	ctx, leave := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() {
		_, err := s.Tile(ctx, layers.Public, []string{"a"}, here.Z, here.X, here.Y)
		gone <- err
	}()
	<-scanned
	leave()
	<-gone
	// The next caller starts a load of its own instead of joining a dying one.
	close(gate)
	if tile := mustTile(t, s, here, "a"); len(tile.Raw) == 0 {
		t.Error("an empty tile")
	}
	if st := s.Stats(); st.Loads != 2 || st.Entries != 1 {
		t.Errorf("%+v", st)
	}
}

func TestAPanicWhileEncodingIsAnErrorOfThatCallOnly(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.onScan = func() { panic("broken") }
	s := newService(t, m, Options{})
	if _, err := s.Tile(context.Background(), layers.Public, []string{"a"}, 0, 0, 0); err == nil || layers.CodeOf(err) != layers.Internal {
		t.Errorf("got %v", err)
	}
	m.mu.Lock()
	m.onScan = nil
	m.mu.Unlock()
	if _, err := s.Tile(context.Background(), layers.Public, []string{"a"}, 0, 0, 0); err != nil {
		t.Errorf("the error was cached: %v", err)
	}
}

func TestTheCacheStaysWithinItsBytes(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, Coord{0, 0, 0}, "POLYGON ((0 0, 4096 0, 4096 4096, 0 4096, 0 0))"), nil))
	const limit = 20_000
	s := newService(t, m, Options{CacheBytes: limit})
	for x := range 300 {
		for y := range 10 {
			mustTile(t, s, Coord{10, x, y}, "a")
		}
	}
	s.cache.entries.CleanUp()
	if st := s.Stats(); st.Bytes > limit || st.Entries == 0 || st.Entries > 100 {
		t.Errorf("%+v", st)
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.size > 1024+300 {
		t.Errorf("the index still has %d keys", s.cache.size)
	}
}

func TestWithoutACacheEveryTileIsMadeAnew(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	s := newService(t, m, Options{CacheBytes: NoCache})
	for range 100 {
		mustTile(t, s, here, "a")
		s.cache.entries.CleanUp() // it evicts in the background
	}
	if st := s.Stats(); st.Loads != 100 || st.Hits != 0 || st.Bytes > NoCache {
		t.Errorf("%+v", st)
	}
}

func TestTileJSONDescribesWhatTheTilesHold(t *testing.T) {
	a := testLayer("a", layers.Attribute{Name: "name", Type: layers.String}, layers.Attribute{Name: "level", Type: layers.Number}, layers.Attribute{Name: "ok", Type: layers.Boolean})
	a.Department.Name = layers.Text{Zh: "示例<b>厅"}
	a.Source = layers.Text{En: "Census & Co"}
	region := orb.Bound{Min: orb.Point{104, 20}, Max: orb.Point{113, 27}}
	s := newService(t, newMemory(a, testLayer("b")), Options{Bounds: &region})
	tj, err := s.TileJSON(context.Background(), layers.Public, []string{"a", "b"}, Variant{}, "https://example.org/tiles/a,b/{z}/{x}/{y}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(tj)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"tilejson":"3.0.0","name":"示例a, 示例b","attribution":"示例\u0026lt;b\u0026gt;厅: Census \u0026amp; Co","scheme":"xyz",` +
		`"tiles":["https://example.org/tiles/a,b/{z}/{x}/{y}"],"minzoom":0,"maxzoom":14,"bounds":[104,20,113,27],` +
		`"vector_layers":[{"id":"a","description":"示例a","minzoom":0,"maxzoom":14,"fields":{"_id":"String","area:sum":"Number","level":"Number","name":"String","ok":"Boolean","point_count":"Number"}},` +
		`{"id":"b","description":"示例b","minzoom":0,"maxzoom":14,"fields":{"_id":"String","area:sum":"Number","point_count":"Number"}}]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBoundsHoldWhereFeaturesMayComeLater(t *testing.T) {
	entry := func(b *orb.Bound) layers.Entry { return layers.Entry{Status: layers.Status{Extent: b}} }
	region := orb.Bound{Min: orb.Point{104, 20}, Max: orb.Point{113, 27}}
	pole := orb.Bound{Min: orb.Point{-200, 86}, Max: orb.Point{120, 90}}
	world := [4]float64{-180, -MaxLatitude, 180, MaxLatitude}
	for name, c := range map[string]struct {
		options *orb.Bound
		extents []layers.Entry
		want    [4]float64
	}{
		"nothing known":      {nil, []layers.Entry{entry(nil)}, world},
		"an extent":          {nil, []layers.Entry{entry(&region)}, [4]float64{104, 20, 113, 27}},
		"an empty layer too": {nil, []layers.Entry{entry(&region), entry(nil)}, world},
		"the region":         {&region, []layers.Entry{entry(nil)}, [4]float64{104, 20, 113, 27}},
		"beyond the region":  {&region, []layers.Entry{entry(&pole)}, [4]float64{-180, 20, 180, MaxLatitude}},
		"only a pole":        {nil, []layers.Entry{entry(&pole)}, [4]float64{-180, MaxLatitude, 180, MaxLatitude}},
	} {
		if got := (&Service{bounds: c.options}).boundsOf(c.extents); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestALayerThatIsNotOpenAnyMoreIsNotServedWhateverTheFeedKnows(t *testing.T) {
	sc := newScene(t, layers.Point, Options{})
	public := func() error {
		_, err := sc.service.Tile(t.Context(), layers.Public, []string{"kept"}, 0, 0, 0)
		return err
	}
	mustDo(t, public())
	closed := *sc.layer
	closed.Open = false
	for _, now := range []map[string]*layers.Layer{{"kept": &closed}, {}} { // closed, dropped
		sc.src.mu.Lock()
		sc.src.layers = now
		sc.src.mu.Unlock()
		if err := public(); layers.CodeOf(err) != layers.NotFound {
			t.Errorf("got %v", err)
		}
	}
}
