package cql2

import (
	"sync"

	sf "github.com/peterstace/simplefeatures/geom"
)

// index answers many questions about one area. What the library prepares is not for
// several goroutines at once, so that there is one for each that asks.
type index struct{ prepared sync.Pool }

func newIndex(area *Shape) *index {
	return &index{sync.Pool{New: func() any {
		p, err := sf.Prepare(area.planar())
		return &preparation{p, err}
	}}}
}

type preparation struct {
	sf.PreparedGeometry
	err error
}

func (i *index) intersects(s *Shape) (bool, error) { return i.ask(s, sf.PreparedGeometry.Intersects) }
func (i *index) contains(s *Shape) (bool, error)   { return i.ask(s, sf.PreparedGeometry.Contains) }

func (i *index) ask(s *Shape, question func(sf.PreparedGeometry, sf.Geometry) (bool, error)) (bool, error) {
	p := i.prepared.Get().(*preparation)
	defer i.prepared.Put(p)
	if p.err != nil {
		return false, p.err
	}
	return question(p.PreparedGeometry, s.planar())
}
