package layers

import (
	"errors"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"onemap/internal/cql2"
)

// GeometryQueryable is the name of the geometry in a filter; "geometry" means it too
// where no attribute has that name.
const GeometryQueryable = "geom"

var queryableTypes = map[DataType]cql2.Type{String: cql2.String, Integer: cql2.Integer, Number: cql2.Number, Boolean: cql2.Boolean, DateType: cql2.Date, DateTime: cql2.Timestamp}

// Queryables returns what a filter of the layer may ask for: the id, the geometry, and
// every attribute but those of JSON.
func (l *Layer) Queryables() cql2.Queryables {
	q := cql2.Queryables{"id": cql2.String, GeometryQueryable: cql2.Geometry}
	for _, a := range l.Schema {
		if t, ok := queryableTypes[a.Type]; ok {
			q[a.Name] = t
		}
	}
	return q
}

// Filter checks a filter against the layer. What is wrong with it is one Violation.
func (l *Layer) Filter(e cql2.Expr) (*cql2.Filter, error) {
	if _, ok := l.Schema.Attribute("geometry"); !ok {
		e = cql2.Map(e, func(e cql2.Expr) cql2.Expr {
			if p, ok := e.(*cql2.Property); ok && p.Name == "geometry" {
				geometry := *p
				geometry.Name = GeometryQueryable
				return &geometry
			}
			return e
		})
	}
	f, err := cql2.Compile(e, l.Queryables(), map[string]cql2.Macro{"division": l.division})
	if err != nil {
		return nil, UnfitFilter(err)
	}
	return f, nil
}

// division stands for being inside an administrative division, at any level.
func (l *Layer) division(args []cql2.Expr) (cql2.Expr, error) {
	a, ok := l.Schema.ByRole(RoleDivision)
	if !ok {
		return nil, &cql2.Error{Reason: "layer " + l.ID + " has no attribute with the division role", Remedy: "compare an attribute, or use S_WITHIN"}
	}
	const codes = "six digits (GB/T 2260) or nine (GB/T 10114), such as division('450100')"
	var code string
	if len(args) == 1 {
		if literal, ok := args[0].(*cql2.Literal); ok {
			code, _ = literal.Value.(string)
		}
	}
	prefix := DivisionPrefix(code)
	if prefix == "" {
		return nil, &cql2.Error{Reason: "not a division code", Remedy: codes}
	}
	compare := func(op cql2.Op, s string) cql2.Expr {
		return &cql2.Call{Op: op, Args: []cql2.Expr{&cql2.Property{Name: a.Name}, &cql2.Literal{Value: s}}}
	}
	return &cql2.Call{Op: cql2.And, Args: []cql2.Expr{compare(cql2.GreaterOrEqual, prefix), compare(cql2.Less, prefix+":")}}, nil // ':' follows '9'
}

// UnfitFilter is the error of a filter that can't be read or does not fit its layer.
func UnfitFilter(err error) error {
	var e *cql2.Error
	if !errors.As(err, &e) {
		return err
	}
	reason := e.Reason
	if at := e.Where(); at != "" {
		reason = at + ": " + reason
	}
	return Unfit("filter", e.Near, reason, e.Remedy)
}

// Row is a feature as filters see it.
type Row struct {
	*Feature
	shape *cql2.Shape
}

// Row returns the feature as filters see it, for one goroutine.
func (f *Feature) Row() *Row { return &Row{Feature: f} }

// Value implements cql2.Row.
func (r *Row) Value(queryable string) any {
	switch queryable {
	case "id":
		return r.ID
	case GeometryQueryable:
		if r.shape == nil {
			r.shape = cql2.NewShape(r.Geometry)
		}
		return r.shape
	}
	v := r.Properties[queryable]
	if d, ok := v.(Date); ok {
		return cql2.Day(d)
	}
	return v
}

// Matches reports whether a feature of the layer is meant, as stores answer it. What
// the layer lacks an attribute for, such as a time, means none.
func (s *Selection) Matches(l *Layer, f *Feature) bool {
	if s.BBox != nil {
		if b, ok := BoundOf(f.Geometry); !ok || !b.Intersects(*s.BBox) {
			return false
		}
	}
	if s.Time != nil {
		if a, ok := l.Schema.ByRole(RoleTime); !ok || !s.Time.Has(f.Properties[a.Name]) {
			return false
		}
	}
	if s.Division != "" {
		a, _ := l.Schema.ByRole(RoleDivision)
		code, _ := f.Properties[a.Name].(string)
		if prefix := DivisionPrefix(s.Division); prefix == "" || code < prefix || code >= prefix+":" { // ':' follows '9'
			return false
		}
	}
	if s.Text != "" && !s.names(l, f) {
		return false
	}
	for _, e := range s.Filters {
		if !e.has(f.Properties[e.Attribute]) {
			return false
		}
	}
	return s.Where == nil || s.Where.Match(f.Row())
}

// names reports whether the text is part of the feature's name or id.
func (s *Selection) names(l *Layer, f *Feature) bool {
	has := func(v any) bool {
		name, _ := v.(string)
		return strings.Contains(strings.ToLower(name), strings.ToLower(s.Text))
	}
	if has(f.ID) {
		return true
	}
	for _, role := range []Role{RoleName, RoleNameEn} {
		if a, ok := l.Schema.ByRole(role); ok && has(f.Properties[a.Name]) {
			return true
		}
	}
	return false
}

// Around returns the bounds outside of which nothing can satisfy a spatial predicate of
// a property and a literal; false if there are none.
func Around(c *cql2.Call) (orb.Bound, bool) {
	property, literal := c.Args[0], c.Args[1]
	if _, ok := property.(*cql2.Literal); ok {
		property, literal = literal, property
	}
	_, ok := property.(*cql2.Property)
	constant, both := literal.(*cql2.Literal)
	if !ok || !both || c.Op == cql2.SDisjoint {
		return orb.Bound{}, false
	}
	box := constant.Value.(*cql2.Shape).Box()
	if box.Empty() {
		return orb.Bound{}, false
	}
	b := orb.Bound{Min: orb.Point{box.West, box.South}, Max: orb.Point{box.East, box.North}}
	if c.Op != cql2.SDWithin {
		return b, true
	}
	metres, ok := c.Args[2].(*cql2.Literal)
	if !ok {
		return b, false
	}
	var reach float64
	switch v := metres.Value.(type) {
	case int64:
		reach = float64(v)
	case float64:
		reach = v
	}
	// A shortest way between two corners lies beside the straight line on the map: by
	// 0.1 km where they are a degree apart, by 25 where it is fifteen.
	const least, bulge = 110_000, 25_000 // metres in a degree of latitude, or of longitude at the equator
	up := (reach + bulge) / least
	b.Min[1], b.Max[1] = b.Min[1]-up, b.Max[1]+up
	north := max(math.Abs(b.Min[1]), math.Abs(b.Max[1]))
	if north > 89 {
		return b, false // near a pole every longitude is near
	}
	aside := up / math.Cos(north*math.Pi/180)
	b.Min[0], b.Max[0] = b.Min[0]-aside, b.Max[0]+aside
	return b, b.Min[0] >= -180 && b.Max[0] <= 180
}
