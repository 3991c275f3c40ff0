package api

import (
	"context"
	"slices"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// place is what a group is on the map.
type place struct {
	name     string
	geometry geom.T
}

// locate finds the places that the groups are: areas of another layer, or else of the
// first key that is one.
func (t *groupTable) locate(ctx context.Context, reader layers.Reader) error {
	if t.areas != nil {
		t.located = t.areas.key
		t.name(t.areas.places())
		return nil
	}
	t.located = slices.IndexFunc(t.grouping.Keys, func(k layers.GroupKey) bool { return k.Kind == layers.ByCell || k.Kind == layers.ByDivision })
	if t.located < 0 {
		return nil
	}
	k := t.grouping.Keys[t.located]
	if k.Kind == layers.ByCell {
		for i := range t.rows {
			if cell, ok := t.rows[i].values[t.located].(layers.Cell); ok {
				t.rows[i].geometry = cell.Outline()
			}
		}
		return nil
	}
	codes := map[string]bool{}
	for _, row := range t.rows {
		if code, ok := row.values[t.located].(string); ok {
			codes[code] = true
		}
	}
	places, err := divisionPlaces(ctx, reader, k.Level, codes)
	t.name(places)
	return err
}

// name gives each group the place that its key is the id of.
func (t *groupTable) name(places map[string]place) {
	t.names = !slices.Contains(t.columns, nameColumn)
	for i := range t.rows {
		id, _ := t.rows[i].values[t.located].(string)
		t.rows[i].place = places[id]
	}
}

// divisionPlaces reads divisions of a level from the base map, as far as it is seen.
func divisionPlaces(ctx context.Context, reader layers.Reader, level int, codes map[string]bool) (map[string]place, error) {
	entries, _, err := reader.Layers(ctx)
	if err != nil {
		return nil, err
	}
	base := baseDivision
	if level == 4 {
		base = baseTownship
	}
	places := map[string]place{}
	e, key, ok := layerOf(entries, base)
	if !ok {
		return places, nil
	}
	for f, err := range reader.Scan(ctx, e.ID, layers.Range{}) {
		if err != nil {
			return nil, err
		}
		if code, _ := f.Properties[key.Name].(string); codes[code] {
			places[code] = place{f.Name(e.Schema), f.Geometry}
		}
	}
	return places, nil
}
