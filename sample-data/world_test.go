package sample

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"github.com/twpayne/go-geom"
	geomjson "github.com/twpayne/go-geom/encoding/geojson"

	"onemap/layers"
)

var testNow = time.Date(2026, 7, 1, 8, 0, 0, 0, layers.Beijing)

func newTestWorld(t *testing.T) *World {
	t.Helper()
	w, err := NewWorld(testNow)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// everything returns what all layers hold, made once for the tests that only read it.
func everything(t *testing.T) map[string][]layers.Edit {
	t.Helper()
	all, err := makeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var makeOnce = sync.OnceValues(makeEverything)

func makeEverything() (map[string][]layers.Edit, error) {
	w, err := NewWorld(testNow)
	if err != nil {
		return nil, err
	}
	all := map[string][]layers.Edit{}
	for _, l := range Layers() {
		if all[l.ID], err = w.Features(l.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func TestTheSameSeedMakesTheSameData(t *testing.T) {
	digest := func() string {
		h := sha256.New()
		all, err := makeEverything()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range Layers() {
			for _, e := range all[l.ID] {
				properties, err := json.Marshal(e.Properties)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintln(h, l.ID, e.ID, string(properties), e.Geometry.FlatCoords())
			}
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	if a, b := digest(), digest(); a != b {
		t.Errorf("two runs differ: %s, %s", a, b)
	}
}

func TestEveryFeatureFitsItsLayer(t *testing.T) {
	all := everything(t)
	for _, l := range Layers() {
		edits := all[l.ID]
		if len(edits) == 0 {
			t.Errorf("%s is empty", l.ID)
		}
		checked, err := l.CheckEdits(edits)
		if err != nil {
			t.Errorf("%s: %v", l.ID, err)
			continue
		}
		ids := map[string]bool{}
		for _, e := range checked {
			if ids[e.ID] {
				t.Errorf("%s: id %s appears twice", l.ID, e.ID)
			}
			ids[e.ID] = true
			if e.Geometry == nil {
				t.Errorf("%s/%s has no geometry", l.ID, e.ID)
			}
		}
	}
	if n := len(all["enterprises"]); n < 50_000 {
		t.Errorf("%d enterprises", n)
	}
}

func TestEveryFeatureNamesTheDivisionItLiesIn(t *testing.T) {
	w := newTestWorld(t)
	known := map[string]bool{}
	for _, d := range w.divisions {
		known[d.Properties.Code] = true
	}
	cells := map[string]orb.Geometry{}
	for _, c := range w.townships {
		known[c.Properties.Code] = true
		cells[c.Properties.Code] = c.plane()
	}
	counties := map[string]*county{}
	for _, c := range w.Ground.counties {
		counties[c.Code] = c
	}
	natural := map[string]bool{"rivers": true, "coast": true, "place-names": true} // they go on outside the region
	for _, l := range Layers() {
		edits, err := w.Features(l.ID)
		if err != nil {
			t.Fatal(err)
		}
		role, _ := l.Schema.ByRole(layers.RoleDivision)
		for _, e := range edits {
			code, _ := e.Properties[role.Name].(string)
			if code == "" && natural[l.ID] {
				continue
			}
			if !known[code] {
				t.Fatalf("%s/%s: unknown division %q", l.ID, e.ID, code)
			}
			p, isPoint := e.Geometry.(*geom.Point)
			if !isPoint || l.ID == "place-names" {
				continue
			}
			at := orb.Point{p.X(), p.Y()}
			if c := counties[layers.DivisionAt(code, 3)]; c == nil || !c.contains(at) {
				t.Errorf("%s/%s lies outside county %s", l.ID, e.ID, code)
			}
			// Cells are rounded to a metre, so a point on their border may be over it.
			if cell := cells[code]; cell != nil && !planar.MultiPolygonContains(multi(cell), at) && edge(cell, at) > 0.01 {
				t.Errorf("%s/%s lies outside township %s", l.ID, e.ID, code)
			}
		}
	}
}

// edge returns how far a point is from a cell's border, in km.
func edge(cell orb.Geometry, p orb.Point) float64 {
	return planar.DistanceFrom(cell, p) * kmPerDegree
}

func TestTheCensusAddsUpToThePublishedFigure(t *testing.T) {
	w := newTestWorld(t)
	const published = 50_126_804
	var region, cities int64
	for _, d := range w.divisions {
		switch p := d.Properties; p.Level {
		case 1:
			region = *p.Population
		case 2:
			cities += *p.Population
		case 3:
			if p.Population != nil {
				t.Errorf("%s has a population, which no source gives", p.Name)
			}
		}
	}
	if region != published || cities != published {
		t.Errorf("region %d, cities together %d, published %d", region, cities, published)
	}
}

func TestInventedThingsAreNamedAsSuch(t *testing.T) {
	all := everything(t)
	for _, l := range Layers() {
		if l.Display.Base != "" {
			continue
		}
		role, ok := l.Schema.ByRole(layers.RoleName)
		if !ok {
			t.Errorf("%s has no name", l.ID)
		}
		for _, e := range all[l.ID] {
			name, _ := e.Properties[role.Name].(string)
			if !strings.Contains(name, "示例") && !strings.Contains(name, "演示") && !strings.Contains(name, "演练") {
				t.Fatalf("%s/%s is called %q", l.ID, e.ID, name)
			}
		}
	}
}

func TestNeighboursAreNamesOnly(t *testing.T) {
	w := newTestWorld(t)
	want := map[string]bool{"贵州": true, "云南": true, "湖南": true, "广东": true, "海南": true, "越南": true}
	for id, edits := range everything(t) {
		for _, e := range edits {
			neighbour := e.Properties["kind"] == "neighbour"
			if neighbour {
				delete(want, e.Properties["name"].(string))
				p := e.Geometry.(*geom.Point)
				if w.Ground.Contains(orb.Point{p.X(), p.Y()}) {
					t.Errorf("%v is written inside the region", e.Properties["name"])
				}
			}
			if code, ok := e.Properties["division"].(string); ok && !strings.HasPrefix(code, "45") {
				t.Errorf("%s/%s is of another province: %s", id, e.ID, code)
			}
			switch e.Geometry.(type) {
			case *geom.Polygon, *geom.MultiPolygon:
				for i := 0; i < len(e.Geometry.FlatCoords()); i += e.Geometry.Stride() {
					c := e.Geometry.FlatCoords()[i : i+2]
					if b := w.Ground.region.Bound().Pad(1e-4); !b.Contains(orb.Point{c[0], c[1]}) {
						t.Fatalf("%s/%s is an area outside the region", id, e.ID)
					}
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not named: %v", want)
	}
}

func TestIslandsSeaAndRiversAreLabelledWhereTheyAre(t *testing.T) {
	w := newTestWorld(t)
	names := map[string]*geom.Point{}
	for _, e := range w.placeNames() {
		names[e.Properties["name"].(string)] = e.Geometry.(*geom.Point)
	}
	for _, n := range []string{"北部湾", "涠洲岛", "斜阳岛", "西江", "浔江", "郁江", "邕江", "左江", "右江", "黔江", "红水河", "柳江", "桂江"} {
		if names[n] == nil {
			t.Errorf("%s is missing", n)
		}
	}
	for _, n := range []string{"涠洲岛", "斜阳岛"} {
		p := names[n]
		if got := w.Ground.Division(orb.Point{p.X(), p.Y()}); got != "450502100" {
			t.Errorf("%s lies in %q, not in 涠洲镇", n, got)
		}
	}
	for _, r := range w.Reaches {
		for i := 1; i < len(r.Path); i++ {
			if d := Distance(r.Path[i-1], r.Path[i]); d > 15 {
				t.Errorf("%s jumps %.1f km at %v", r.Name.Zh, d, r.Path[i])
			}
		}
	}
}

func TestLatinNamesFollowPinyin(t *testing.T) {
	want := map[string]string{"藤县": "Tengxian County", "容县": "Rongxian County"}
	w := newTestWorld(t)
	for _, d := range w.divisions {
		if en, ok := want[d.Properties.Name]; ok && d.Properties.NameEn != en {
			t.Errorf("%s is %s", d.Properties.Name, d.Properties.NameEn)
		}
	}
	raw, err := json.Marshal(w.placeNames())
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"Kwangsi", "Nan-ning", "Canton", "Tonkin", "Hsi Chiang", "Si Kiang"} {
		if strings.Contains(string(raw), old) {
			t.Errorf("%s is not Pinyin", old)
		}
	}
}

func TestTheWaterLayersGiveNoCapacities(t *testing.T) {
	for _, l := range Layers() {
		if l.ID != "reservoirs" && l.ID != "river-gauges" {
			continue
		}
		for _, a := range l.Schema {
			for _, word := range []string{"capacity", "storage", "volume", "depth", "库容", "水深"} {
				if strings.Contains(a.Name+a.Title.Zh, word) {
					t.Errorf("%s.%s", l.ID, a.Name)
				}
			}
		}
		if l.Open {
			t.Errorf("%s is open", l.ID)
		}
	}
}

func TestGeometriesSurviveGeoJSON(t *testing.T) {
	for id, edits := range everything(t) {
		if _, err := geomjson.Marshal(edits[0].Geometry); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
