package tiles

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// described is a layer of which everything that a tile may hold is in some tile: values
// of each type, and features that merge and that do not.
func described(t *testing.T, g layers.GeometryType) *memory {
	l := testLayer("a",
		layers.Attribute{Name: "name", Type: layers.String}, layers.Attribute{Name: "staff", Type: layers.Integer, Aggregate: true},
		layers.Attribute{Name: "level", Type: layers.Number, Aggregate: true}, layers.Attribute{Name: "ok", Type: layers.Boolean},
		layers.Attribute{Name: "day", Type: layers.DateType}, layers.Attribute{Name: "at", Type: layers.DateTime},
		layers.Attribute{Name: "more", Type: layers.JSON}, layers.Attribute{Name: "state", Type: layers.String})
	l.Geometry = g
	l.Display = layers.Display{ColorBy: "state", Classes: []layers.Class{{Value: "好"}, {Value: "坏"}}}
	m := newMemory(l)
	for i := range int64(200) {
		x, y := 108.1+float64(i%20)/1000, 23.1+float64(i/20)/1000
		var place geom.T = geom.NewPointFlat(geom.XY, []float64{x, y})
		switch g {
		case layers.MultiLineString:
			place = geom.NewMultiLineStringFlat(geom.XY, []float64{x, y, x + 1e-4, y, x, y + 2e-4}, []int{6})
		case layers.AnyGeometry:
			place = geom.NewPolygonFlat(geom.XY, []float64{x, y, x + 1e-4, y, x, y + 2e-4, x, y}, []int{8})
		}
		values := map[string]any{"name": fmt.Sprint("示例", i), "staff": i, "level": float64(i) / 3, "ok": i%2 == 0, "day": "2026-03-01", "at": "2026-03-01T08:00:00Z",
			"more": map[string]any{"a": i}, "state": []string{"好", "坏", "未知"}[i%3]}
		for name, v := range values {
			a, _ := l.Schema.Attribute(name)
			var err error
			if values[name], err = a.Coerce(v); err != nil {
				t.Fatal(err)
			}
		}
		m.put("a", feature(i, place, values))
	}
	return m
}

// TestTileJSONNamesWhatIsInTheTilesAndNothingElse looks at all tiles of all zooms: what
// they hold is in fields, with its type, and what is in fields is in some tile. No tile
// outside the bounds holds anything.
func TestTileJSONNamesWhatIsInTheTilesAndNothingElse(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.MultiLineString, layers.AnyGeometry} {
		m := described(t, g)
		kept, plain := keep(t, m, Options{TileBytes: 2000}), newService(t, m, Options{})
		for _, v := range []Variant{{}, Properties("level", "name"), Properties(), Cells(AggGrid, 32), Cells(AggHeat, 64), {some: true, properties: []string{"staff"}, agg: AggGrid, side: 8}, {fine: true}} {
			t.Run(fmt.Sprintf("%s %s", g, v), func(t *testing.T) {
				doc, err := kept.TileJSON(t.Context(), layers.Public, []string{"a"}, v, "https://example.org/tiles/a/{z}/{x}/{y}")
				if err != nil {
					t.Fatal(err)
				}
				validTileJSON(t, doc)
				b := doc.Bounds
				bounds, seen := orb.Bound{Min: orb.Point{b[0], b[1]}, Max: orb.Point{b[2], b[3]}}, map[string]string{}
				for _, s := range []*Service{kept, plain} {
					for z := range doc.MaxZoom + 1 {
						first := At(108.09, 23.12, z)
						for x := first.X - 1; x <= At(108.13, 23, z).X+1; x++ {
							for y := first.Y - 1; y <= At(108, 23.09, z).Y+1; y++ {
								c := Coord{z, x, y}
								if c.Check() != nil {
									continue
								}
								fs := features(t, derive(t, s, c, v, "a").Raw)
								if len(fs) > 0 && !c.around(Buffer).Intersects(bounds) {
									t.Errorf("tile %s is outside the bounds %v", c, bounds)
								}
								for _, f := range fs {
									for key, value := range f.Properties {
										seen[key] = map[string]string{"string": "String", "float64": "Number", "bool": "Boolean"}[fmt.Sprintf("%T", value)]
									}
								}
							}
						}
					}
				}
				if want := doc.VectorLayers[0].Fields; !maps.Equal(seen, want) {
					t.Errorf("the tiles hold %v\nthe document says %v", seen, want)
				}
			})
		}
	}
}

func TestTileJSONOfALayerInMemoryIsThatOfTheStore(t *testing.T) {
	m := newMemory(testLayer("a"))
	m.put("a", feature(1, geom.NewPointFlat(geom.XY, []float64{116, 40}), nil))
	region := orb.Bound{Min: orb.Point{104, 20}, Max: orb.Point{112, 27}}
	for _, o := range []Options{{}, {Bounds: &region}} {
		var docs []string
		for _, s := range []*Service{newService(t, m, o), keep(t, m, o)} {
			doc, err := s.TileJSON(t.Context(), layers.Public, []string{"a"}, Variant{}, "u")
			if err != nil {
				t.Fatal(err)
			}
			if doc.Bounds[2] != 116 || doc.Bounds[3] != 40 {
				t.Errorf("the bounds are %v", doc.Bounds)
			}
			docs = append(docs, fmt.Sprint(doc))
		}
		if docs[0] != docs[1] {
			t.Errorf("from the store %s\nfrom memory %s", docs[0], docs[1])
		}
	}
}

// validTileJSON checks a document by the rules of TileJSON 3.0.0, chapter 3, as JSON.
func validTileJSON(t *testing.T, doc *TileJSON) {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	must := func(ok bool, rule string) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %s", rule, text)
		}
	}
	version, _ := d["tilejson"].(string)
	must(regexp.MustCompile(`^3\.0\.[0-9]+$`).MatchString(version), "3.1: a version")
	tiles, _ := d["tiles"].([]any)
	must(len(tiles) > 0, "3.2: at least one URL of tiles")
	for _, u := range tiles {
		u, _ := u.(string)
		must(strings.HasPrefix(u, "https://") && strings.Count(u, "{z}") == 1 && strings.Count(u, "{x}") == 1 && strings.Count(u, "{y}") == 1, "3.2: a URL with {z}, {x} and {y}")
	}
	zooms := func(of map[string]any) (least, most float64) {
		least, has := of["minzoom"].(float64)
		most, too := of["maxzoom"].(float64)
		must(has && too && least >= 0 && least <= most && most <= 30 && least == float64(int(least)) && most == float64(int(most)), "3.12 and 3.13: whole zooms of 0 to 30, the least first")
		return least, most
	}
	least, most := zooms(d)
	vector, _ := d["vector_layers"].([]any)
	must(len(vector) > 0, "3.3: vector_layers")
	var ids []string
	for _, one := range vector {
		l, _ := one.(map[string]any)
		id, _ := l["id"].(string)
		must(id != "" && !slices.Contains(ids, id), "3.3.1: an id of its own")
		ids = append(ids, id)
		fields, is := l["fields"].(map[string]any)
		must(is, "3.3.2: fields, also if there are none")
		for name, what := range fields {
			_, is := what.(string)
			must(is && name != "", "3.3.2: fields are texts")
		}
		from, to := zooms(l)
		must(from >= least && to <= most, "3.3.4: a layer has no zooms that the set has not")
	}
	bounds, _ := d["bounds"].([]any)
	must(len(bounds) == 4, "3.5: four bounds")
	if len(bounds) == 4 {
		var b [4]float64
		for i, v := range bounds {
			b[i], _ = v.(float64)
		}
		must(b[0] >= -180 && b[0] <= b[2] && b[2] <= 180 && b[1] >= -85.0512 && b[1] <= b[3] && b[3] <= 85.0512, "3.5: bounds of the world, west, south, east, north")
	}
	must(d["scheme"] == "xyz" || d["scheme"] == "tms", "3.17: a scheme")
	for _, key := range []string{"name", "description", "attribution"} {
		if v, has := d[key]; has {
			_, is := v.(string)
			must(is, key+" is a text")
		}
	}
}
