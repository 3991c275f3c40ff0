package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"onemap/layers"
)

// The layers of the base map that the dimension of divisions is made of, by
// layers.Display.Base.
const (
	baseDivision = "division" // region, cities and counties, with their parents
	baseTownship = "township"
	baseLabel    = "label"
)

// profile is what all departments have inside one division (区域画像).
type profile struct {
	Division    divisionDetail   `json:"division"`
	Children    []divisionRef    `json:"children"`
	Departments []departmentPart `json:"departments"`
}

type divisionRef struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	NameEn string `json:"nameEn,omitempty"`
	Level  int    `json:"level"`
}

type divisionDetail struct {
	divisionRef
	Parent         string      `json:"parent,omitempty"`
	Population2020 *int64      `json:"population2020,omitempty"`
	BBox           *[4]float64 `json:"bbox,omitempty"`
	Center         *[2]float64 `json:"center,omitempty"`
}

type departmentPart struct {
	Department layers.Department `json:"department"`
	Layers     []layerPart       `json:"layers"`
}

type layerPart struct {
	ID        string           `json:"id"`
	Title     layers.Text      `json:"title"`
	Count     int64            `json:"count"`
	Freshness layers.Freshness `json:"freshness"`
	Updated   *string          `json:"updated"`
}

func (a *api) division(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	code := pathParam(r, "code")
	if layers.DivisionLevel(code) == 0 {
		return layers.Errorf(layers.NotFound, "%q is not a division code: six digits (GB/T 2260) or nine (GB/T 10114)", shorten(code))
	}
	ctx, reader := r.Context(), a.reader(r)
	entries, _, err := reader.Layers(ctx)
	if err != nil {
		return err
	}
	var p profile
	if p.Division, err = divisionAt(ctx, reader, entries, code); err != nil {
		return err
	}
	if p.Children, err = childrenOf(ctx, reader, entries, code); err != nil {
		return err
	}
	if p.Departments, err = a.departmentsIn(ctx, reader, entries, code); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, p)
}

// layerOf returns the visible layer of a part of the base map, and the
// attribute with its division codes.
func layerOf(entries []layers.Entry, base string) (layers.Entry, layers.Attribute, bool) {
	for _, e := range entries {
		if e.Display.Base == base {
			key, ok := e.Schema.ByRole(layers.RoleDivision)
			return e, key, ok
		}
	}
	return layers.Entry{}, layers.Attribute{}, false
}

// divisionAt reads a division from the base map.
func divisionAt(ctx context.Context, reader layers.Reader, entries []layers.Entry, code string) (divisionDetail, error) {
	base := baseDivision
	if layers.DivisionLevel(code) == 4 {
		base = baseTownship
	}
	d := divisionDetail{divisionRef: divisionRef{Code: code, Level: layers.DivisionLevel(code)}, Parent: parentOf(code)}
	e, key, ok := layerOf(entries, base)
	if !ok { // this reader has no such base map: the code has to do
		d.Name = code
		return d, nil
	}
	page, err := reader.Query(ctx, layers.Query{Layer: e.ID, Limit: 1,
		Selection: layers.Selection{Filters: []layers.Filter{{Attribute: key.Name, Value: code}}}})
	if err != nil {
		return d, err
	}
	if len(page.Features) == 0 {
		return d, layers.Errorf(layers.NotFound, "there is no division with the code %s", code)
	}
	f := page.Features[0]
	d.Name, d.NameEn = f.Name(e.Schema), textOf(f, e.Schema, layers.RoleNameEn)
	if n, ok := f.Properties["population_2020"].(int64); ok {
		d.Population2020 = &n
	}
	if parent, ok := f.Properties["parent"].(string); ok && parent != "" {
		d.Parent = parent
	}
	if b, ok := layers.BoundOf(f.Geometry); ok {
		center := [2]float64(b.Center())
		d.BBox, d.Center = &[4]float64{b.Min[0], b.Min[1], b.Max[0], b.Max[1]}, &center
	}
	return d, nil
}

// parentOf returns the code of the next larger division, by the digits.
func parentOf(code string) string {
	return layers.DivisionAt(code, layers.DivisionLevel(code)-1)
}

// childrenOf lists the divisions directly below: of a county its townships. A
// division may skip a level (counties directly under a region do).
func childrenOf(ctx context.Context, reader layers.Reader, entries []layers.Entry, code string) ([]divisionRef, error) {
	children := []divisionRef{}
	level := layers.DivisionLevel(code)
	if level == 4 {
		return children, nil
	}
	base := baseDivision
	if level == 3 {
		base = baseTownship
	}
	e, key, ok := layerOf(entries, base)
	if !ok {
		return children, nil
	}
	q := layers.Query{Layer: e.ID, Limit: layers.MaxLimit, Sort: key.Name, SkipGeometry: true, Selection: layers.Selection{Division: code}}
	page, err := reader.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, f := range page.Features {
		child, _ := f.Properties[key.Name].(string)
		parent, _ := f.Properties["parent"].(string)
		if parent == "" {
			parent = parentOf(child)
		}
		if child != code && parent == code {
			children = append(children, divisionRef{child, f.Name(e.Schema), textOf(f, e.Schema, layers.RoleNameEn), layers.DivisionLevel(child)})
		}
	}
	return children, nil
}

// levelOrder puts the region's departments before those of its cities.
var levelOrder = []layers.GovernmentLevel{layers.LevelRegion, layers.LevelCity, layers.LevelCounty, layers.LevelTownship}

// departmentsIn counts what each department has inside the division. The base
// map is what the division is drawn on, not what is in it.
func (a *api) departmentsIn(ctx context.Context, reader layers.Reader, entries []layers.Entry, code string) ([]departmentPart, error) {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e layers.Entry) bool {
		_, has := e.Schema.ByRole(layers.RoleDivision)
		return !has || e.Display.Base != ""
	})
	now := a.Now()
	parts, err := askEach(ctx, entries, func(ctx context.Context, e layers.Entry) (*layerPart, error) {
		buckets, err := reader.Aggregate(ctx, layers.AggregateQuery{Layer: e.ID, Selection: layers.Selection{Division: code}})
		if err != nil {
			return nil, err
		}
		part := &layerPart{ID: e.ID, Title: e.Title, Freshness: e.Freshness(now), Updated: updated(e)}
		for _, b := range buckets {
			part.Count += b.Count
		}
		return part, nil
	})
	if err != nil {
		return nil, err
	}
	departments := []departmentPart{}
	at := map[string]int{}
	for i, part := range parts {
		if part == nil {
			continue
		}
		d := entries[i].Department
		n, seen := at[d.ID]
		if !seen {
			n = len(departments)
			at[d.ID] = n
			departments = append(departments, departmentPart{Department: d})
		}
		departments[n].Layers = append(departments[n].Layers, *part)
	}
	slices.SortStableFunc(departments, func(x, y departmentPart) int {
		return cmp.Or(
			cmp.Compare(slices.Index(levelOrder, x.Department.Level), slices.Index(levelOrder, y.Department.Level)),
			cmp.Compare(x.Department.ID, y.Department.ID))
	})
	return departments, nil
}
