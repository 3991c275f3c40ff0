package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"onemap/layers"
)

// gdal runs one of GDAL's programs, which stands for everybody's client.
func gdal(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: `make test` installs it (Debian package gdal-bin)", name)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func TestGDALReadsALayerWithAllPagesThroughTheOAPIFDriver(t *testing.T) {
	s := start(t)
	var edits []layers.Edit
	for n := range 2500 {
		e := hospital(n%100, 105+float64(n)/500, 23, "450200")
		e.ID = fmt.Sprintf("g%04d", n)
		edits = append(edits, e)
	}
	if _, err := s.store.Apply(t.Context(), layers.Actor{}, "hospitals", edits); err != nil {
		t.Fatal(err)
	}
	source := "OAPIF:" + s.URL + "/api"
	list := gdal(t, "ogrinfo", "-ro", source)
	for _, want := range []string{"divisions", "hospitals", "townships"} {
		if !strings.Contains(list, want) {
			t.Errorf("ogrinfo does not list %s:\n%s", want, list)
		}
	}
	if strings.Contains(list, "reservoirs") {
		t.Errorf("ogrinfo lists a closed layer:\n%s", list)
	}
	summary := gdal(t, "ogrinfo", "-ro", "-so", source, "hospitals")
	for _, want := range []string{"Feature Count: 2505", "Geometry: Point", "beds: Integer", "load: Real", "seen: DateTime", "Extent: (105"} {
		if !strings.Contains(summary, want) {
			t.Errorf("ogrinfo does not say %q:\n%s", want, summary)
		}
	}
	out := filepath.Join(t.TempDir(), "out.geojson")
	gdal(t, "ogr2ogr", "-f", "GeoJSON", "-oo", "PAGE_SIZE=400", "-lco", "RFC7946=YES", "-lco", "COORDINATE_PRECISION=15", out, source, "hospitals")
	var got struct {
		Features []struct {
			Geometry   struct{ Coordinates []float64 }
			Properties map[string]any
		}
	}
	if err := json.Unmarshal([]byte(read(t, out)), &got); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, f := range got.Features {
		names[fmt.Sprint(f.Properties["name"])]++
		if len(f.Geometry.Coordinates) != 2 {
			t.Fatalf("a feature without a place: %v", f)
		}
	}
	if len(got.Features) != 2505 || names["示例医院03"] != 26 {
		t.Errorf("%d features, 示例医院03 %d times", len(got.Features), names["示例医院03"])
	}
	clipped := gdal(t, "ogrinfo", "-ro", "-so", "-spat", "108", "22", "109", "22.99", source, "hospitals")
	if !strings.Contains(clipped, "Feature Count: 3") {
		t.Errorf("with a spatial filter:\n%s", clipped)
	}
	with := gdal(t, "ogrinfo", "-ro", "-so", "--config", "GDAL_HTTP_HEADERS", "Authorization: Bearer "+s.tokens.Official(), source, "reservoirs")
	if !strings.Contains(with, "Feature Count: 1") {
		t.Errorf("with a token:\n%s", with)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
