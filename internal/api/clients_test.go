package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestATilesAddressMayEndInPBFOrMVT(t *testing.T) {
	s := start(t)
	plain := s.get("/tiles/hospitals/8/205/111")
	if plain.StatusCode != 200 || plain.body == "" {
		t.Fatalf("%d", plain.StatusCode)
	}
	for _, suffix := range []string{".pbf", ".mvt"} {
		a := s.get("/tiles/hospitals/8/205/111"+suffix).want(t, 200)
		if a.body != plain.body || a.Header.Get("ETag") != plain.Header.Get("ETag") {
			t.Errorf("%s is another tile", suffix)
		}
	}
}

func TestGDALReadsTheTilesOfAZoomByTheirTileJSON(t *testing.T) {
	s := start(t)
	const zoom = "8"
	summary := gdal(t, "ogrinfo", "-ro", "-so", "-oo", "METADATA_FILE="+s.URL+"/tiles/hospitals.json", "-oo", "TILE_EXTENSION=pbf", "MVT:"+s.URL+"/tiles/hospitals/"+zoom, "hospitals")
	for _, want := range []string{"Feature Count: 5", "ZOOM_LEVEL=8", "Pseudo-Mercator", "name: String", "beds: ", "_id: String"} {
		if !strings.Contains(summary, want) {
			t.Errorf("ogrinfo does not say %q:\n%s", want, summary)
		}
	}
	one := gdal(t, "ogrinfo", "-ro", "-al", "MVT:"+s.URL+"/tiles/hospitals/8/205/111.pbf")
	for _, want := range []string{"示例医院01", "_id (String) = h01"} {
		if !strings.Contains(one, want) {
			t.Errorf("ogrinfo does not say %q:\n%s", want, one)
		}
	}
}

// readWithQGIS prints what QGIS's provider of OGC API Features makes of a layer.
const readWithQGIS = `
import json, os, sys
from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer, QgsVectorTileLayer
QgsApplication.setPrefixPath('/usr', True)
app = QgsApplication([], False)
app.initQgis()
url = sys.argv[1]
layer = QgsVectorLayer(f"pageSize='2' typename='hospitals' url='{url}/api'", 'hospitals', 'OAPIF')
inside = QgsFeatureRequest().setFilterRect(QgsRectangle(108, 22, 109, 22.85))
tiles = QgsVectorTileLayer(f'type=xyz&url={url}/tiles/hospitals/{{z}}/{{x}}/{{y}}.pbf&zmin=0&zmax=14', 'tiles')
print(json.dumps({
    'valid': layer.isValid(), 'tiles': tiles.isValid(), 'fields': {f.name(): f.typeName() for f in layer.fields()}, 'crs': layer.crs().authid(),
    'features': sorted((f['id'], f['name'], f['beds'], f.geometry().asPoint().x()) for f in layer.getFeatures()),
    'inside': sorted(f['id'] for f in layer.getFeatures(inside)),
}))
sys.stdout.flush()
os._exit(0)  # what ends QGIS crashes at times
`

func TestQGISReadsALayerWithAllPagesAndByBoundingBox(t *testing.T) {
	python := "/usr/bin/python3" // Debian's: another one does not have its packages
	if err := exec.CommandContext(t.Context(), python, "-c", "import qgis.core").Run(); err != nil {
		t.Skip("QGIS is missing: .ci/install-test-deps installs it where Debian has it (package python3-qgis)")
	}
	s := start(t)
	cmd := exec.CommandContext(t.Context(), python, "-c", readWithQGIS, s.URL)
	cmd.Env = append(cmd.Environ(), "QT_QPA_PLATFORM=offscreen", "XDG_RUNTIME_DIR="+t.TempDir(), "HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	var got struct {
		Valid, Tiles bool
		Fields       map[string]string
		CRS          string
		Features     [][]any
		Inside       []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !got.Valid || !got.Tiles || got.CRS != "EPSG:4326" || got.Fields["beds"] != "Integer" || got.Fields["seen"] != "DateTime" || got.Fields["name"] != "String" {
		t.Errorf("%+v", got)
	}
	if len(got.Features) != 5 || got.Features[1][1] != "示例医院02" || got.Features[1][2] != 200.0 || got.Features[1][3] != 108.36 {
		t.Errorf("features %v", got.Features)
	}
	if strings.Join(got.Inside, " ") != "h01 h02" {
		t.Errorf("inside the box %v", got.Inside)
	}
}

func TestGDALSendsWhatItsWhereAsksFor(t *testing.T) {
	s := start(t)
	var mu sync.Mutex
	var sent []string
	// In front of the server: its own handler may not be changed while it runs.
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		sent = append(sent, r.URL.Query().Get("filter"))
		mu.Unlock()
		s.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	for where, want := range map[string]struct {
		count  string
		filter string
	}{
		"beds > 300": {"2", "beds > 300"},
		"name LIKE '示例医院%' AND beds <= 200":     {"2", "name LIKE '示例医院%'"},
		"status = 'full' OR NOT (beds >= 200)":  {"3", "status = 'full'"},
		"name_en IS NULL":                       {"0", "name_en IS NULL"},
		"seen >= '2026/07/01 04:00:00'":         {"2", ""},
		"founded = '2001/02/03' AND load < 0.2": {"1", "load < 0.2"},
		"load BETWEEN 0.2 AND 0.3 AND open = 1": {"1", "load"},
	} {
		mu.Lock()
		sent = nil
		mu.Unlock()
		summary := gdal(t, "ogrinfo", "-ro", "-so", "-where", where, "OAPIF:"+front.URL+"/api", "hospitals")
		if !strings.Contains(summary, "Feature Count: "+want.count+"\n") {
			t.Errorf("%s:\n%s", where, summary)
		}
		mu.Lock()
		if !slices.ContainsFunc(sent, func(f string) bool { return strings.Contains(f, want.filter) }) {
			t.Errorf("%s is not sent: %q", where, sent)
		}
		mu.Unlock()
	}
}
