package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// What the client does not understand would be measured wrongly.
func TestTheClientCountsTheBytesOfEveryKindOfAnswer(t *testing.T) {
	tile := bytes.Repeat([]byte("tile"), 50_000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(tile); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	answers := func(path string, f http.HandlerFunc) { mux.HandleFunc("GET /"+path, f) }
	answers("plain", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(tile)))
		w.Write(tile)
	})
	answers("gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Length", strconv.Itoa(packed.Len()))
		w.Write(packed.Bytes())
	})
	answers("chunked", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for _, part := range [][]byte{packed.Bytes()[:9], packed.Bytes()[9 : packed.Len()-2], packed.Bytes()[packed.Len()-2:]} {
			w.Write(part)
			w.(http.Flusher).Flush()
		}
	})
	answers("empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	answers("closing", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.Write([]byte("abc"))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	var c *client
	for range 2 { // each leaves the connection as the next one needs it
		for path, want := range map[string]answer{
			"plain": {status: 200, wire: len(tile), raw: len(tile)}, "gzip": {status: 200, wire: packed.Len(), raw: len(tile)},
			"chunked": {status: 200, wire: packed.Len(), raw: len(tile)}, "empty": {status: 204}, "closing": {status: 200, wire: 3, raw: 3},
			"none": {status: 404, wire: 19, raw: 19},
		} {
			host, text, err := request(s.URL + "/" + path)
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				if c, err = dial(host); err != nil {
					t.Fatal(err)
				}
				defer func() { c.nc.Close() }()
			}
			got, err := c.ask(text)
			if err != nil || got.status != want.status || got.wire != want.wire || got.raw != want.raw {
				t.Errorf("%s: %+v, %v; want %+v", path, got, err, want)
			}
		}
	}
}

func TestAPeerIsATemplateForAllDataOrForOne(t *testing.T) {
	p, err := parsePeer("tegola=http://localhost:8080/maps/{data}/{z}/{x}/{y}.pbf")
	if err != nil {
		t.Fatal(err)
	}
	only, err := parsePeer("martin/pts=http://localhost:3000/pts/{z}/{x}/{y}")
	if err != nil {
		t.Fatal(err)
	}
	if got := peersOf([]peer{p, only}, datasets[1]); len(got) != 1 || got[0].tile(datasets[1], coord{6, 50, 27}) != "http://localhost:8080/maps/polys/6/50/27.pbf" {
		t.Errorf("polys: %v", got)
	}
	if got := peersOf([]peer{p, only}, points); len(got) != 2 || got[1].tile(points, coord{6, 50, 27}) != "http://localhost:3000/pts/6/50/27" {
		t.Errorf("pts: %v", got)
	}
	for _, bad := range []string{"", "x", "=http://h/{z}/{x}/{y}", "x=http://h/{z}/{x}", "x=https://h/{z}/{x}/{y}", "x/roads=http://h/{z}/{x}/{y}"} {
		if _, err := parsePeer(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
