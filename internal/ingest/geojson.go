package ingest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"onemap/layers"
)

// bom is the byte order mark that Windows programs put before UTF-8.
const bom = "\uFEFF"

func openGeoJSON(path string) *Set {
	return &Set{Name: baseName(path), Rows: func(ctx context.Context) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			f, err := os.Open(path)
			if err != nil {
				yield(Row{}, err)
				return
			}
			defer f.Close()
			r := &geoJSONReader{ctx: ctx, yield: yield}
			if err := r.read(skipBOM(f)); err != nil && !r.stopped {
				yield(Row{}, fmt.Errorf("%s: %w", path, err))
			}
		}
	}}
}

func skipBOM(r io.Reader) *bufio.Reader {
	b := bufio.NewReaderSize(r, 1<<20)
	if head, _ := b.Peek(len(bom)); string(head) == bom {
		_, _ = b.Discard(len(bom))
	}
	return b
}

// geoJSONReader reads a FeatureCollection as a stream: of a file of any size it
// holds one feature. A file with a single Feature is also read.
type geoJSONReader struct {
	ctx     context.Context
	yield   func(Row, error) bool
	number  int64
	stopped bool // the caller wants no more
}

func (r *geoJSONReader) read(from io.Reader) error {
	d := json.NewDecoder(from)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("not GeoJSON: %w", orElse(syntaxAt(d, err), errors.New("it does not start with an object")))
	}
	rest := map[string]json.RawMessage{}
	found := false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return syntaxAt(d, err)
		}
		if name == "features" {
			found = true
			if err := r.features(d); err != nil || r.stopped {
				return err
			}
			continue
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return syntaxAt(d, err)
		}
		if name == "crs" {
			if err := checkCRS(value); err != nil {
				return err
			}
		}
		rest[name.(string)] = value
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return syntaxAt(d, err)
	}
	switch kind := strings.Trim(string(rest["type"]), `"`); {
	case found:
		return nil
	case kind == "Feature":
		raw, err := json.Marshal(rest)
		if err != nil {
			return err
		}
		r.yield(featureRow(1, raw), nil)
		return nil
	default:
		return fmt.Errorf(`not a FeatureCollection: its "type" is %q and it has no "features"`, kind)
	}
}

func (r *geoJSONReader) features(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return orElse(syntaxAt(d, err), errors.New(`"features" is not an array`))
	}
	for d.More() {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return syntaxAt(d, err)
		}
		r.number++
		if !r.yield(featureRow(r.number, raw), nil) {
			r.stopped = true
			return nil
		}
	}
	_, err := d.Token() // the closing bracket
	return syntaxAt(d, err)
}

// syntaxAt says where the JSON is broken.
func syntaxAt(d *json.Decoder, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends in the middle, after byte %d; it may not have been copied whole", d.InputOffset())
	}
	return fmt.Errorf("broken JSON after byte %d: %w", d.InputOffset(), err)
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// checkCRS looks at the "crs" member of GeoJSON as it was before RFC 7946, which
// some programs still write. Longitude and latitude on WGS 84 or CGCS2000 are the
// same for display (within decimetres); everything else must be converted.
func checkCRS(raw json.RawMessage) error {
	if isNull(raw) {
		return nil
	}
	var crs struct {
		Properties struct {
			Name string `json:"name"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(raw, &crs) // a crs of another form has no name and is refused
	name := crs.Properties.Name
	for _, ok := range []string{"CRS84", "CRS84h", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490"} {
		if strings.HasSuffix(name, ok) {
			return nil
		}
	}
	return layers.Errorf(layers.Invalid, "its coordinate system is %q; convert it first, e.g. ogr2ogr -t_srs EPSG:4326 (CRS84, EPSG:4326 and EPSG:4490 are read)", name)
}
