package api

import (
	"strings"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"
)

func TestTilesOfCellsAreAnsweredAsAllTilesAre(t *testing.T) {
	s := start(t)
	const tile = "/tiles/hospitals/5/25/13"
	a := s.get(tile+"?agg=grid&cell=64").want(t, 200)
	got, err := mvt.Unmarshal([]byte(a.body))
	if err != nil || len(got) != 1 || got[0].Name != "hospitals" {
		t.Fatalf("%v, %v", got, err)
	}
	count := 0.0
	for _, f := range got[0].Features {
		if f.Geometry.GeoJSONType() != "Polygon" || f.Properties["_id"] != nil {
			t.Errorf("a cell is %v %v", f.Geometry, f.Properties)
		}
		count += f.Properties["point_count"].(float64)
	}
	if count != 5 {
		t.Errorf("the cells hold %v", count)
	}
	tag := a.Header.Get("ETag")
	if plain := s.get(tile).want(t, 200); tag == "" || plain.Header.Get("ETag") == tag {
		t.Errorf("the tile of cells has the tag %s", tag)
	}
	s.get(tile+"?cell=64&agg=grid", header("If-None-Match", tag)).want(t, 304)
	for _, path := range []string{"/api/collections/hospitals/tiles/WebMercatorQuad/5/13/25?", "/api/tiles/WebMercatorQuad/5/13/25?collections=hospitals&"} {
		if ogc := s.get(path+"agg=grid&cell=64").want(t, 200); ogc.body != a.body {
			t.Errorf("%s is another tile", path)
		}
	}
	s.get("/tiles/hospitals/10/0/0?agg=heat").want(t, 204)
	s.get("/tiles/divisions,hospitals/5/25/13?agg=heat").want(t, 200)
	s.get("/tiles/reservoirs/0/0/0?agg=grid").want(t, 404)
	s.write("DELETE", hospitals+"/h01", "").want(t, 204)
	if after := s.get(tile+"?agg=grid&cell=64", header("If-None-Match", tag)).want(t, 200); after.body == a.body {
		t.Error("who deleted a feature still sees it in its cell")
	}
}

func TestWhatIsNoKindOfCellsIsRefused(t *testing.T) {
	s := start(t)
	for query, fields := range map[string]string{
		"agg=hex": "agg", "agg=": "agg", "agg=grid&cell=33": "cell", "cell=32": "cell", "agg=grid&agg=heat": "agg", "agg=heat&cells=8": "cells", "agg=grid&cell=128": "cell", "agg=hex&x=1": "agg x",
	} {
		for _, path := range []string{"/tiles/hospitals/0/0/0?", "/tiles/hospitals.json?", "/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0?", "/api/tiles/WebMercatorQuad/0/0/0?"} {
			if got := s.get(path+query).want(t, 400).fields(t); got != fields {
				t.Errorf("%s%s: the problem names %q", path, query, got)
			}
		}
	}
}

func TestATileSetOfCellsIsDescribed(t *testing.T) {
	s := start(t)
	var doc struct {
		Tiles        []string
		VectorLayers []struct {
			ID     string
			Fields map[string]string
		} `json:"vector_layers"`
	}
	s.get("/tiles/hospitals.json?cell=16&agg=grid").want(t, 200).into(t, &doc)
	if len(doc.Tiles) != 1 || doc.Tiles[0] != s.URL+"/tiles/hospitals/{z}/{x}/{y}?agg=grid&cell=16" {
		t.Fatalf("the tiles are at %v", doc.Tiles)
	}
	f := doc.VectorLayers[0].Fields
	if f["point_count"] != "Number" || f["_id"] != "" || f["name"] != "" {
		t.Errorf("the fields are %v", f)
	}
	s.get(strings.NewReplacer(s.URL, "", "{z}", "0", "{x}", "0", "{y}", "0").Replace(doc.Tiles[0])).want(t, 200)
}
