package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/layers/gpkg"
)

// sites is how many features the benchmarks below are about.
const sites = 1_000_000

// site is what the n-th of them is, from 1; in degrees to six decimals.
func site(n int) (lon, lat float64, name, category string, value float64, count int) {
	return 104.4 + float64(n*7919%7_700_000)/1e6, 20.9 + float64(n*104_729%5_500_000)/1e6, fmt.Sprintf("示例点%d", n), "类" + strconv.Itoa(n%12), float64(n%1000) / 8, n % 500
}

// withSites runs f against servers on both stores that have the layer sites.
func withSites(b *testing.B, f func(b *testing.B, p *process)) {
	b.Run("gpkg", func(b *testing.B) {
		data := b.TempDir()
		fillSites(b, filepath.Join(data, "onemap.gpkg"))
		f(b, serve(b, data))
	})
	b.Run("postgis", func(b *testing.B) {
		url := durable(b)
		psql(b, url, fmt.Sprintf(`CREATE TABLE sites (id int PRIMARY KEY, name text, category text, value float8, count int, geom geometry(Point, 4326));
			INSERT INTO sites SELECT n, '示例点' || n, '类' || n %% 12, (n %% 1000) / 8.0, n %% 500,
				ST_SetSRID(ST_Point(104.4 + (n * 7919::bigint %% 7700000) / 1e6, 20.9 + (n * 104729::bigint %% 5500000) / 1e6), 4326) FROM generate_series(1, %d) n;
			CREATE INDEX ON sites USING gist (geom); ANALYZE sites`, sites))
		onemap(b, "layer", "attach", "sites", "--open", "--data", b.TempDir(), "--store", url)
		f(b, serve(b, b.TempDir(), "--store", url))
	})
}

func fillSites(b *testing.B, path string) {
	b.Helper()
	store, err := gpkg.Open(b.Context(), path, gpkg.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	attribute := func(name string, kind layers.DataType) layers.Attribute {
		return layers.Attribute{Name: name, Type: kind}
	}
	_, err = store.DefineLayer(b.Context(), layers.Actor{}, &layers.Layer{
		ID: "sites", Title: layers.Text{Zh: "示例点"}, Sharing: layers.Unconditional, Open: true, UpdateCycle: layers.Yearly, Geometry: layers.Point,
		Schema: layers.Schema{attribute("name", layers.String), attribute("category", layers.String), attribute("value", layers.Number), attribute("count", layers.Integer)}})
	const batch = 10_000
	for from := 1; err == nil && from <= sites; from += batch {
		edits := make([]layers.Edit, batch)
		for i := range edits {
			lon, lat, name, category, value, count := site(from + i)
			edits[i] = layers.Edit{Op: layers.Put, ID: strconv.Itoa(from + i), Geometry: geom.NewPointFlat(geom.XY, []float64{lon, lat}),
				Properties: map[string]any{"name": name, "category": category, "value": value, "count": int64(count)}}
		}
		_, err = store.Apply(b.Context(), layers.Actor{}, "sites", edits)
	}
	if err == nil { // else the server does so meanwhile
		err = store.Trim(b.Context(), gpkg.Retention{Changes: 1})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOgr2ogrOfAMillionFeatures copies a layer out of the API with GDAL, page by
// page and as one stream, checks every feature and watches the server's memory.
func BenchmarkOgr2ogrOfAMillionFeatures(b *testing.B) {
	withSites(b, func(b *testing.B, p *process) {
		items := p.url + "/api/collections/sites/items"
		p.get("/api/collections/sites/items?limit=10000", "") // what any server has done once
		for _, c := range []struct {
			name string
			from []string
		}{
			{"OAPIF", []string{"-oo", "PAGE_SIZE=10000", "OAPIF:" + p.url + "/api", "sites"}},
			{"geojsonseq", []string{"GeoJSONSeq:" + items + "?f=geojsonseq"}},
			{"csv", []string{"-oo", "AUTODETECT_TYPE=YES", "-oo", "X_POSSIBLE_NAMES=lon", "-oo", "Y_POSSIBLE_NAMES=lat", "-oo", "KEEP_GEOM_COLUMNS=NO", "CSV:/vsicurl_streaming/" + items + "?f=csv"}},
			{"gpkg", []string{items + "?f=gpkg"}},
			{"shp", []string{items + "?f=shp"}},
		} {
			b.Run(c.name, func(b *testing.B) {
				for b.Loop() {
					grown, took := p.ogr2ogr(b, c.from)
					if grown > 64 {
						b.Errorf("the server grew by %.0f MB", grown)
					}
					b.ReportMetric(sites/took.Seconds(), "features/s")
					b.ReportMetric(grown, "MB-grown")
				}
			})
		}
	})
}

// ogr2ogr copies the sites and returns by how many MB the server grew at most.
func (p *process) ogr2ogr(b *testing.B, from []string) (grown float64, took time.Duration) {
	b.Helper()
	last := len(from) - 1
	if url := from[last]; strings.HasPrefix(url, "http") { // files that GDAL reads back and forth in
		path := filepath.Join(b.TempDir(), "sites."+url[strings.LastIndex(url, "=")+1:])
		from = append(append([]string{}, from[:last]...), path)
		if strings.HasSuffix(path, ".shp") {
			from[last] = "/vsizip/" + path + ".zip"
			path += ".zip"
		}
		stop := p.watch(&grown)
		began := time.Now()
		p.download(b, url, path)
		took = time.Since(began)
		stop()
		checkSites(b, from)
		return grown, took
	}
	stop := p.watch(&grown)
	began := time.Now()
	checkSites(b, from)
	stop()
	return grown, time.Since(began)
}

func (p *process) download(b *testing.B, url, path string) {
	b.Helper()
	r, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, r.Body); err != nil || r.StatusCode != http.StatusOK {
		b.Fatal(r.Status, err)
	}
}

// checkSites lets ogr2ogr write what it reads as CSV, and compares each feature.
func checkSites(b *testing.B, from []string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "ogr2ogr", append([]string{"-f", "CSV", "-lco", "GEOMETRY=AS_XY", "/vsistdout/"}, from...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	rows := csv.NewReader(bufio.NewReaderSize(out, 1<<20))
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		b.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	seen, n := make([]bool, sites+1), 0
	for ; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		of := func(name string) string { return row[at[name]] }
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(of(name), 64)
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
		i, _ := strconv.Atoi(strings.TrimPrefix(of("name"), "示例点"))
		lon, lat, name, category, value, count := site(i)
		if i < 1 || i > sites || seen[i] || of("name") != name || of("category") != category || number("value") != value || number("count") != float64(count) ||
			fmt.Sprintf("%.6f %.6f", number("X"), number("Y")) != fmt.Sprintf("%.6f %.6f", lon, lat) {
			b.Fatalf("feature %d is %q", i, row)
		}
		seen[i] = true
	}
	if err := cmd.Wait(); err != nil || n != sites {
		b.Fatalf("%d features, %v", n, err)
	}
}

// watch keeps the most that the server has grown since in *grown, in MB of RSS, until
// it is stopped.
func (p *process) watch(grown *float64) (stop func()) {
	before := p.rss()
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			*grown = max(*grown, p.rss()-before)
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// rss is what the server has in RAM, in MB; 0 where there is no /proc.
func (p *process) rss() float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if f := strings.Fields(string(b)); len(f) > 1 {
		pages, _ := strconv.Atoi(f[1])
		return float64(pages*os.Getpagesize()) / 1e6
	}
	return 0
}

// BenchmarkItems asks for pages within boxes, by 8 connections.
func BenchmarkItems(b *testing.B) {
	const connections, long = 8, 5 * time.Second
	withSites(b, func(b *testing.B, p *process) {
		for _, limit := range []int{100, 10_000} {
			b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
				for b.Loop() {
					var answered, bytes atomic.Int64
					var asking sync.WaitGroup
					end := time.Now().Add(long)
					for c := range connections {
						asking.Go(func() {
							client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
							for i := c; time.Now().Before(end); i += connections {
								lon, lat, _, _, _, _ := site(1 + i*31%sites)
								side := 0.2 // degrees; a few times the limit are within
								if limit > 1000 {
									side = 1.5
								}
								r, err := client.Get(fmt.Sprintf("%s/api/collections/sites/items?limit=%d&bbox=%f,%f,%f,%f", p.url, limit, lon-side/2, lat-side/2, lon+side/2, lat+side/2))
								if err != nil {
									b.Error(err)
									return
								}
								n, err := io.Copy(io.Discard, r.Body)
								r.Body.Close()
								if err != nil || r.StatusCode != http.StatusOK {
									b.Error(r.Status, err)
									return
								}
								answered.Add(1)
								bytes.Add(n)
							}
						})
					}
					asking.Wait()
					b.ReportMetric(float64(answered.Load())/long.Seconds(), "requests/s")
					b.ReportMetric(float64(bytes.Load())/float64(answered.Load())/1000, "kB")
				}
			})
		}
	})
}
