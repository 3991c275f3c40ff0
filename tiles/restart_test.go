package tiles

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
)

func TestAfterARestartTheTilesAreThoseOfALayerReadAnew(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sc, src, dir := newStored(t, g)
				o := Options{TileBytes: 200, Dir: dir}
				edit := func(what string) {
					for range rapid.IntRange(0, 3).Draw(rt, what) {
						sc.edit(rt, 15)
						if src.service != nil && rapid.Bool().Draw(rt, "told") {
							src.tell()
						}
					}
				}
				edit("before")
				for range rapid.IntRange(1, 3).Draw(rt, "restarts") {
					s, stop, kill := src.start(t, o)
					sc.service = s
					edit("beside")
					if rapid.Bool().Draw(rt, "merge") {
						sc.merge(200)
					}
					s.kept.fileAll(t.Context(), rapid.Bool().Draw(rt, "closing"))
					edit("since")
					if rapid.Bool().Draw(rt, "kill") {
						kill()
					} else {
						stop()
					}
					edit("meanwhile")
				}
				// While it is read, something happens, before and after the log's end is
				// asked for. It is drawn here: rapid's draws are one goroutine's.
				var happens []func()
				sc.commit = func(changes []layers.Change) {
					happens = append(happens, func() { src.commit(changes) })
					if rapid.Bool().Draw(rt, "told at once") {
						happens = append(happens, src.tell)
					}
				}
				for range rapid.IntRange(0, 3).Draw(rt, "at the start") {
					sc.edit(rt, 15)
				}
				sc.commit = src.commit
				first := rapid.IntRange(0, len(happens)).Draw(rt, "before")
				src.onHead = func() {
					for _, one := range happens[:first] {
						one()
					}
					happens, first = happens[first:], len(happens)-first
				}
				s, _, kill := src.start(t, o)
				defer kill()
				sc.service = s
				if n := s.Stats().LayersOfDisk; n != 1 {
					rt.Fatalf("%d layers were read from the disk", n)
				}
				src.tell()
				sc.mustBeAnew(rt, t)
				sc.edit(rt, 5)
				src.tell()
				sc.mustBeAnew(rt, t)
			})
		})
	}
}

// stored makes a file of a few features at position 3, and returns who may start
// again with it.
func stored(t *testing.T) (src *logged, o Options, file string) {
	sc, src, dir := newStored(t, layers.Point)
	for i := range 3 {
		sc.put(feature(int64(i), geom.NewPointFlat(geom.XY, []float64{108, 22.5}), map[string]any{"name": "甲"}))
	}
	o = Options{Dir: dir}
	s, stop, _ := src.start(t, o)
	if s.Stats().LayersOfDisk != 0 {
		t.Fatal("there is something on the disk already")
	}
	stop()
	return src, o, filepath.Join(dir, "kept"+fileSuffix)
}

func TestAFileThatIsNotOfThisLayerAndLogIsNotUsed(t *testing.T) {
	commit := func(kind layers.ChangeKind, layer string, n int) func(*logged, *Options, string) {
		return func(src *logged, _ *Options, _ string) {
			src.commit(slices.Repeat([]layers.Change{{Layer: layer, Kind: kind}}, n))
		}
	}
	define := func(change func(l *layers.Layer)) func(*logged, *Options, string) {
		return func(src *logged, _ *Options, _ string) {
			l := *src.layers["kept"]
			change(&l)
			src.layers["kept"] = &l
		}
	}
	rewrite := func(change func(raw []byte) []byte) func(*logged, *Options, string) {
		return func(_ *logged, _ *Options, file string) {
			raw, err := os.ReadFile(file)
			mustDo(t, err)
			mustDo(t, os.WriteFile(file, change(raw), 0o600))
		}
	}
	for _, c := range []struct {
		name, says string // nothing is said of one that is used
		spoil      func(src *logged, o *Options, file string)
	}{
		{"nothing", "", func(*logged, *Options, string) {}},
		{"another layer is gone", "", commit(layers.ChangeDrop, "other", 1)},
		{"another title", "", define(func(l *layers.Layer) { l.Title.Zh = "另一个" })},
		{"another epoch", "not in the log", func(src *logged, _ *Options, _ string) { src.epoch = "e2" }},
		{"a log that begins later", "not in the log", func(src *logged, _ *Options, _ string) { src.floor, src.commits = 4, nil }},
		{"a log that ends earlier", "not in the log", func(src *logged, _ *Options, _ string) { src.commits = src.commits[:2] }},
		{"too long a log", "changes came after it", commit(layers.ChangePut, "other", farBehind+1)},
		{"defined since", "a define after it", commit(layers.ChangeDefine, "kept", 1)},
		{"dropped since", "a drop after it", commit(layers.ChangeDrop, "kept", 1)},
		{"replaced since", "a reset after it", commit(layers.ChangeReset, "kept", 1)},
		{"an attribute more", "another way", define(func(l *layers.Layer) {
			l.Schema = append(slices.Clone(l.Schema), layers.Attribute{Name: "more", Type: layers.String})
		})},
		{"other classes", "another way", define(func(l *layers.Layer) { l.Display.Classes = l.Display.Classes[1:] })},
		{"no points", "another way", define(func(l *layers.Layer) { l.Geometry = layers.AnyGeometry })},
		{"another tolerance", "another way", func(_ *logged, o *Options, _ string) { o.Tolerance = 1 }},
		{"another budget", "another way", func(_ *logged, o *Options, _ string) { o.TileBytes = 100_000 }},
		{"a byte too few", "damaged", rewrite(func(raw []byte) []byte { return raw[:len(raw)-1] })},
		{"a byte too many", "damaged", rewrite(func(raw []byte) []byte { return append(raw, 0) })},
		{"no head", "damaged", rewrite(func(raw []byte) []byte { return raw[:9] })},
		{"nothing in it", "damaged", rewrite(func([]byte) []byte { return nil })},
		{"another byte", "damaged", rewrite(func(raw []byte) []byte { raw[len(raw)-7]++; return raw })},
		{"another's file", "another way", rewrite(func(raw []byte) []byte {
			head, err := readHead(bytes.NewReader(raw))
			mustDo(t, err)
			head.Layer = "other"
			as, err := head.encode()
			mustDo(t, err)
			return append(as, raw[headSize:]...)
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, o, file := stored(t)
			c.spoil(src, &o, file)
			var out bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&out, nil))
			s, _, kill := src.start(t, o)
			defer kill()
			if from := s.Stats().LayersOfDisk; from != 1 == (c.says == "") {
				t.Errorf("%d layers are from the disk:\n%s", from, &out)
			}
			if !strings.Contains(out.String(), c.says) || c.says == "" && out.Len() > 0 {
				t.Errorf("the log does not say %q:\n%s", c.says, &out)
			}
			if n := len(features(t, mustTile(t, s, At(108, 22.5, 9), "kept").Raw)); n != 3 {
				t.Errorf("%d features", n)
			}
		})
	}
}

func TestFilesOfLayersThatAreGoneAreRemoved(t *testing.T) {
	src, o, file := stored(t)
	for _, name := range []string{"gone" + fileSuffix, "kept" + fileSuffix + tempSuffix, "mine.txt"} {
		mustDo(t, os.WriteFile(filepath.Join(o.Dir, name), nil, 0o600))
	}
	_, stop, _ := src.start(t, o)
	if got := list(t, o.Dir); !slices.Equal(got, []string{"kept.layer", "mine.txt"}) {
		t.Errorf("there is %q", got)
	}
	src.memory.mu.Lock()
	delete(src.layers, "kept")
	src.memory.mu.Unlock()
	src.commit([]layers.Change{{Layer: "kept", Kind: layers.ChangeDrop}})
	src.tell()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(file); err != nil {
			break
		}
	}
	stop()
	if got := list(t, o.Dir); !slices.Equal(got, []string{"mine.txt"}) {
		t.Errorf("there is %q", got)
	}
}

func TestAFileOfWhatDidNotChangeIsMovedOnAndNotWrittenAgain(t *testing.T) {
	src, o, file := stored(t)
	before, err := os.Stat(file)
	mustDo(t, err)
	src.commit([]layers.Change{{Layer: "other", Kind: layers.ChangePut}})
	_, stop, _ := src.start(t, o)
	stop()
	after, err := os.Stat(file)
	mustDo(t, err)
	raw, err := os.ReadFile(file)
	mustDo(t, err)
	head, err := readHead(bytes.NewReader(raw))
	mustDo(t, err)
	if !os.SameFile(before, after) || head.Cursor.Position != 4 {
		t.Errorf("the file is at %s, the same: %v", head.Cursor, os.SameFile(before, after))
	}
}

func TestTheMomentOfAStateIsTheFurtherOfItsOwnAndTheFeeds(t *testing.T) {
	r := &resident{}
	r.complete(columnsOf(3, false), layers.Cursor{Epoch: "e", Position: 4}, nil)
	r.follow(nil, 5)
	for _, c := range []struct {
		feed layers.Cursor
		want layers.Position
	}{
		{layers.Cursor{Epoch: "e", Position: 3}, 5}, // a sink after this one is not done
		{layers.Cursor{Epoch: "e", Position: 7}, 7}, // the layer was not in what was told
	} {
		if s, now, _ := r.moment(func() layers.Cursor { return c.feed }); s == nil || now.at.Position != c.want {
			t.Errorf("with the feed at %s it is %s", c.feed, now.at)
		}
	}
	if s, _, _ := r.moment(func() layers.Cursor { return layers.Cursor{Epoch: "f", Position: 9} }); s != nil {
		t.Error("the feed is in another epoch")
	}
}

func TestALayerThatIsSoonReadFromTheStoreHasNoFile(t *testing.T) {
	src, o, file := stored(t)
	s, _, kill := src.start(t, o)
	defer kill()
	s.kept.filing.Lock()
	s.kept.least = worthFiling
	s.kept.filing.Unlock()
	s.kept.fileAll(t.Context(), true)
	if _, err := os.Stat(file); err == nil {
		t.Error("it has one")
	}
}

func TestADirectoryThatCantBeWrittenToIsAWarning(t *testing.T) {
	sc, src, dir := newStored(t, layers.Point)
	sc.put(feature(1, geom.NewPointFlat(geom.XY, []float64{108, 22.5}), nil))
	var out bytes.Buffer
	mustDo(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	s, stop, _ := src.start(t, Options{Dir: filepath.Join(dir, "file"), Log: slog.New(slog.NewTextHandler(&out, nil))})
	if n := len(features(t, mustTile(t, s, At(108, 22.5, 9), "kept").Raw)); n != 1 {
		t.Errorf("%d features", n)
	}
	stop()
	if !strings.Contains(out.String(), "can't be written to the disk") {
		t.Errorf("the log says %q", &out)
	}
}

func list(t testing.TB, dir string) (names []string) {
	all, err := os.ReadDir(dir)
	mustDo(t, err)
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
