package tiles

import (
	"fmt"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// rows returns n points in rows over some degrees, each with a text of its own.
func rows(n int) (out []*layers.Feature) {
	for i, f := range crowded(n) {
		f.Geometry = geom.NewPointFlat(geom.XY, []float64{107 + float64(i%71)*0.01, 22 + float64(i/71)*0.01})
		out = append(out, f)
	}
	return out
}

func TestLayersShareWhatATileMayTake(t *testing.T) {
	var all []*layers.Layer
	var ids []string
	for i := range 6 {
		ids = append(ids, fmt.Sprint("l", i))
		all = append(all, pointLayer(ids[i]))
	}
	src := newMemory(all...)
	for _, id := range ids {
		src.set(id, rows(4000)...)
	}
	redrawn := make(chan string, 1000)
	s := keep(t, src, Options{Redrawn: func(layer string) { redrawn <- layer }})
	for len(redrawn) > 0 {
		<-redrawn
	}
	least := s.kept.limitTogether()
	for _, z := range []int{5, 8, 10} {
		alone, total := 0, map[string]int64{}
		at := At(107, 22.6, z)
		for x := -1; x <= 1<<max(z-8, 0)+1; x++ {
			for y := -1; y <= 1<<max(z-8, 0)+1; y++ {
				c := Coord{z, at.X + x, at.Y + y}
				tile := mustTile(t, s, c, ids...)
				if n := len(tile.Raw); n > 3*defaultBudget {
					t.Errorf("tile %s of six layers has %d bytes", c, n)
				}
				if again := mustTile(t, s, c, ids...); again != tile && again.ETag != tile.ETag {
					t.Errorf("tile %s is another when it is asked for again", c)
				}
				for _, id := range ids {
					alone += len(mustTile(t, s, c, id).Raw)
				}
			}
		}
		for x := -1; x <= 1<<max(z-8, 0)+1; x++ { // once more: the zoom has its cells now
			for y := -1; y <= 1<<max(z-8, 0)+1; y++ {
				for _, l := range decode(t, mustTile(t, s, Coord{z, at.X + x, at.Y + y}, ids...).Raw) {
					for _, f := range l.Features {
						total[l.Name] += countOf(f)
					}
				}
			}
		}
		for _, id := range ids {
			if total[id] != 4000 {
				t.Errorf("zoom %d counts %d of %s", z, total[id], id)
			}
		}
		least = max(least, alone)
	}
	if least == s.kept.limitTogether() {
		t.Error("the layers are not too large together")
	}
	if len(redrawn) == 0 {
		t.Error("nobody was told that their tiles look different")
	}
}

func TestASharedTileIsAsFreshAsOneOfALayer(t *testing.T) {
	const z = 10
	c := At(108, 22.5, z)
	square := func(num int64, x, size float64) *layers.Feature {
		return feature(num, in(t, c, fmt.Sprintf("POLYGON((%f 100, %f 100, %f %f, %f %f, %f 100))", x, x+size, x+size, 100+size, x, 100+size, x)), nil)
	}
	edge, far := square(1, 4040, 50), square(2, 3700, 20) // of one cell of 512 units; one reaches into the next tile
	src := newMemory(testLayer("kept"), testLayer("other"))
	src.set("kept", edge, far)
	s := keep(t, src, Options{})
	ids := []string{"kept", "other"}
	s.shares.try(ids, z, finestShapes)
	s.shares.raise("kept,other", z, finestShapes, true)
	next := Coord{z, c.X + 1, c.Y}
	if n := len(features(t, mustTile(t, s, next, ids...).Raw)); n != 1 {
		t.Fatalf("%d features reach into the next tile", n)
	}
	larger := square(2, 3700, 100)
	src.set("kept", edge, larger)
	s.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: "kept", Kind: layers.ChangePut, Old: far, New: larger}}}})
	if n := len(features(t, mustTile(t, s, next, ids...).Raw)); n != 0 {
		t.Error("the next tile still shows what another one is drawn for now")
	}
}
