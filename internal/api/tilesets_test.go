package api

import (
	"fmt"
	"strings"
	"testing"

	"onemap/tiles"
)

func TestTilesOfTheOGCPathsAreTheSameAsThoseOfTheXYZPaths(t *testing.T) {
	s := start(t)
	official := bearer(s.tokens.Official())
	for _, c := range []struct {
		ogc, xyz string
		with     []with
	}{
		{"/api/collections/hospitals/tiles/WebMercatorQuad/5/13/25", "/tiles/hospitals/5/25/13", nil},
		{"/api/collections/hospitals/tiles/WebMercatorQuad/10/0/0", "/tiles/hospitals/10/0/0", nil}, // empty
		{"/api/tiles/WebMercatorQuad/5/13/25", "/tiles/divisions,hospitals,townships/5/25/13", nil},
		{"/api/tiles/WebMercatorQuad/5/13/25", "/tiles/divisions,hospitals,reservoirs,townships/5/25/13", []with{official}},
		{"/api/tiles/WebMercatorQuad/5/13/25?collections=hospitals,divisions", "/tiles/hospitals,divisions/5/25/13", nil},
	} {
		for _, coding := range []string{"", "gzip"} {
			with := append([]with{header("Accept-Encoding", coding)}, c.with...)
			a, b := s.get(c.ogc, with...), s.get(c.xyz, with...)
			if a.StatusCode != b.StatusCode || a.StatusCode >= 300 || a.body != b.body || a.Header.Get("ETag") != b.Header.Get("ETag") {
				t.Errorf("%s: %d %s, %d bytes; %s: %d %s, %d bytes", c.ogc, a.StatusCode, a.Header.Get("ETag"), len(a.body), c.xyz, b.StatusCode, b.Header.Get("ETag"), len(b.body))
			}
		}
	}
	s.get("/api/tiles/WebMercatorQuad/0/0/0?collections=hospitals,reservoirs").want(t, 404)
}

// TestAClientFindsATileFromTheLandingPage follows the links as OGC API Tiles has
// them, with nothing else known.
func TestAClientFindsATileFromTheLandingPage(t *testing.T) {
	s := start(t)
	follow := func(links []link, rel string) string {
		t.Helper()
		for _, l := range links {
			if l.Rel == rel {
				return strings.TrimPrefix(l.Href, s.URL)
			}
		}
		t.Fatalf("no link %s in %+v", rel, links)
		return ""
	}
	type doc struct{ Links []link }
	for _, from := range []string{"/api", "/api/collections/hospitals"} {
		var landing, set doc
		var list struct{ Tilesets []doc }
		s.get(from).want(t, 200).into(t, &landing)
		s.get(follow(landing.Links, "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector")).want(t, 200).into(t, &list)
		if len(list.Tilesets) != 1 {
			t.Fatalf("%s: %+v", from, list)
		}
		s.get(follow(list.Tilesets[0].Links, "self")).want(t, 200).into(t, &set)
		tile := strings.NewReplacer("{tileMatrix}", "5", "{tileRow}", "13", "{tileCol}", "25").Replace(follow(set.Links, "item"))
		if a := s.get(tile).want(t, 200); a.Header.Get("Content-Type") != mediaMVT {
			t.Errorf("%s: %v", tile, a.Header)
		}
		var grid struct {
			URI          string
			TileMatrices []struct {
				ID                     string
				MatrixWidth, TileWidth int
				CellSize               float64
			}
		}
		s.get(follow(set.Links, relTilingScheme)).want(t, 200).into(t, &grid)
		for z, m := range grid.TileMatrices {
			// A grid is as wide as the world at every zoom.
			if width := float64(m.MatrixWidth*m.TileWidth) * m.CellSize; m.ID != fmt.Sprint(z) || m.MatrixWidth != 1<<z || width < 40075016.68 || width > 40075016.69 {
				t.Errorf("matrix %d: %+v", z, m)
			}
		}
		if len(grid.TileMatrices) != 25 || grid.URI != webMercatorQuadURI {
			t.Errorf("%+v", grid)
		}
	}
}

func TestATilesetSaysWhatItsTilesHold(t *testing.T) {
	s := start(t)
	var set tileset
	s.get("/api/tiles/WebMercatorQuad?collections=hospitals,divisions").want(t, 200).into(t, &set)
	if len(set.Limits) != tiles.MaxZoom+1 || set.Limits[3] != (matrixLimits{"3", 0, 7, 0, 7}) {
		t.Errorf("limits %+v", set.Limits)
	}
	if len(set.Layers) != 2 || set.Layers[0].ID != "hospitals" || set.Layers[0].Properties.Properties["beds"].Type != "number" || set.Layers[0].Properties.Properties["_id"].Type != "string" {
		t.Errorf("layers %+v", set.Layers)
	}
	if set.BoundingBox.LowerLeft != [2]float64{104, 20.5} || set.BoundingBox.UpperRight != [2]float64{112, 26.5} || set.BoundingBox.CRS != crs84 {
		t.Errorf("bounds %+v", set.BoundingBox)
	}
	for _, l := range set.Links {
		if l.Rel == "item" && (!l.Templated || !strings.HasSuffix(l.Href, "?collections=hospitals,divisions")) {
			t.Errorf("tiles at %+v", l)
		}
	}
}
