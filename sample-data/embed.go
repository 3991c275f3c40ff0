package sample

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	geomjson "github.com/twpayne/go-geom/encoding/geojson"

	"onemap/layers"
)

// The files in base/ come from public packages (NOTICE.md), but for the
// townships' cells, which are cut from the counties.
//
//go:generate go run ./cells
//go:embed base/divisions-schematic.geojson base/townships-schematic.geojson base/rivers.geojson base/coast.geojson
var baseFiles embed.FS

// row is a feature of a base file.
type row[P any] struct {
	Properties P
	Geometry   geom.T
}

// plane returns the row's geometry for computing.
func (r row[P]) plane() orb.Geometry { return layers.Planar(r.Geometry) }

// readBase reads a GeoJSON file with properties of type P.
func readBase[P any](name string) ([]row[P], error) {
	raw, err := baseFiles.ReadFile("base/" + name)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Features []struct {
			Properties P               `json:"properties"`
			Geometry   json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("sample: %s: %w", name, err)
	}
	rows := make([]row[P], len(doc.Features))
	for i, f := range doc.Features {
		rows[i].Properties = f.Properties
		if err := geomjson.Unmarshal(f.Geometry, &rows[i].Geometry); err != nil {
			return nil, fmt.Errorf("sample: %s: feature %d: %w", name, i, err)
		}
	}
	return rows, nil
}

// division is a row of divisions-schematic.geojson.
type division struct {
	Code       string  `json:"code"`
	Name       string  `json:"name_zh"`
	NameEn     string  `json:"name_en"`
	Level      int64   `json:"level"`
	Parent     string  `json:"parent"`
	Population *int64  `json:"population_2020"` // census of 2020; nil below the cities
	Lon        float64 `json:"label_lon"`
	Lat        float64 `json:"label_lat"`
}

func (d division) seat() orb.Point { return orb.Point{d.Lon, d.Lat} }

// township is a row of townships-schematic.geojson.
type township struct {
	Code   string  `json:"code"`
	Name   string  `json:"name"`
	County string  `json:"county_code"`
	Lon    float64 `json:"lon"` // the point that its cell surrounds
	Lat    float64 `json:"lat"`
}

// river is a row of rivers.geojson.
type river struct {
	Rank   int64   `json:"rank"`
	Length float64 `json:"length_km"`
}
