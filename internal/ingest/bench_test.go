package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func BenchmarkReadGeoJSON(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"type":"FeatureCollection","features":[`)
	const rows = 10_000
	for i := range rows {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"type":"Feature","id":"e%d","properties":{"name":"演示企业%06d","credit_code":"9145%014d","capital":%d.5,"staff":%d,"registered":"2020-01-02"},"geometry":{"type":"Point","coordinates":[108.%06d,22.%06d]}}`, i, i, i, i, i, i, i)
	}
	text.WriteString("]}")
	path := filepath.Join(b.TempDir(), "a.geojson")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	set := openGeoJSON(path)
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		n := 0
		for row, err := range set.Rows(context.Background()) {
			if err != nil || row.Err != nil {
				b.Fatal(err, row.Err)
			}
			n++
		}
		if n != rows {
			b.Fatal(n)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
