package live

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// editor makes random edits of a few layers, the same for the same seed.
type editor struct {
	t      *testing.T
	store  layers.Store
	random *rand.Rand

	mu     sync.Mutex // guards layers, whose columns change
	layers []*layers.Layer
	ids    []map[string]bool
}

func newEditor(t *testing.T, store layers.Store, seed uint64, names ...string) *editor {
	e := &editor{t: t, store: store, random: rand.New(rand.NewPCG(seed, 1))}
	for _, name := range names {
		l := layer(name, false)
		define(t, store, l)
		e.layers, e.ids = append(e.layers, l), append(e.ids, map[string]bool{})
	}
	return e
}

func (e *editor) definition(i int) *layers.Layer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.layers[i]
}

// step makes one commit and returns where the log is then.
func (e *editor) step() layers.Cursor {
	i := e.random.IntN(len(e.layers))
	if e.random.IntN(60) == 0 {
		e.mu.Lock()
		l := *e.layers[i]
		l.Schema = append(layers.Schema{{Name: fmt.Sprintf("c%d", len(l.Schema)), Type: layers.String}}, l.Schema...)
		e.layers[i] = &l
		e.mu.Unlock()
		return define(e.t, e.store, &l)
	}
	var edits []layers.Edit
	seen := map[string]bool{}
	for range 1 + e.random.IntN(20) {
		id := fmt.Sprintf("f%d", e.random.IntN(150))
		if seen[id] {
			continue
		}
		seen[id] = true
		switch there := e.ids[i][id]; {
		case there && e.random.IntN(4) == 0:
			edits = append(edits, layers.Edit{Op: layers.Delete, ID: id})
			delete(e.ids[i], id)
		case there && e.random.IntN(3) == 0:
			edits = append(edits, layers.Edit{Op: layers.Patch, ID: id, KeepGeometry: true, Properties: map[string]any{"level": e.random.Float64()}})
		case e.random.IntN(15) == 0:
			edits = append(edits, layers.Edit{Op: layers.Put, ID: id})
			e.ids[i][id] = true
		default:
			edits = append(edits, put(id, 105+6*e.random.Float64(), 21+5*e.random.Float64(), e.random.Float64()))
			e.ids[i][id] = true
		}
	}
	return apply(e.t, e.store, e.layers[i].ID, edits...)
}

// behave is how a client of the model test treats its connection.
type behave struct {
	name       string
	box        *orb.Bound
	pause      time.Duration // before each frame is read, at random up to
	disconnect int           // one frame in so many ends the connection; 0 never
	filter     string        // in CQL2
	shown      []string      // attributes; nil: all
	roams      bool          // looks elsewhere after one frame in four
}

func TestAClientThatAppliesWhatItGetsEqualsAFreshQuery(t *testing.T) {
	box := orb.Bound{Min: orb.Point{107, 22}, Max: orb.Point{109, 24}}
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			store := openStore(t)
			e := newEditor(t, store, seed, "gauges", "vehicles", "incidents")
			for range 30 {
				e.step()
			}
			s := serve(t, store, func(o *Options) {
				fast(o)
				o.Heartbeat = 100 * time.Millisecond
				o.MaxPending = 120 // so that slow clients overflow
			})
			steps, last, done := 250, layers.Cursor{}, make(chan struct{})
			if testing.Short() {
				steps = 60
			}
			go func() {
				defer close(done)
				for range steps {
					last = e.step()
					time.Sleep(time.Duration(e.random.IntN(6)) * time.Millisecond)
				}
			}()
			var running sync.WaitGroup
			for i, b := range []behave{
				{name: "steady"},
				{name: "looks at a box", box: &box},
				{name: "loses its connection", disconnect: 25},
				{name: "loses its connection, looking at a box", disconnect: 25, box: &box},
				{name: "slow", pause: 60 * time.Millisecond},
				{name: "looks here and there", roams: true, box: &box},
				{name: "looks here and there, slowly, losing its connection", roams: true, pause: 20 * time.Millisecond, disconnect: 30},
				{name: "filters", filter: "level > 0.5"},
				{name: "filters what is in a box, losing its connection", filter: "level < 0.3 OR S_WITHIN(geom, BBOX(107, 22, 108, 23))", box: &box, disconnect: 25},
				{name: "filters here and there", filter: "level BETWEEN 0.2 AND 0.8", roams: true},
				{name: "sees the level alone, of what its name chooses, losing its connection", shown: []string{"level"}, filter: "name IS NOT NULL", disconnect: 25},
				{name: "sees no attribute, here and there", shown: []string{}, roams: true},
				{name: "slow and losing its connection", pause: 40 * time.Millisecond, disconnect: 20, box: &box},
			} {
				c := s.connect(t, "official")
				c.apart, c.name, c.filter, c.shown = true, b.name, b.filter, newProperties(b.shown)
				running.Go(func() {
					c.live(s, e, b, rand.New(rand.NewPCG(seed, uint64(i))), done)
					<-done
					c.complete(last)
					for i := range e.layers {
						c.equals(store, e.definition(i), c.boxes[e.definition(i).ID])
					}
				})
			}
			running.Wait()
			<-done
			st := s.hub.Stats()
			t.Logf("%+v", st)
			if st.Recovered == 0 || st.Snapshots < 18 || st.Resets == 0 {
				t.Errorf("the test did not exercise what it is for: %+v", st)
			}
		})
	}
}

// live follows all layers until the edits have ended.
func (c *client) live(s *server, e *editor, b behave, random *rand.Rand, done <-chan struct{}) {
	c.boxes = map[string]*orb.Bound{}
	for i := range e.layers {
		c.boxes[e.definition(i).ID] = b.box
	}
	subscribe := func() {
		for i := range e.layers {
			id, more := e.definition(i).ID, ""
			if box := c.boxes[id]; box != nil {
				more = fmt.Sprintf(`,"bbox":[%v,%v,%v,%v]`, box.Min[0], box.Min[1], box.Max[0], box.Max[1])
			}
			c.subscribe(id, "features", more)
		}
	}
	subscribe()
	for {
		select {
		case <-done:
			return
		default:
		}
		if _, err := c.read(); err != nil {
			c.fatalf("%v", err)
		}
		if b.pause > 0 {
			time.Sleep(time.Duration(random.Int64N(int64(b.pause))))
		}
		if b.roams && random.IntN(4) == 0 {
			id := e.definition(random.IntN(len(e.layers))).ID
			var box []float64
			c.boxes[id] = nil
			if random.IntN(8) > 0 {
				x, y, size := 105+5*random.Float64(), 21+4*random.Float64(), 3*random.Float64()
				c.boxes[id], box = &orb.Bound{Min: orb.Point{x, y}, Max: orb.Point{x + size, y + size}}, []float64{x, y, x + size, y + size}
			}
			c.look(id, box)
		}
		if b.disconnect > 0 && random.IntN(b.disconnect) == 0 {
			c.conn.Close()
			time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
			c.dial(s, "official")
			subscribe()
		}
	}
}

// A snapshot of many pages is read while the layer changes under it.
func TestChangesDuringASnapshotAreNeitherLostNorUndone(t *testing.T) {
	store := openStore(t)
	l := layer("many", false)
	define(t, store, l)
	var edits []layers.Edit
	const n = 6 * snapshotPage
	for i := range n {
		edits = append(edits, put(fmt.Sprint(i), 108, 22, 0))
	}
	apply(t, store, l.ID, edits...)
	s := serve(t, store, fast)
	done := make(chan struct{})
	var last layers.Cursor
	go func() {
		defer close(done)
		random := rand.New(rand.NewPCG(7, 7))
		gone := map[string]bool{}
		for i := range 300 {
			id := fmt.Sprint(random.IntN(n))
			if i%3 == 0 && !gone[id] {
				gone[id] = true
				last = apply(t, store, l.ID, layers.Edit{Op: layers.Delete, ID: id})
			} else {
				delete(gone, id)
				last = apply(t, store, l.ID, put(id, 109, 23, float64(i)), put(fmt.Sprint("new", i), 108, 22, 1))
			}
		}
	}()
	var cs []*client
	for range 4 {
		c := s.connect(t, "official")
		c.subscribe(l.ID, "features", "")
		cs = append(cs, c)
		time.Sleep(20 * time.Millisecond)
	}
	<-done
	for _, c := range cs {
		c.complete(last)
		c.equals(store, l, nil)
	}
}
