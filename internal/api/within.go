package api

import (
	"context"
	"strconv"
	"strings"

	"github.com/twpayne/go-geom"

	"onemap/internal/cql2"
	"onemap/layers"
)

// maxDistance is how far apart features may be that a request joins, in metres: about
// the width of the province.
const maxDistance = 1_000_000

// within reads within and distance, which choose what meets a feature of any layer that
// the reader sees, or is within so many metres of it. It returns nil if neither was sent.
func (p *params) within(ctx context.Context, reader layers.Reader) (cql2.Expr, error) {
	name, joined := p.one("within")
	far, apart := p.one("distance")
	metres, err := strconv.ParseFloat(far, 64)
	switch {
	case apart && !joined:
		p.add("distance", far, "from nothing", "add within=layer:featureId")
		return nil, nil
	case apart && (err != nil || !(metres >= 0 && metres <= maxDistance)):
		p.add("distance", far, "not a distance in metres", "a number from 0 to "+strconv.Itoa(maxDistance))
		return nil, nil
	case !joined:
		return nil, nil
	}
	layer, id, ok := strings.Cut(name, ":")
	if !ok || layer == "" || id == "" {
		p.add("within", name, "not a feature of a layer", "layer:featureId, such as divisions:450100")
		return nil, nil
	}
	f, _, err := reader.Feature(ctx, layer, id)
	switch {
	case layers.CodeOf(err) == layers.NotFound:
		p.add("within", name, "there is no such feature", "the id of a layer of /api/collections, and of one of its features")
		return nil, nil
	case err != nil:
		return nil, err
	case f.Geometry == nil || f.Geometry.Empty():
		p.add("within", name, "the feature has no place", "choose one that has a geometry")
		return nil, nil
	}
	return near(f.Geometry, metres), nil
}

// near is true of what meets a place, or is within so many metres of it.
func near(g geom.T, metres float64) cql2.Expr {
	c := &cql2.Call{Op: cql2.SIntersects, Args: []cql2.Expr{
		&cql2.Property{Name: layers.GeometryQueryable}, &cql2.Literal{Value: cql2.NewShape(g)}}}
	if metres > 0 {
		c.Op, c.Args = cql2.SDWithin, append(c.Args, &cql2.Literal{Value: metres})
	}
	return c
}

// both is true of what each expression is true of; nil stands for all.
func both(a, b cql2.Expr) cql2.Expr {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &cql2.Call{Op: cql2.And, Args: []cql2.Expr{a, b}}
}
