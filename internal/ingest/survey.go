package ingest

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// survey is what the first pass over a set found.
type survey struct {
	rows       int64
	unreadable int64
	columns    []*column
	index      map[string]*column
	ids        int64 // rows with an id of the format's own
	geometries map[layers.GeometryType]int64
	outside    int64 // geometries that are not longitude, latitude in degrees
	bound      orb.Bound
}

// lookAt reads the whole set once.
func lookAt(ctx context.Context, set *Set, progress func(rows int64)) (*survey, error) {
	s := &survey{index: map[string]*column{}, geometries: map[layers.GeometryType]int64{},
		bound: orb.Bound{Min: orb.Point{math.Inf(1), math.Inf(1)}, Max: orb.Point{math.Inf(-1), math.Inf(-1)}}}
	for row, err := range set.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		s.rows++
		if s.rows%1000 == 0 {
			progress(s.rows)
		}
		if row.Err != nil {
			s.unreadable++
			continue
		}
		if row.ID != "" {
			s.ids++
		}
		for _, p := range row.Properties {
			c := s.index[p.Name]
			if c == nil {
				c = &column{name: p.Name, text: set.Text}
				s.index[p.Name], s.columns = c, append(s.columns, c)
			}
			c.see(p.Value)
		}
		s.seeGeometry(row)
	}
	progress(s.rows)
	return s, nil
}

func (s *survey) seeGeometry(row Row) {
	if row.Geometry == nil {
		return
	}
	s.geometries[layers.TypeOf(row.Geometry)]++
	b, ok := layers.BoundOf(row.Geometry)
	if !ok {
		return
	}
	s.bound = s.bound.Union(b)
	if b.Min[0] < -180 || b.Max[0] > 180 || b.Min[1] < -90 || b.Max[1] > 90 {
		s.outside++
	}
}

// checkCoordinates refuses a set of which no geometry is in degrees: it is in
// another coordinate system, and rejecting row by row would hide that.
func (s *survey) checkCoordinates(set *Set) error {
	var geometries int64
	for _, n := range s.geometries {
		geometries += n
	}
	if geometries == 0 || s.outside < geometries {
		return nil
	}
	return layers.Errorf(layers.Invalid,
		"%s: the coordinates (%.0f, %.0f to %.0f, %.0f) are not longitude and latitude in degrees; convert them first, e.g. ogr2ogr -s_srs EPSG:4525 -t_srs EPSG:4326 (the -s_srs is the system that the data are in)",
		set.Name, s.bound.Min[0], s.bound.Min[1], s.bound.Max[0], s.bound.Max[1])
}

// idColumn returns the column that names the features: none if the format has
// ids of its own, or if there is no such column.
func (s *survey) idColumn() string {
	if s.ids > 0 {
		return ""
	}
	for _, want := range []string{"id", "fid"} {
		for _, c := range s.columns {
			if strings.EqualFold(strings.TrimSpace(c.name), want) && c.nulls < s.rows {
				return c.name
			}
		}
	}
	return ""
}

// geometryType is the narrowest type that holds every geometry.
func (s *survey) geometryType() layers.GeometryType {
	var kinds []layers.GeometryType
	for k := range s.geometries {
		kinds = append(kinds, k)
	}
	switch len(kinds) {
	case 1:
		if kinds[0] != "GeometryCollection" {
			return kinds[0]
		}
	case 2:
		for _, multi := range []layers.GeometryType{layers.MultiPoint, layers.MultiLineString, layers.MultiPolygon} {
			single := layers.GeometryType(strings.TrimPrefix(string(multi), "Multi"))
			if s.geometries[multi] > 0 && s.geometries[single] > 0 {
				return multi
			}
		}
	}
	return layers.AnyGeometry
}

// schema makes the layer's attributes of the columns: as declared, else as
// inferred. skip is the column that became the id.
func (s *survey) schema(set *Set, skip string) (layers.Schema, error) {
	var schema layers.Schema
	roles := map[layers.Role]bool{}
	names := s.attributeNames(set, skip)
	declared := map[string]Column{}
	for _, c := range set.Columns {
		declared[c.Name] = c
	}
	for _, c := range s.order(set) {
		if c.name == skip {
			continue
		}
		a := layers.Attribute{Name: names[c.name], Type: c.dataType()}
		title := c.name
		if d, ok := declared[c.name]; ok {
			a.Type, a.Required, a.MaxLength = d.Type, d.Required, d.MaxLength
			if d.Title != "" {
				title = d.Title
			}
		}
		if title != a.Name {
			a.Title = layers.Text{Zh: title}
		}
		a.Role = layers.ProposeRole(c.name, a.Type, roles)
		schema = append(schema, a)
	}
	if len(schema) > maxColumns {
		return nil, layers.Errorf(layers.TooLarge, "%s has %d columns; at most %d are kept: leave some out", set.Name, len(schema), maxColumns)
	}
	return schema, nil
}

// maxColumns keeps well below the 2,000 columns of SQLite and the 1,600 of PostgreSQL.
const maxColumns = 1000

// order returns the columns as declared, and after them what else was seen.
func (s *survey) order(set *Set) []*column {
	var ordered []*column
	seen := map[string]bool{}
	for _, d := range set.Columns {
		c := s.index[d.Name]
		if c == nil { // an empty table
			c = &column{name: d.Name}
		}
		ordered, seen[d.Name] = append(ordered, c), true
	}
	for _, c := range s.columns {
		if !seen[c.name] {
			ordered = append(ordered, c)
		}
	}
	return ordered
}

// attributeNames maps each column but skip to the name of its attribute.
func (s *survey) attributeNames(set *Set, skip string) map[string]string {
	var columns []string
	for _, c := range s.order(set) {
		if c.name != skip {
			columns = append(columns, c.name)
		}
	}
	names := map[string]string{}
	for i, n := range layers.ProposeNames(columns) {
		names[columns[i]] = n
	}
	return names
}

// match maps each column to an attribute of a layer that exists. Columns that
// the layer does not have are an error, unless they may be left out.
func (s *survey) match(set *Set, layer *layers.Layer, skip string, leaveOut bool) (map[string]string, error) {
	names, proposed := map[string]string{}, s.attributeNames(set, skip)
	taken := map[string]string{}
	var unknown []string
	for _, c := range s.order(set) {
		if c.name == skip {
			continue
		}
		name, ok := attributeNamed(layer.Schema, c.name, proposed[c.name])
		if other := taken[name]; ok && other != "" {
			return nil, layers.Errorf(layers.Invalid, "the columns %q and %q would both go into attribute %s of layer %s; rename one", other, c.name, name, layer.ID)
		}
		switch {
		case ok:
			names[c.name], taken[name] = name, c.name
		case !leaveOut:
			unknown = append(unknown, c.name)
		}
	}
	if len(unknown) > 0 {
		var have []string
		for _, a := range layer.Schema {
			have = append(have, a.Name)
		}
		return nil, layers.Errorf(layers.Invalid, "layer %s has no attribute for %s; it has %s. Rename them, add them with `onemap layer define`, or leave them out with --ignore-unknown",
			layer.ID, quoteAll(unknown), strings.Join(have, ", "))
	}
	return names, nil
}

func attributeNamed(schema layers.Schema, candidates ...string) (string, bool) {
	for _, c := range candidates {
		for _, a := range schema {
			if strings.EqualFold(a.Name, c) || a.Title.Zh != "" && a.Title.Zh == c {
				return a.Name, true
			}
		}
	}
	return "", false
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ")
}
