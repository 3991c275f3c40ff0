package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"onemap/internal/crs"
)

type shownFeature struct {
	ID         string
	Geometry   *struct{ Coordinates json.RawMessage }
	Properties map[string]any
}

func TestItemsComeInEveryReferenceSystemThatTheLayerNames(t *testing.T) {
	s := start(t)
	var c struct {
		CRS        []string
		StorageCRS string
	}
	s.get("/api/collections/hospitals").want(t, 200).into(t, &c)
	if len(c.CRS) < 14 || c.CRS[0] != crs84 || !slices.Contains(c.CRS, c.StorageCRS) {
		t.Fatalf("%+v", c)
	}
	const lon, lat = 108.35, 22.75 // of h01
	for _, uri := range c.CRS {
		system, _ := crs.Find(uri)
		x, y := system.FromCRS84(lon, lat)
		for _, path := range []string{hospitals + "?", hospitals + "/h01?", hospitals + "?f=ndjson&"} {
			a := s.get(path+"crs="+url.QueryEscape(uri)).want(t, 200)
			if a.Header.Get("Content-Crs") != "<"+uri+">" {
				t.Errorf("%s: Content-Crs %s", path, a.Header.Get("Content-Crs"))
			}
			if !strings.Contains(a.body, coordinates(x, y)) {
				t.Errorf("%s%s: no %s in %.300s", path, uri, coordinates(x, y), a.body)
			}
		}
		// A box of its own coordinates finds what is in it.
		d := 0.001
		if !system.Geographic {
			d = 100
		}
		var page struct{ Features []shownFeature }
		s.get(fmt.Sprintf("%s?bbox=%f,%f,%f,%f&bbox-crs=%s", hospitals, x-d, y-d, x+d, y+d, url.QueryEscape(uri))).want(t, 200).into(t, &page)
		if len(page.Features) != 1 || page.Features[0].ID != "h01" {
			t.Errorf("bbox-crs %s: %v", uri, page.Features)
		}
		filter := fmt.Sprintf("S_INTERSECTS(geom, POLYGON((%[1]f %[2]f, %[3]f %[2]f, %[3]f %[4]f, %[1]f %[4]f, %[1]f %[2]f)))", x-d, y-d, x+d, y+d)
		s.get(hospitals+"?filter="+url.QueryEscape(filter)+"&filter-crs="+url.QueryEscape(uri)).want(t, 200).into(t, &page)
		if len(page.Features) != 1 || page.Features[0].ID != "h01" {
			t.Errorf("filter-crs %s: %v", uri, page.Features)
		}
	}
	for query, field := range map[string]string{
		"crs=EPSG:2360": "crs", "crs=nothing": "crs", "bbox-crs=EPSG:32648&bbox=1,2,3,4": "bbox-crs", "f=gpkg&crs=EPSG:4545": "crs", "bbox=5,5,1,1&bbox-crs=EPSG:4545": "bbox",
	} {
		if a := s.get(hospitals+"?"+query).want(t, 400); !slices.Contains(strings.Fields(strings.NewReplacer(",", " ", "[", " ", "]", " ").Replace(a.fields(t))), field) {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	if a := s.get(hospitals + "?crs=EPSG:2360"); !strings.Contains(a.body, "需先由测绘主管部门转换") {
		t.Error(a.body)
	}
}

func coordinates(x, y float64) string {
	b, _ := json.Marshal([]float64{x, y})
	return string(b[:len(b)-1])
}

func TestFeaturesComeWithTheAttributesAndAsFinelyAsAskedFor(t *testing.T) {
	s := start(t)
	for query, want := range map[string]string{
		"properties=beds,name": "name beds",
		"properties=":          "",
		"exclude-properties=extra,seen,founded,open,load": "name name_en division credit_code beds status",
	} {
		var page struct{ Features []shownFeature }
		var one shownFeature
		s.get(hospitals+"?limit=1&"+query).want(t, 200).into(t, &page)
		s.get(hospitals+"/h01?"+query).want(t, 200).into(t, &one)
		names := strings.Fields(want)
		for _, f := range append(page.Features, one) {
			if len(f.Properties) != len(names) {
				t.Errorf("%s: %v", query, f.Properties)
			}
			for _, name := range names {
				if _, ok := f.Properties[name]; !ok {
					t.Errorf("%s: no %s", query, name)
				}
			}
		}
		head, _, _ := strings.Cut(strings.TrimPrefix(s.get(hospitals+"?f=csv&"+query).want(t, 200).body, "\uFEFF"), "\n")
		if !strings.HasPrefix(head, strings.Join(append([]string{"id"}, names...), ",")+",") {
			t.Errorf("%s: a table of %s", query, head)
		}
	}
	var page struct{ Features []shownFeature }
	s.get(hospitals+"?skipGeometry=true").want(t, 200).into(t, &page)
	if len(page.Features) != 5 || page.Features[0].Geometry != nil {
		t.Errorf("%+v", page)
	}
	if a := s.get(hospitals+"?skipGeometry=true&f=ndjson").want(t, 200); strings.Contains(a.body, "coordinates") {
		t.Error(a.body)
	}
	plain, other := s.get(hospitals+"/h01").Header.Get("ETag"), s.get(hospitals+"/h01?crs=EPSG:4545").Header.Get("ETag")
	if plain == other {
		t.Errorf("both have the tag %s", plain)
	}
	for query, field := range map[string]string{"properties=nothing": "properties", "exclude-properties=x": "exclude-properties", "properties=beds&exclude-properties=name": "exclude-properties", "skipGeometry=yes": "skipGeometry", "zoom-level=23": "zoom-level", "zoom-level=x": "zoom-level"} {
		if a := s.get(hospitals+"?"+query).want(t, 400); !strings.Contains(a.fields(t), field) {
			t.Errorf("%s: %s", query, a.body)
		}
	}
}

func TestAnOutlineIsAsFineAsAMapOfItsZoom(t *testing.T) {
	s := start(t)
	var ring [][2]float64
	for i := range 721 {
		angle := float64(i%720) / 720 * 2 * math.Pi
		ring = append(ring, [2]float64{108 + math.Cos(angle), 23 + math.Sin(angle)})
	}
	b, _ := json.Marshal([][][2]float64{ring})
	body := `{"type":"Feature","id":"round","geometry":{"type":"Polygon","coordinates":` + string(b) + `},"properties":{"code":"450300","name_zh":"圆"}}`
	s.write("PUT", "/api/collections/divisions/items/round", body).want(t, 201)
	count := func(query string) int {
		var f struct {
			Geometry struct{ Coordinates [][][][2]float64 }
		}
		s.get("/api/collections/divisions/items/round"+query).want(t, 200).into(t, &f)
		outer := f.Geometry.Coordinates[0][0]
		if outer[0] != outer[len(outer)-1] || len(outer) < 4 {
			t.Errorf("%s: not a ring: %v", query, outer)
		}
		return len(outer)
	}
	all, fine, coarse, dot := count(""), count("?zoom-level=12"), count("?zoom-level=5"), count("?zoom-level=0")
	if all != 721 || fine <= coarse || coarse < 8 || coarse > 100 || dot < 4 {
		t.Errorf("%d, %d, %d and %d places", all, fine, coarse, dot)
	}
}
