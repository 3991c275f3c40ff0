package tiles

import (
	"math"
	"slices"
)

// shapes holds the geometries of a run's rows, one after the other, and the packed
// tree of their bounds. It is immutable.
type shapes struct {
	vertices []place
	grades   []uint8 // of each vertex: the zoom from which it matters
	parts    []part
	ends     []uint32 // of each row's parts
	boxes    []box    // of each row
	areas    []int64  // of each row, in square metres
	chunks   []box    // of each chunkSize segments of long lines
	tree     tree
}

// part is a point, a line or a ring: open, if it is a ring.
type part struct {
	end    uint32 // of its vertices
	chunks uint32 // where the boxes of a long line begin
	kind   partKind
}

// chunkSize is how many segments of a line share a box: a tile looks at those
// that come near it, and not at the whole river.
const chunkSize = 16

type partKind uint8

const (
	partPoint partKind = iota
	partLine
	partExterior
	partHole
)

// box is a rectangle of places, both ends included.
type box struct{ x0, y0, x1, y1 uint32 }

func (b box) rect() rect { return rect{int64(b.x0), int64(b.y0), int64(b.x1), int64(b.y1)} }

func (b box) meets(r rect) bool {
	return int64(b.x0) <= r.x1 && int64(b.x1) >= r.x0 && int64(b.y0) <= r.y1 && int64(b.y1) >= r.y0
}

// side returns the longer side.
func (b box) side() uint32 { return max(b.x1-b.x0, b.y1-b.y0) }

func (b box) and(o box) box {
	return box{min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)}
}

// of returns the row's parts; start is the first vertex of the first.
func (s *shapes) of(row int) (parts []part, start uint32) {
	from := uint32(0)
	if row > 0 {
		from = s.ends[row-1]
	}
	if from > 0 {
		start = s.parts[from-1].end
	}
	return s.parts[from:s.ends[row]], start
}

// verticesOf returns the row's vertices, of all its parts.
func (s *shapes) verticesOf(row int) []place {
	parts, start := s.of(row)
	return s.vertices[start:parts[len(parts)-1].end]
}

// gradesOf returns the grades of the row's vertices.
func (s *shapes) gradesOf(row int) []uint8 {
	parts, start := s.of(row)
	return s.grades[start:parts[len(parts)-1].end]
}

// sameOutline reports whether a row is the same shape as another's.
func (s *shapes) sameOutline(row int, o *shapes, other int) bool {
	a, from := s.of(row)
	b, start := o.of(other)
	return slices.EqualFunc(a, b, func(p, q part) bool { return p.kind == q.kind && p.end-from == q.end-start }) &&
		slices.Equal(s.verticesOf(row), o.verticesOf(other))
}

func (s *shapes) size() int64 {
	if s == nil {
		return 0
	}
	return 9*int64(len(s.vertices)) + 12*int64(len(s.parts)) + 12*int64(len(s.ends)) + 16*int64(len(s.boxes)+len(s.chunks)) + s.tree.size()
}

// area returns what a row covers, in square metres. Mercator enlarges by the
// latitude, which is taken for one over a ring: right for what is small.
func (s *shapes) area(row int) int64 {
	parts, start := s.of(row)
	total := 0.0
	for _, p := range parts {
		ring := s.vertices[start:p.end]
		start = p.end
		if p.kind < partExterior {
			continue
		}
		sum, o := 0.0, ring[0]
		for i := 1; i+1 < len(ring); i++ {
			ax, ay := float64(ring[i].X)-float64(o.X), float64(ring[i].Y)-float64(o.Y)
			bx, by := float64(ring[i+1].X)-float64(o.X), float64(ring[i+1].Y)-float64(o.Y)
			sum += ax*by - ay*bx
		}
		b := boxOf(ring)
		lat := grid{1 << placeLevels}.unproject(0, (float64(b.y0)+float64(b.y1))/2)[1] * math.Pi / 180
		side := earthGirth / (1 << placeLevels) * math.Cos(lat) // of a unit, in metres
		covered := math.Abs(sum) / 2 * side * side
		if p.kind == partHole {
			covered = -covered
		}
		total += covered
	}
	return int64(math.Round(total))
}

// earthGirth is the equator's length on the sphere of Web Mercator, in metres.
const earthGirth = 2 * math.Pi * 6378137

func boxOf(ps []place) box {
	b := box{ps[0].X, ps[0].Y, ps[0].X, ps[0].Y}
	for _, v := range ps[1:] {
		b = b.and(box{v.X, v.Y, v.X, v.Y})
	}
	return b
}

// cut makes the boxes of long lines' chunks.
func (s *shapes) cut() {
	start := uint32(0)
	for i := range s.parts {
		p := &s.parts[i]
		if n := p.end - start; p.kind == partLine && n > 2*chunkSize {
			p.chunks = uint32(len(s.chunks))
			for from := start; from+1 < p.end; from += chunkSize {
				s.chunks = append(s.chunks, boxOf(s.vertices[from:min(from+chunkSize+1, p.end)]))
			}
		}
		start = p.end
	}
}
