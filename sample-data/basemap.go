package sample

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func (w *World) outlineFeatures() []layers.Edit {
	for _, d := range w.divisions {
		if p := d.Properties; p.Level == 1 {
			return []layers.Edit{{Op: layers.Put, ID: p.Code, Geometry: d.Geometry, Properties: map[string]any{
				"name": p.Name, "name_en": p.NameEn, "division": p.Code}}}
		}
	}
	return nil
}

func (w *World) divisionFeatures() []layers.Edit {
	edits := make([]layers.Edit, 0, len(w.divisions))
	for _, d := range w.divisions {
		p := d.Properties
		properties := map[string]any{"code": p.Code, "name_zh": p.Name, "name_en": p.NameEn, "level": p.Level}
		if p.Parent != "" {
			properties["parent"] = p.Parent
		}
		if p.Population != nil {
			properties["population_2020"] = *p.Population
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: p.Code, Geometry: d.Geometry, Properties: properties})
	}
	return edits
}

func (w *World) townshipFeatures() []layers.Edit {
	edits := make([]layers.Edit, 0, len(w.townships))
	for _, t := range w.townships {
		p := t.Properties
		edits = append(edits, layers.Edit{Op: layers.Put, ID: p.Code, Geometry: t.Geometry, Properties: map[string]any{
			"code": p.Code, "name": p.Name, "county_code": p.County}})
	}
	return edits
}

// riverFeatures returns the river lines, cut where a river changes its name.
func (w *World) riverFeatures() []layers.Edit {
	var edits []layers.Edit
	add := func(id string, line orb.Geometry, r river, name layers.Text, length float64) {
		properties := map[string]any{"rank": r.Rank, "length_km": round(length, 0.1)}
		if name.Zh != "" {
			properties["name"], properties["name_en"] = name.Zh, name.En
		}
		w.divide(properties, line)
		edits = append(edits, layers.Edit{Op: layers.Put, ID: id, Geometry: stored(line), Properties: properties})
	}
	parts := w.riverParts()
	for i, r := range w.rivers {
		id := fmt.Sprintf("river-%03d", i)
		ps := parts[i]
		if len(ps) == 0 {
			add(id, r.plane(), r.Properties, layers.Text{}, r.Properties.Length)
			continue
		}
		for n, p := range ps {
			if len(ps) > 1 {
				id = fmt.Sprintf("river-%03d-%d", i, n+1)
			}
			add(id, p.line, r.Properties, p.name, Length(p.line))
		}
	}
	return edits
}

type namedPart struct {
	name layers.Text
	line orb.LineString
}

// riverParts returns the named lines by number. A line is cut at the confluences
// on it; a part that belongs to no reach takes the name of the part beside it,
// as the other bank of a wide river does.
func (w *World) riverParts() map[int][]namedPart {
	parts := map[int][]namedPart{}
	for _, plan := range reachPlans() {
		for _, p := range plan.way {
			line := w.rivers[p.line].plane().(orb.LineString)
			part := cut(line, p.from, p.to)
			if p.line == 108 || p.line == 115 { // both banks, or beyond the region
				part = line
			}
			parts[p.line] = append(parts[p.line], namedPart{plan.name, part})
		}
	}
	xijiang := layers.Text{Zh: "西江", En: "Xijiang River"}
	xunjiang := layers.Text{Zh: "浔江", En: "Xunjiang River"}
	south := w.rivers[116].plane().(orb.LineString) // the south bank, upstream
	at := cut(south, orb.Point{}, wuzhou)
	parts[116] = []namedPart{{xijiang, at}, {xunjiang, south[len(at)-1:]}}
	for _, l := range []int{121, 122} {
		parts[l] = []namedPart{{xijiang, w.rivers[l].plane().(orb.LineString)}}
	}
	return parts
}

func (w *World) coastFeatures() []layers.Edit {
	var edits []layers.Edit
	for i, c := range w.coast {
		line := c.plane()
		// The source counts the banks of the widest rivers as coast; the river
		// layer draws those.
		if b := line.Bound(); b.Min[1] > 22.2 {
			continue
		}
		properties := map[string]any{"length_km": round(lengthOf(line), 0.1)}
		w.divide(properties, line)
		edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("coast-%03d", i), Geometry: c.Geometry, Properties: properties})
	}
	return edits
}

func lengthOf(g orb.Geometry) float64 {
	switch g := g.(type) {
	case orb.LineString:
		return Length(g)
	case orb.MultiLineString:
		sum := 0.0
		for _, l := range g {
			sum += Length(l)
		}
		return sum
	}
	return 0
}

// divide sets the division of a natural line. A line outside the region has
// none: we hold no divisions of others.
func (w *World) divide(properties map[string]any, line orb.Geometry) {
	var ps []orb.Point
	switch l := line.(type) {
	case orb.LineString:
		ps = l
	case orb.MultiLineString:
		for _, part := range l {
			ps = append(ps, part...)
		}
	}
	if d := w.Ground.commonDivision(ps); d != "" {
		properties["division"] = d
	}
}

// stored converts a line for the store.
func stored(g orb.Geometry) geom.T {
	switch g := g.(type) {
	case orb.LineString:
		return geom.NewLineStringFlat(geom.XY, flat(g))
	case orb.MultiLineString:
		ml := geom.NewMultiLineString(geom.XY)
		for _, l := range g {
			if err := ml.Push(geom.NewLineStringFlat(geom.XY, flat(l))); err != nil {
				return nil // cannot be: both are XY
			}
		}
		return ml
	case orb.Polygon:
		var coords []float64
		var ends []int
		for _, r := range g {
			coords = append(coords, flat(r)...)
			ends = append(ends, len(coords))
		}
		return geom.NewPolygonFlat(geom.XY, coords, ends)
	}
	return nil
}

func flat[S ~[]orb.Point](ps S) []float64 {
	coords := make([]float64, 0, 2*len(ps))
	for _, p := range ps {
		coords = append(coords, p[0], p[1])
	}
	return coords
}

// placeNames returns the labels: the seats of all divisions, and what is written
// by hand.
func (w *World) placeNames() []layers.Edit {
	var edits []layers.Edit
	kinds := []string{"", "region", "city", "county"}
	for _, d := range w.divisions {
		p := d.Properties
		rank := p.Level
		if p.Level == 3 {
			rank = 4
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: "place-" + p.Code, Geometry: point(p.seat()), Properties: map[string]any{
			"name": p.Name, "name_en": p.NameEn, "kind": kinds[p.Level], "rank": rank, "level": p.Level, "division": p.Code}})
	}
	for _, t := range w.townships {
		p := t.Properties
		edits = append(edits, layers.Edit{Op: layers.Put, ID: "place-" + p.Code, Geometry: point(orb.Point{p.Lon, p.Lat}), Properties: map[string]any{
			"name": p.Name, "kind": "township", "rank": 6, "level": 4, "division": p.Code}})
	}
	for i, l := range handLabels() {
		at := l.at
		if l.kind == "river" {
			at = w.onRiver(l.name, at)
		}
		properties := map[string]any{"name": l.name, "name_en": l.en, "kind": l.kind, "rank": int64(l.rank)}
		if d := w.Ground.Division(at); d != "" {
			properties["division"] = d
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("label-%02d", i+1), Geometry: point(at), Properties: properties})
	}
	return edits
}

type label struct {
	name, en, kind string
	rank           int
	at             orb.Point
}

// handLabels are placed by hand. Neighbours are named, never drawn.
func handLabels() []label {
	return []label{
		{"北部湾", "Beibu Gulf", "sea", 1, orb.Point{108.35, 20.95}},
		{"涠洲岛", "Weizhou Island", "island", 4, orb.Point{109.11, 21.04}},
		{"斜阳岛", "Xieyang Island", "island", 5, orb.Point{109.21, 20.91}},
		{"贵州", "Guizhou", "neighbour", 2, orb.Point{106.9, 26.15}},
		{"云南", "Yunnan", "neighbour", 2, orb.Point{104.25, 23.75}},
		{"湖南", "Hunan", "neighbour", 2, orb.Point{111.9, 26.2}},
		{"广东", "Guangdong", "neighbour", 2, orb.Point{111.95, 22.55}},
		{"海南", "Hainan", "neighbour", 3, orb.Point{109.6, 20.27}},
		{"越南", "Vietnam", "neighbour", 2, orb.Point{106.2, 21.75}},
		{"西江", "Xijiang River", "river", 3, orb.Point{111.37, 23.48}},
		{"浔江", "Xunjiang River", "river", 3, orb.Point{110.65, 23.48}},
		{"郁江", "Yujiang River", "river", 3, orb.Point{109.35, 22.80}},
		{"邕江", "Yongjiang River", "river", 4, orb.Point{108.5, 22.78}},
		{"左江", "Zuojiang River", "river", 3, orb.Point{107.6, 22.6}},
		{"右江", "Youjiang River", "river", 3, orb.Point{107.2, 23.56}},
		{"黔江", "Qianjiang River", "river", 3, orb.Point{109.75, 23.55}},
		{"红水河", "Hongshui River", "river", 3, orb.Point{107.75, 23.8}},
		{"柳江", "Liujiang River", "river", 3, orb.Point{109.5, 24.1}},
		{"桂江", "Guijiang River", "river", 3, orb.Point{110.75, 24.2}},
	}
}

// onRiver moves a label onto its river.
func (w *World) onRiver(name string, near orb.Point) orb.Point {
	best, at := math.Inf(1), near
	for _, r := range w.Reaches {
		if r.Name.Zh != name {
			continue
		}
		for _, v := range r.Path {
			if d := Distance(near, v); d < best {
				best, at = d, v
			}
		}
	}
	return at
}
