package formats

import (
	"encoding/binary"
	"math"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Shape types of the ESRI Shapefile Technical Description (1998). Those with heights
// are 10 more, those with measures alone 20 more.
const (
	shapeNull       = 0
	shapePoint      = 1
	shapeLine       = 3
	shapePolygon    = 5
	shapeMultiPoint = 8
	withHeights     = 10
	withMeasures    = 20
)

// noMeasure stands for a measure that there is none of: any number below -1e38.
const noMeasure = -1e39

// shapeTypeOf is the shape type of a layer whose features may all be without place.
func shapeTypeOf(t layers.GeometryType) int {
	switch t {
	case layers.Point:
		return shapePoint
	case layers.MultiPoint:
		return shapeMultiPoint
	case layers.LineString, layers.MultiLineString:
		return shapeLine
	case layers.Polygon, layers.MultiPolygon:
		return shapePolygon
	}
	return shapeNull
}

// run is a part of a shape: points from one index to before another.
type run struct {
	from, to int
	reversed bool
}

// shape is a geometry as a Shapefile has it.
type shape struct {
	kind   int
	flat   []float64
	stride int
	z, m   int // where in a coordinate they are; -1: nowhere
	runs   []run
}

// shapeOf returns a geometry's shape; of nothing and of what is empty it is null.
func shapeOf(g geom.T) (shape, error) {
	if _, ok := g.(*geom.GeometryCollection); ok {
		return shape{}, layers.Errorf(layers.Invalid, "a Shapefile can't hold a GeometryCollection; ask for GeoPackage or GeoJSON")
	}
	if g == nil || len(g.FlatCoords()) == 0 {
		return shape{}, nil
	}
	s := shape{flat: g.FlatCoords(), stride: g.Stride(), z: g.Layout().ZIndex(), m: g.Layout().MIndex()}
	switch g := g.(type) {
	case *geom.Point:
		if math.IsNaN(s.flat[0]) {
			return shape{}, nil
		}
		s.kind = shapePoint
		s.lines(0, []int{len(s.flat)})
	case *geom.MultiPoint:
		s.kind = shapeMultiPoint
		s.lines(0, []int{len(s.flat)})
	case *geom.LineString:
		s.kind = shapeLine
		s.lines(0, []int{len(s.flat)})
	case *geom.MultiLineString:
		s.kind = shapeLine
		s.lines(0, g.Ends())
	case *geom.Polygon:
		s.kind = shapePolygon
		s.rings(0, g.Ends())
	case *geom.MultiPolygon:
		s.kind = shapePolygon
		start := 0
		for _, ends := range g.Endss() {
			if len(ends) > 0 {
				s.rings(start, ends)
				start = ends[len(ends)-1]
			}
		}
	}
	switch {
	case s.z >= 0:
		s.kind += withHeights
	case s.m >= 0:
		s.kind += withMeasures
	}
	return s, nil
}

func (s *shape) lines(start int, ends []int) {
	for _, end := range ends {
		if end > start {
			s.runs = append(s.runs, run{from: start / s.stride, to: end / s.stride})
		}
		start = end
	}
}

// rings turns the outer ring of a polygon clockwise and its holes the other way, by
// which readers know them.
func (s *shape) rings(start int, ends []int) {
	for i, end := range ends {
		if end > start {
			r := run{from: start / s.stride, to: end / s.stride}
			r.reversed = s.clockwise(r) != (i == 0)
			s.runs = append(s.runs, r)
		}
		start = end
	}
}

func (s *shape) clockwise(r run) bool {
	// From the first point, so that large coordinates don't swallow small areas.
	x0, y0, sum := s.flat[r.from*s.stride], s.flat[r.from*s.stride+1], 0.0
	for i := r.from; i+1 < r.to; i++ {
		a, b := s.flat[i*s.stride:], s.flat[(i+1)*s.stride:]
		sum += (a[0]-x0)*(b[1]-y0) - (b[0]-x0)*(a[1]-y0)
	}
	return sum < 0
}

// points calls f with the place in flat of each point, in the order of the file.
func (s *shape) points(f func(at int)) {
	for _, r := range s.runs {
		for i := r.from; i < r.to; i++ {
			if r.reversed {
				f((r.to - 1 - (i - r.from)) * s.stride)
			} else {
				f(i * s.stride)
			}
		}
	}
}

// extent is the least and the most of one of the ordinates.
type extent struct{ least, most float64 }

func (e *extent) add(v float64) { e.least, e.most = min(e.least, v), max(e.most, v) }

func (e *extent) join(other extent) {
	e.least, e.most = min(e.least, other.least), max(e.most, other.most)
}

var nothing = extent{math.Inf(1), math.Inf(-1)}

// orZero is the extent for a header: 0 if there is none.
func (e extent) orZero() extent {
	if e.least > e.most {
		return extent{}
	}
	return e
}

// extents are of x, y, height and measure.
type extents [4]extent

var none = extents{nothing, nothing, nothing, nothing}

func (s *shape) extents() extents {
	e := none
	s.points(func(at int) {
		e[0].add(s.flat[at])
		e[1].add(s.flat[at+1])
		if s.z >= 0 {
			e[2].add(s.flat[at+s.z])
		}
		if s.m >= 0 {
			e[3].add(s.flat[at+s.m])
		}
	})
	return e
}

// append appends the content of the shape's record. e are its extents.
func (s *shape) append(b []byte, e extents) []byte {
	b = appendInt(b, s.kind)
	switch s.kind % 10 {
	case shapeNull:
		return b
	case shapePoint:
		b = appendFloats(b, s.flat[0], s.flat[1])
		if s.z >= 0 {
			b = appendFloats(b, s.flat[s.z])
		}
		if s.kind > withHeights {
			b = appendFloats(b, s.measure(0))
		}
		return b
	}
	points := 0
	for _, r := range s.runs {
		points += r.to - r.from
	}
	b = appendFloats(b, e[0].least, e[1].least, e[0].most, e[1].most)
	if s.kind%10 != shapeMultiPoint {
		b = appendInt(b, len(s.runs))
	}
	b = appendInt(b, points)
	if s.kind%10 != shapeMultiPoint {
		first := 0
		for _, r := range s.runs {
			b = appendInt(b, first)
			first += r.to - r.from
		}
	}
	s.points(func(at int) { b = appendFloats(b, s.flat[at], s.flat[at+1]) })
	if s.z >= 0 {
		b = appendFloats(b, e[2].least, e[2].most)
		s.points(func(at int) { b = appendFloats(b, s.flat[at+s.z]) })
	}
	if s.m >= 0 {
		b = appendFloats(b, e[3].least, e[3].most)
		s.points(func(at int) { b = appendFloats(b, s.flat[at+s.m]) })
	}
	return b
}

func (s *shape) measure(at int) float64 {
	if s.m < 0 {
		return noMeasure
	}
	return s.flat[at+s.m]
}

func appendInt(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

func appendFloats(b []byte, values ...float64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// appendShapeHeader appends the head of a .shp or .shx of so many bytes in all.
func appendShapeHeader(b []byte, kind int, bytes int64, e extents) []byte {
	const fileCode, version = 9994, 1000
	b = binary.BigEndian.AppendUint32(b, fileCode)
	b = append(b, make([]byte, 20)...)
	b = binary.BigEndian.AppendUint32(b, uint32(bytes/2)) // in words of 16 bits
	b = appendInt(appendInt(b, version), kind)
	x, y, z, m := e[0].orZero(), e[1].orZero(), e[2].orZero(), e[3].orZero()
	return appendFloats(b, x.least, y.least, x.most, y.most, z.least, z.most, m.least, m.most)
}
