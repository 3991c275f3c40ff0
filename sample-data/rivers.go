package sample

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// The river file has lines without names. The names below were put on them by
// hand: what flows where is geography, how precisely the line lies is not.

// piece is a part of a line of rivers.geojson: the line's number, counted from
// 0, and the places nearest to which it is cut. Zero places are the line's ends.
type piece struct {
	line     int
	from, to orb.Point
}

// reachPlan is a named reach as the table gives it, its pieces downstream.
type reachPlan struct {
	name layers.Text
	next string // the reach it flows into
	way  []piece
}

// Confluences where names change.
var (
	sanjiangkou = orb.Point{109.5272, 23.7986} // 柳江 joins 红水河: 黔江 begins
	guiping     = orb.Point{110.0856, 23.4014} // 郁江 joins 黔江: 浔江 begins
	wuzhou      = orb.Point{111.3128, 23.4822} // 桂江 joins 浔江: 西江 begins
	songcun     = orb.Point{108.0917, 22.8333} // 左江 joins 右江: 邕江 begins
	lingli      = orb.Point{108.80, 22.83}     // 邕江 becomes 郁江 below Nanning
	eastBorder  = orb.Point{111.42, 23.46}     // 西江 leaves the region
)

func reachPlans() []reachPlan {
	none := orb.Point{}
	whole := func(lines ...int) (ps []piece) {
		for _, l := range lines {
			ps = append(ps, piece{line: l})
		}
		return ps
	}
	text := func(zh, en string) layers.Text { return layers.Text{Zh: zh, En: en + " River"} }
	return []reachPlan{
		{text("柳江", "Liujiang"), "黔江", whole(43, 79, 107)},
		{text("红水河", "Hongshui"), "黔江", append(whole(36, 73, 37, 74, 99, 102, 76, 103, 77, 104), piece{105, none, sanjiangkou})},
		{text("黔江", "Qianjiang"), "浔江", append([]piece{{105, sanjiangkou, none}}, whole(109)...)},
		{text("浔江", "Xunjiang"), "西江", []piece{{108, guiping, none}, {117, none, wuzhou}}},
		{text("西江", "Xijiang"), "", []piece{{117, wuzhou, none}, {115, none, eastBorder}}},
		{text("桂江", "Guijiang"), "西江", whole(81, 112, 118, 113, 119)},
		{text("右江", "Youjiang"), "邕江", append(whole(71, 98, 101, 100, 144), piece{151, none, songcun})},
		{text("左江", "Zuojiang"), "邕江", whole(139, 145, 152)},
		{text("邕江", "Yongjiang"), "郁江", []piece{{151, songcun, lingli}}},
		{text("郁江", "Yujiang"), "浔江", append([]piece{{151, lingli, none}}, whole(156, 106, 110)...)},
	}
}

// Reach is a named river between two confluences.
type Reach struct {
	Name layers.Text
	Path orb.LineString // downstream, CRS84
	// ToOutlet is the way in km from the start of Path to where the 西江 leaves
	// the region.
	ToOutlet float64
}

// Place is a point on a reach.
type Place struct {
	Reach    *Reach
	At       orb.Point
	Km       float64 // from the start of the reach
	ToOutlet float64 // km of water from here to the region's border
}

func newReaches(rivers []row[river]) ([]*Reach, error) {
	plans := reachPlans()
	reaches := make([]*Reach, len(plans))
	for i, p := range plans {
		r := &Reach{Name: p.name}
		for _, w := range p.way {
			line, ok := rivers[w.line].plane().(orb.LineString)
			if !ok {
				return nil, fmt.Errorf("sample: river line %d of %s is no line", w.line, p.name.Zh)
			}
			r.Path = append(r.Path, cut(line, w.from, w.to)...)
		}
		reaches[i] = r
	}
	for i := range plans {
		for j := i; ; {
			reaches[i].ToOutlet += Length(reaches[j].Path)
			next := plans[j].next
			if next == "" {
				break
			}
			if j = slices.IndexFunc(plans, func(p reachPlan) bool { return p.name.Zh == next }); j < 0 {
				return nil, fmt.Errorf("sample: no reach %s", next)
			}
		}
	}
	return reaches, nil
}

// cut returns the part of the line between its vertices nearest to two places.
// Where the line passes a place twice, as the two banks of a wide river do, the
// last passage is meant.
func cut(line orb.LineString, from, to orb.Point) orb.LineString {
	nearest := func(p orb.Point) int {
		best, at := math.Inf(1), 0
		for i, v := range line {
			if d := Distance(p, v); d <= best {
				best, at = d, i
			}
		}
		return at
	}
	start, end := 0, len(line)-1
	if from != (orb.Point{}) {
		start = nearest(from)
	}
	if to != (orb.Point{}) {
		end = nearest(to)
	}
	return line[start : end+1]
}

// Length returns the length of a line in km.
func Length(line orb.LineString) float64 {
	sum := 0.0
	for i := 1; i < len(line); i++ {
		sum += Distance(line[i-1], line[i])
	}
	return sum
}

// Along returns the point of a line that lies km from its start, and the
// heading there in degrees clockwise from north.
func Along(line orb.LineString, km float64) (orb.Point, float64) {
	for i := 1; i < len(line); i++ {
		d := Distance(line[i-1], line[i])
		if d == 0 || (km > d && i < len(line)-1) {
			km -= d
			continue
		}
		u := min(max(km/d, 0), 1)
		a, b := line[i-1], line[i]
		return orb.Point{a[0] + u*(b[0]-a[0]), a[1] + u*(b[1]-a[1])}, Heading(a, b)
	}
	return line[len(line)-1], 0
}

// Heading returns the direction from a to b in degrees clockwise from north.
func Heading(a, b orb.Point) float64 {
	h := math.Atan2((b[0]-a[0])*squeeze, b[1]-a[1]) * 180 / math.Pi
	if h < 0 {
		h += 360
	}
	return h
}
