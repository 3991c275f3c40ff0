package api

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/orb/encoding/mvt"
)

func TestATileComesInTheCodingThatTheClientLikesBest(t *testing.T) {
	s := start(t)
	if a := s.get("/tiles/hospitals/0/0/0", header("Accept-Encoding", "gzip")).want(t, 200); a.Header.Get("Content-Encoding") != "" {
		t.Errorf("a tile of %s bytes was compressed", a.Header.Get("Content-Length"))
	}
	if a := s.get("/tiles/hospitals/0/0/0", header("Accept-Encoding", "gzip, identity;q=0")).want(t, 200); a.Header.Get("Content-Encoding") != "gzip" {
		t.Error("a small tile came as it is to somebody who refuses that")
	}
	s.enlargeTile(t)
	for _, path := range []string{"/tiles/hospitals/0/0/0", "/tiles/divisions,hospitals/5/25/13", "/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0"} {
		plain := s.get(path).want(t, 200)
		if a := s.get(path, header("Accept-Encoding", "identity, gzip;q=0.5")).want(t, 200); a.Header.Get("Content-Encoding") != "" || a.body != plain.body {
			t.Errorf("%s was compressed for somebody who likes it as it is", path)
		}
		tags := map[string]bool{plain.Header.Get("ETag"): true}
		for accept, read := range map[string]func(io.Reader) (io.Reader, error){
			"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
			"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
			"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
		} {
			a := s.get(path, header("Accept-Encoding", "gzip;q=0.5, br;q=0.5, zstd;q=0.5, "+accept)).want(t, 200)
			if got := a.Header.Get("Content-Encoding"); got != accept || a.Header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
				t.Errorf("%s, %s: %v", path, accept, a.Header)
				continue
			}
			r, err := read(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != plain.body {
				t.Errorf("%s differs as %s: %v", path, accept, err)
			}
			if tag := a.Header.Get("ETag"); tags[tag] || s.get(path, header("If-None-Match", tag)).StatusCode != 304 {
				t.Errorf("%s: as %s the tag %s", path, accept, tag)
			} else {
				tags[tag] = true
			}
		}
		if a := s.get(path, header("Accept-Encoding", "*;q=0")).want(t, 406); !strings.Contains(a.body, "Accept-Encoding") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestTilesCarryTheLayersFeaturesAndEmptyOnesHaveNoContent(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/tiles/divisions,hospitals/5/25/13", "/tiles/divisions,hospitals/5/25/13.mvt", "/tiles/divisions,hospitals/5/25/13.pbf"} {
		a := s.get(path).want(t, 200)
		if a.Header.Get("Content-Type") != mediaMVT || a.Header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
			t.Errorf("%s: %v", path, a.Header)
		}
		got, err := mvt.Unmarshal([]byte(a.body))
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, l := range got {
			names += fmt.Sprintf("%s:%d ", l.Name, len(l.Features))
		}
		if names != "divisions:4 hospitals:5 " {
			t.Errorf("%s holds %s", path, names)
		}
	}
	if a := s.get("/tiles/hospitals/10/0/0").want(t, 204); a.body != "" || a.Header.Get("Content-Type") != "" {
		t.Errorf("an empty tile: %v %q", a.Header, a.body)
	}
	var doc struct {
		TileJSON     string
		Tiles        []string
		VectorLayers []struct{ ID string } `json:"vector_layers"`
	}
	s.get("/tiles/divisions,hospitals.json").want(t, 200).into(t, &doc)
	if doc.TileJSON != "3.0.0" || len(doc.Tiles) != 1 || doc.Tiles[0] != s.URL+"/tiles/divisions,hospitals/{z}/{x}/{y}" || len(doc.VectorLayers) != 2 {
		t.Errorf("got %+v", doc)
	}
}

func TestATilesAddressThatIsNoneIsMalformedOrNotFoundAndSaysWhichPartOfItIs(t *testing.T) {
	s := start(t)
	for path, want := range map[string]string{
		"/tiles/hospitals/2/4/0": "404 x", "/tiles/hospitals/2/0/4": "404 y", "/tiles/hospitals/23/0/0": "404 z", "/tiles/hospitals/2/99999999999/0": "404 x",
		"/tiles/hospitals/2/0/x": "400 y", "/tiles/hospitals/02/0/0": "400 z", "/tiles/hospitals/2/-1/0": "400 x", "/tiles/hospitals/2/0/0.png": "400 y",
		"/tiles/hospitals,hospitals/0/0/0": "400 layers", "/tiles/" + strings.Repeat("a,", 100) + "b/0/0/0": "400 layers", "/tiles/hospitals,/0/0/0": "400 layers",
		"/tiles/nothing/0/0/0": "404 ", "/tiles/hospitals/0/0": "404 ", "/tiles/hospitals/0/0/0?x=1": "400 x",
		"/tiles/hospitals/0/0/0?properties=beds,nothing": "400 properties", "/tiles/hospitals/0/0/0?properties=a&properties=b": "400 properties",
		"/tiles/hospitals/0/0/0?datetime=yesterday": "400 datetime", "/tiles/hospitals/0/0/0?extent=16384": "400 extent",
		"/api/collections/hospitals/tiles/WebMercatorQuad/2/4/0": "404 tileRow", "/api/collections/hospitals/tiles/WebMercatorQuad/2/0/4": "404 tileCol",
		"/api/collections/hospitals/tiles/WebMercatorQuad/23/0/0": "404 tileMatrix", "/api/collections/hospitals/tiles/WebMercatorQuad/2/0/0.mvt": "400 tileCol",
		"/api/collections/hospitals/tiles/WorldCRS84Quad/0/0/0": "404 tileMatrixSetId", "/api/collections/nothing/tiles/WebMercatorQuad/0/0/0": "404 ",
		"/api/tiles/WebMercatorQuad/0/0/0?collections=hospitals,": "400 collections", "/api/tiles/WebMercatorQuad/0/0/0?collection=hospitals": "400 collection",
		"/api/tiles/WebMercatorQuad/0/0/1": "404 tileCol", "/api/tileMatrixSets/WorldCRS84Quad": "404 tileMatrixSetId",
	} {
		a := s.get(path)
		if got := fmt.Sprintf("%d %s", a.StatusCode, a.fields(t)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestATileHasTheFeaturesOfTheTimeThatIsAskedFor(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/tiles/hospitals/0/0/0", "/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0"} {
		for _, datetime := range []string{"2026-07-01T02:00:00Z", "2026-07-01T04:00:00Z/..", "../2026-07-01T01:00:00Z", "../.."} {
			items := s.page("/api/collections/hospitals/items?bbox=-180,-85,180,85&datetime=" + datetime)
			got, err := mvt.Unmarshal([]byte(s.get(path+"?datetime="+datetime).want(t, 200).body))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got[0].Features); n == 0 || n != len(items.Features) {
				t.Errorf("%s at %s: %d features, and %d items", path, datetime, n, len(items.Features))
			}
		}
	}
}

func TestATileHasThePropertiesThatAreAskedFor(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/tiles/hospitals/0/0/0", "/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0"} {
		for query, want := range map[string]string{"": "12", "?properties=": "1 _id", "?properties=beds": "2 _id beds", "?properties=beds,name": "3 _id beds name"} {
			got, err := mvt.Unmarshal([]byte(s.get(path+query).want(t, 200).body))
			if err != nil {
				t.Fatal(err)
			}
			p := got[0].Features[0].Properties
			keys := fmt.Sprint(len(p))
			for _, key := range []string{"_id", "beds", "name"} {
				if _, has := p[key]; has && query != "" {
					keys += " " + key
				}
			}
			if keys != want {
				t.Errorf("%s%s: %v, want %s", path, query, p, want)
			}
		}
	}
}

func TestATileIsAsFineAsItIsAskedFor(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/tiles/hospitals/5/25/13?", "/api/collections/hospitals/tiles/WebMercatorQuad/5/13/25?", "/api/tiles/WebMercatorQuad/5/13/25?collections=hospitals&"} {
		tags := map[string]bool{}
		for query, extent := range map[string]uint32{"": 4096, "extent=4096": 4096, "extent=8192": 8192} {
			a := s.get(strings.TrimRight(path+query, "?&")).want(t, 200)
			tags[a.Header.Get("ETag")] = true
			if got, err := mvt.Unmarshal([]byte(a.body)); err != nil || got[0].Extent != extent || len(got[0].Features) != 5 {
				t.Errorf("%s%s: %v, %v", path, query, got, err)
			}
		}
		if len(tags) != 2 {
			t.Errorf("%s has the tags %v", path, tags)
		}
	}
}
