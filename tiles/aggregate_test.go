package tiles

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onemap/layers"
)

var derived = []Variant{Cells(AggGrid, 1), Cells(AggGrid, 32), Cells(AggHeat, 128), Cells(AggGrid, 64), {some: true, properties: []string{"n"}, agg: AggGrid, side: 8}, {agg: AggHeat, side: 128, fine: true}, {agg: AggGrid, side: 32, fine: true}}

func derive(t rapid.TB, s *Service, c Coord, v Variant, ids ...string) *Tile {
	t.Helper()
	tile, err := s.TileOf(context.Background(), layers.Official, ids, c, v)
	if err != nil {
		t.Fatalf("tile %s of %v as %s: %v", c, ids, v, err)
	}
	return tile
}

// TestCellsFromMemoryAreThoseOfAScan compares two ways to count that share nothing
// but how a tile is written, after edits, merged into the base or not, and with the
// tiles of the state before in the cache.
func TestCellsFromMemoryAreThoseOfAScan(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			seen := 0
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				for _, c := range sc.corners() {
					for _, v := range derived {
						derive(rt, sc.service, c, v, "kept")
					}
				}
				sc.edit(rt, 12)
				if rapid.Bool().Draw(rt, "merge") {
					sc.merge(200)
				}
				if _, kept := sc.service.kept.find("kept"); kept == nil {
					rt.Fatal("the layer is not in memory")
				}
				plain := newService(rt, sc.src, Options{})
				for _, c := range sc.corners() {
					for _, v := range derived {
						got, want := derive(rt, sc.service, c, v, "kept").Raw, derive(rt, plain, c, v, "kept").Raw
						if !bytes.Equal(got, want) {
							rt.Fatalf("tile %s as %s: %v\nwant %v", c, v, describe(t, got), describe(t, want))
						}
						seen += len(got)
					}
				}
			})
			if seen == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// TestCellsHoldWhatLiesInThem counts in the plainest way: each feature by where its
// anchor is drawn.
func TestCellsHoldWhatLiesInThem(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				sc.edit(rt, 10) // and an overlay
				v := Cells(AggGrid, rapid.SampledFrom([]int{1, 8, 64}).Draw(rt, "cell"))
				for z := 0; z <= 14; z += 2 {
					want := map[string]float64{}
					for _, f := range sc.now {
						p, ok := firstPlace(f.Geometry)
						if !ok {
							continue
						}
						side := math.Exp2(placeLevels-float64(z)) / float64(v.side)
						at := fmt.Sprint(math.Floor(float64(p.X)/side), math.Floor(float64(p.Y)/side), " ")
						want[at+CountKey]++
						want[at+"level:sum"] += f.Properties["level"].(float64)
						want[at+"n:sum"] += float64(f.Properties["n"].(int64))
						switch f.Properties["state"] {
						case "好":
							want[at+"class:0"]++
						case "坏":
							want[at+"class:1"]++
						default:
							want[at+"class:other"]++
						}
					}
					got := map[string]float64{}
					for _, c := range sc.tiles(z) {
						for _, f := range features(t, derive(rt, sc.service, c, v, "kept").Raw) {
							valid(t, f.Geometry)
							b, size := f.Geometry.Bound(), float64(TileExtent/v.side)
							if (orb.MultiPoint{b.Min, b.Max}).Bound().Max != (orb.Point{b.Min[0] + size, b.Min[1] + size}) || f.ID != nil {
								rt.Fatalf("a cell of %v, id %v", b, f.ID)
							}
							at := fmt.Sprint(float64(c.X*v.side)+b.Min[0]/size, float64(c.Y*v.side)+b.Min[1]/size, " ")
							for k, n := range f.Properties {
								if !strings.HasSuffix(k, ":min") && !strings.HasSuffix(k, ":max") {
									got[at+k] = n.(float64)
								}
							}
						}
					}
					for k, n := range want {
						if math.Abs(got[k]-n) > 1e-9 {
							rt.Fatalf("zoom %d, %s: %v, want %v", z, k, got[k], n)
						}
						delete(got, k)
					}
					if len(got) > 0 {
						rt.Fatalf("zoom %d has also %v", z, got)
					}
				}
			})
		})
	}
}

// TestAHeatMapWeighsEachFeatureOnceAndWhereItIs also looks at the tile's last edges,
// where MapLibre draws nothing: it waits for the neighbour, which has no buffer here.
func TestAHeatMapWeighsEachFeatureOnceAndWhereItIs(t *testing.T) {
	m := newMemory(testLayer("a"))
	at := Coord{6, 51, 27}
	m.put("a",
		feature(1, in(t, at, "POINT (10 10)"), nil), feature(2, in(t, at, "POINT (12 10)"), nil), feature(3, in(t, at, "POINT (14 13)"), nil),
		feature(4, in(t, at, "POINT (4095.9 4095.9)"), nil), feature(5, in(t, at, "POINT (4096.2 100)"), nil), feature(6, nil, nil))
	for _, s := range []*Service{newService(t, m, Options{}), keep(t, m, Options{})} {
		fs := features(t, derive(t, s, at, Cells(AggHeat, 128), "a").Raw)
		if got := fmt.Sprint(len(fs), fs[0].Geometry, fs[0].Properties, fs[1].Geometry, fs[1].Properties); got != "2 [12 11] map[point_count:3] [4095 4095] map[point_count:1]" {
			t.Errorf("got %s", got)
		}
	}
}

// TestATileOfCellsIsBoundedHoweverMuchLiesInIt: where each of the most cells holds
// something, and the layer has sums and classes.
func TestATileOfCellsIsBoundedHoweverMuchLiesInIt(t *testing.T) {
	l := testLayer("a", layers.Attribute{Name: "staff", Type: layers.Integer, Aggregate: true}, layers.Attribute{Name: "area", Type: layers.Number, Aggregate: true},
		layers.Attribute{Name: "state", Type: layers.String})
	l.Geometry = layers.Point
	l.Display = layers.Display{ColorBy: "state", Classes: []layers.Class{{Value: "0"}, {Value: "1"}, {Value: "2"}}}
	at := Coord{7, 102, 55}
	var fs []*layers.Feature
	for i := range int64(160_000) {
		place := in(t, at, fmt.Sprintf("POINT (%f %f)", float64(i%400)*10.24+5, float64(i/400)*10.24+5))
		fs = append(fs, feature(i, place, map[string]any{"staff": i * 7919 % 10007, "area": float64(i*7919%10007) / 7, "state": fmt.Sprint(i % 4)}))
	}
	s := snapshotOf(l, 1<<40, fs...)
	for agg, cells := range cellsOf {
		raw := s.encode(&draft{variant: Cells(agg, cells.most)}, "a", at)
		if n := len(features(t, raw)); n != cells.most*cells.most || len(raw) > 500_000 {
			t.Errorf("%s: %d cells in %d bytes", agg, n, len(raw))
		}
	}
}

// TestAChangeForgetsTheCellsOfItsTileAlone: those that it neither left nor reached
// stay cached.
func TestAChangeForgetsTheCellsOfItsTileAlone(t *testing.T) {
	l := testLayer("a")
	l.Geometry = layers.Point
	m := newMemory(l)
	here, far := Coord{8, 204, 110}, Coord{8, 207, 110}
	was, is := feature(1, in(t, here, "POINT (100 100)"), nil), feature(1, in(t, here, "POINT (3000 100)"), nil)
	m.put("a", was, feature(2, in(t, far, "POINT (5 5)"), nil))
	s := keep(t, m, Options{})
	v := Cells(AggGrid, 8)
	before, other := derive(t, s, here, v, "a"), derive(t, s, far, v, "a")
	if derive(t, s, here, v, "a") != before || mustTile(t, s, here, "a").ETag == before.ETag || derive(t, s, here, Cells(AggGrid, 16), "a") == before {
		t.Error("variants share what is cached, or it was not cached")
	}
	m.set("a", is)
	s.Apply(commit("a", was, is))
	if after := derive(t, s, here, v, "a"); after.ETag == before.ETag {
		t.Error("an old tile was served")
	}
	if derive(t, s, far, v, "a") != other {
		t.Error("a tile that the change did not touch was made again")
	}
}

func TestSeveralLayersAsCellsAreOneTile(t *testing.T) {
	m := newMemory(testLayer("a"), testLayer("b"))
	m.put("a", feature(1, in(t, here, "POINT (1 1)"), nil))
	m.put("b", feature(1, in(t, here, "LINESTRING (2000 2000, 3000 2000)"), nil))
	s := newService(t, m, Options{})
	got := decode(t, derive(t, s, here, Cells(AggGrid, 2), "a", "b").Raw)
	if len(got) != 2 || got[0].Name != "a" || got[1].Name != "b" || len(got[1].Features) != 1 {
		t.Errorf("got %v", got)
	}
	if plain := decode(t, mustTile(t, s, here, "a", "b").Raw); plain[1].Features[0].Geometry.GeoJSONType() != "LineString" {
		t.Errorf("the features are now %v", plain[1].Features[0].Geometry)
	}
}

func TestAVariantHasOneNameAndOthersAreRefusedWithAReason(t *testing.T) {
	read := func(query ...string) (Variant, []layers.Violation) {
		return ParseVariant(func(name string) (string, bool) {
			for i := 0; i < len(query); i += 2 {
				if query[i] == name {
					return query[i+1], true
				}
			}
			return "", false
		})
	}
	for _, one := range []struct {
		query []string
		want  string
	}{
		{nil, ""}, {[]string{"agg", "grid"}, "agg=grid&cell=32"}, {[]string{"agg", "heat"}, "agg=heat&cell=128"},
		{[]string{"cell", "64", "agg", "grid"}, "agg=grid&cell=64"}, {[]string{"cell", "64", "agg", "heat"}, "agg=heat&cell=64"}, {[]string{"agg", "heat", "cell", "1"}, "agg=heat&cell=1"},
		{[]string{"properties", "n,level,n", "agg", "grid"}, "properties=level%2Cn&agg=grid&cell=32"}, {[]string{"properties", ""}, "properties="},
		{[]string{"extent", "4096"}, ""}, {[]string{"extent", "8192", "agg", "heat"}, "agg=heat&cell=128&extent=8192"},
	} {
		if v, wrong := read(one.query...); wrong != nil || v.String() != one.want {
			t.Errorf("%v: %s, %v", one.query, v, wrong)
		}
	}
	for _, one := range []struct {
		query []string
		field string
	}{
		{[]string{"agg", ""}, "agg"}, {[]string{"agg", "hex"}, "agg"}, {[]string{"cell", "32"}, "cell"}, {[]string{"agg", "grid", "cell", "0"}, "cell"},
		{[]string{"agg", "grid", "cell", "48"}, "cell"}, {[]string{"agg", "grid", "cell", "128"}, "cell"}, {[]string{"agg", "heat", "cell", "256"}, "cell"}, {[]string{"extent", "512"}, "extent"}, {[]string{"extent", ""}, "extent"}, {[]string{"extent", "08192"}, "extent"}, {[]string{"agg", "grid", "cell", "032"}, "cell"},
		{[]string{"agg", "heat", "cell", "-8"}, "cell"}, {[]string{"agg", "heat", "cell", strings.Repeat("9", 300)}, "cell"},
	} {
		if _, wrong := read(one.query...); len(wrong) != 1 || wrong[0].Field != one.field || wrong[0].Reason == "" || wrong[0].Remedy == "" {
			t.Errorf("%v: %v", one.query, wrong)
		}
	}
}

// TestWhatIsAloneInItsCellIsInsideTheTileToo: at a zoom where points merge no other tile
// has it.
func TestWhatIsAloneInItsCellIsInsideTheTileToo(t *testing.T) {
	l := testLayer("a")
	l.Geometry = layers.Point
	at := Coord{6, 51, 27}
	s := snapshotOf(l, 1, feature(1, in(t, at, "POINT (4095.8 4095.8)"), nil), feature(2, in(t, at, "POINT (10 10)"), nil), feature(3, in(t, at, "POINT (12 10)"), nil))
	fs := features(t, s.encode(new(draft), "a", at))
	if len(fs) != 2 || fs[1].Properties[CountKey] != nil || fs[1].Geometry != (orb.Point{4095, 4095}) {
		t.Errorf("got %v", describe(t, s.encode(new(draft), "a", at)))
	}
}

func TestAClusterOnATilesLastEdgeIsInsideIt(t *testing.T) {
	l := testLayer("a")
	l.Geometry = layers.Point
	at := Coord{6, 51, 27}
	s := snapshotOf(l, 1, feature(1, in(t, at, "POINT (4095.8 4095.8)"), nil), feature(2, in(t, at, "POINT (4095.9 4095.9)"), nil))
	fs := features(t, s.encode(new(draft), "a", at))
	if len(fs) != 1 || fs[0].Properties[CountKey] != 2.0 || fs[0].Geometry != (orb.Point{4095, 4095}) {
		t.Errorf("got %v", describe(t, s.encode(new(draft), "a", at)))
	}
}
