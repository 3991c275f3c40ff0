package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twpayne/go-geom"
	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// areaKey is how a key of groups begins that means the areas of another layer.
const areaKey = "area:"

// maxAreas is how many areas one request asks about: each is a query of its own.
const maxAreas = 2000

// areas are features of another layer that this layer's are grouped by.
type areas struct {
	entry layers.Entry
	text  string // the key, as it was asked for
	key   int    // its place among the keys of a group
	list  []area
}

type area struct {
	id string
	place
}

// areas takes the key that names a layer of areas out of the query and reads them; nil
// if there is none. With a bbox they are those that it touches.
func (p *params) areas(ctx context.Context, reader layers.Reader, q *layers.AggregateQuery) (*areas, error) {
	is := func(key string) bool { return strings.HasPrefix(key, areaKey) }
	at := slices.IndexFunc(q.GroupBy, is)
	if at < 0 {
		return nil, nil
	}
	a := &areas{key: at, text: q.GroupBy[at]}
	q.GroupBy = slices.Delete(slices.Clone(q.GroupBy), at, at+1)
	if len(q.GroupBy) == layers.MaxGroupKeys {
		p.add("groupby", a.text, "too many keys", "at most "+strconv.Itoa(layers.MaxGroupKeys))
	}
	if slices.ContainsFunc(q.GroupBy, is) {
		p.add("groupby", strings.Join(q.GroupBy, ","), "areas of two layers", "ask for one layer of areas at a time")
		q.GroupBy = slices.DeleteFunc(q.GroupBy, is)
		return nil, nil
	}
	var err error
	a.entry, err = reader.Layer(ctx, strings.TrimPrefix(a.text, areaKey))
	switch {
	case layers.CodeOf(err) == layers.NotFound:
		p.add("groupby", a.text, "there is no such layer", areaKey+" and the id of a layer of /api/collections")
		return nil, nil
	case err != nil:
		return nil, err
	case !slices.Contains([]layers.GeometryType{layers.Polygon, layers.MultiPolygon, layers.AnyGeometry}, a.entry.Geometry):
		p.add("groupby", a.text, "a layer of "+string(a.entry.Geometry)+", which has no areas", "a layer of polygons")
		return nil, nil
	}
	for f, err := range reader.Scan(ctx, a.entry.ID, layers.Range{Selection: layers.Selection{BBox: q.BBox}}) {
		if err != nil {
			return nil, err
		}
		switch f.Geometry.(type) {
		case *geom.Polygon, *geom.MultiPolygon:
		default:
			continue
		}
		if len(a.list) == maxAreas {
			return nil, layers.Errorf(layers.TooLarge, "layer %s has more than %d areas; choose some with bbox, or group by a layer of larger ones", a.entry.ID, maxAreas)
		}
		a.list = append(a.list, area{f.ID, place{f.Name(a.entry.Schema), f.Geometry}})
	}
	slices.SortFunc(a.list, func(x, y area) int { return strings.Compare(x.id, y.id) })
	return a, nil
}

// aggregate asks for the groups of each area. What meets several areas is in each.
func (a *areas) aggregate(ctx context.Context, reader layers.Reader, l *layers.Layer, q layers.AggregateQuery, s selected) ([]layers.Bucket, error) {
	answers := make([][]layers.Bucket, len(a.list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askAtOnce)
	for i, area := range a.list {
		g.Go(func() (err error) {
			own := q
			if own.Where, err = l.Filter(both(s.expr, near(area.geometry, 0))); err != nil {
				return fmt.Errorf("area %s: %w", area.id, err)
			}
			answers[i], err = reader.Aggregate(ctx, own)
			for j := range answers[i] {
				answers[i][j].Keys = slices.Insert(answers[i][j].Keys, a.key, any(area.id))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	buckets := slices.Concat(answers...)
	if len(buckets) > layers.MaxGroups {
		return nil, layers.ErrTooManyGroups
	}
	return buckets, nil
}

// places are the areas by their ids.
func (a *areas) places() map[string]place {
	places := make(map[string]place, len(a.list))
	for _, area := range a.list {
		places[area.id] = area.place
	}
	return places
}
