package sample

import (
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	geomjson "github.com/twpayne/go-geom/encoding/geojson"
)

// TestTownshipCellsFillTheirCountyWithoutOverlap compares areas: cells of a
// county that cover it and do not overlap have its area together, and so does
// their union.
func TestTownshipCellsFillTheirCountyWithoutOverlap(t *testing.T) {
	const tolerance = 1e-4 // of the county's area; cells are rounded to a metre
	w := newTestWorld(t)
	if len(w.townships) != 1284 {
		t.Errorf("%d townships", len(w.townships))
	}
	cells := map[string][]geom.Geometry{}
	for _, r := range w.townships {
		g := planarOf(t, r)
		if err := g.Validate(); err != nil {
			t.Errorf("%s: %v", r.Properties.Code, err)
		}
		cells[r.Properties.County] = append(cells[r.Properties.County], g)
	}
	for _, d := range w.divisions {
		if d.Properties.Level != 3 {
			continue
		}
		county := planarOf(t, d)
		sum := 0.0
		for _, c := range cells[d.Properties.Code] {
			sum += c.Area()
		}
		union, err := geom.UnionMany(cells[d.Properties.Code])
		if err != nil {
			t.Fatal(err)
		}
		for what, area := range map[string]float64{"sum": sum, "union": union.Area()} {
			if off := area/county.Area() - 1; off > tolerance || off < -tolerance {
				t.Errorf("%s: the %s of its %d cells is off by %.2g", d.Properties.Name, what, len(cells[d.Properties.Code]), off)
			}
		}
	}
}

func planarOf[P any](t *testing.T, r row[P]) geom.Geometry {
	t.Helper()
	raw, err := geomjson.Marshal(r.Geometry)
	if err != nil {
		t.Fatal(err)
	}
	g, err := geom.UnmarshalGeoJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
