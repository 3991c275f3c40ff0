package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Columns says where a CSV file has its geometry, if it can't be seen from the
// header.
type Columns struct {
	Lon, Lat, WKT string
	NoGeometry    bool // there is none: the layer is a table
}

// Open looks at a file and returns its data sets. done releases it.
func Open(ctx context.Context, path string, c Columns) (sets []*Set, done func() error, err error) {
	none := func() error { return nil }
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a directory; name the files in it", path)
	}
	if info.Size() == 0 {
		return nil, nil, fmt.Errorf("%s is empty", path)
	}
	format, err := detect(path)
	if err != nil {
		return nil, nil, err
	}
	switch format {
	case "geojson":
		return []*Set{openGeoJSON(path)}, none, nil
	case "ndjson":
		return []*Set{openNDJSON(path)}, none, nil
	case "csv":
		set, err := openCSV(path, c)
		if err != nil {
			return nil, nil, err
		}
		return []*Set{set}, none, nil
	default:
		return openGeoPackage(ctx, path)
	}
}

// detect tells the format by the suffix or, where that says nothing, by the
// file's first bytes.
func detect(path string) (string, error) {
	switch suffix := strings.ToLower(filepath.Ext(path)); suffix {
	case ".geojson":
		return "geojson", nil
	case ".ndjson", ".geojsonl", ".geojsons", ".geojsonseq", ".jsonl":
		return "ndjson", nil
	case ".csv", ".tsv":
		return "csv", nil
	case ".gpkg":
		return "gpkg", nil
	case ".shp", ".dbf", ".zip", ".kml", ".gml", ".fgb", ".xlsx", ".xls", ".tab", ".mif":
		return "", fmt.Errorf("%s: %s files are not read; convert it first, e.g. ogr2ogr -t_srs EPSG:4326 out.gpkg %s",
			path, suffix, filepath.Base(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return "", err
	}
	head = bytes.TrimSpace(bytes.TrimPrefix(head[:n], []byte(bom)))
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return "gpkg", nil
	case bytes.HasPrefix(head, []byte{recordSeparator}):
		return "ndjson", nil
	case bytes.HasPrefix(head, []byte("{")):
		if line, _, more := bytes.Cut(head, []byte("\n")); more && bytes.HasSuffix(bytes.TrimSpace(line), []byte("}")) {
			return "ndjson", nil
		}
		return "geojson", nil
	}
	return "", fmt.Errorf("%s: unknown format; GeoJSON (.geojson), NDJSON (.ndjson, .geojsonl), CSV (.csv) and GeoPackage (.gpkg) are read", path)
}

// baseName returns the file's name without directory and suffix.
func baseName(path string) string {
	b := filepath.Base(path)
	return strings.TrimSuffix(b, filepath.Ext(b))
}
