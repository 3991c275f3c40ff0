package layers

import (
	"encoding/json"
	"time"

	"github.com/paulmach/orb"

	"onemap/internal/cql2"
)

// Selection says which features of a layer are meant. All parts must hold; the
// zero Selection means all.
type Selection struct {
	BBox     *orb.Bound // CRS84; bounds of the geometry intersect it; null geometries never do
	Time     *Interval  // on the attribute with the time role
	Division string     // inside this administrative division, at any level; see DivisionPrefix
	Text     string     // part of the name, Chinese or English, or of the id; letters' case does not count
	Filters  []Filter
	Where    *cql2.Filter // that Layer.Filter made; nil: all
}

// Filter compares an attribute with a value: equal, or null if Value is nil.
// Value has the attribute's Go type.
type Filter struct {
	Attribute string
	Value     any
}

// has reports whether a feature's value is the filter's.
func (f Filter) has(v any) bool {
	switch v := v.(type) {
	case time.Time:
		at, ok := f.Value.(time.Time)
		return ok && v.Equal(at)
	case json.RawMessage:
		return false // is never null, and has no equal
	}
	return v == f.Value
}

// Interval is a closed interval of time; a zero end is open.
type Interval struct{ Start, End time.Time }

// Ends returns the ends as values of an attribute's type are written, "" where it is
// open: an instant in UTC with milliseconds, a date as the day in Beijing.
func (i Interval) Ends(t DataType) (from, to string) {
	write := func(at time.Time) string {
		switch {
		case at.IsZero():
			return ""
		case t == DateType:
			return at.In(Beijing).Format(time.DateOnly)
		default:
			return at.UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	return write(i.Start), write(i.End)
}

// Has reports whether a value of an attribute lies in the interval. Null and what is
// no time never do.
func (i Interval) Has(value any) bool {
	within := func(t DataType, v string) bool {
		from, to := i.Ends(t)
		return v >= from && (to == "" || v <= to)
	}
	switch v := value.(type) {
	case time.Time:
		return !v.Before(i.Start) && (i.End.IsZero() || !v.After(i.End))
	case Date:
		return within(DateType, string(v))
	case string:
		return within(DateTime, v)
	default:
		return false
	}
}

// Query asks for one page of a layer's features.
type Query struct {
	Layer string
	Selection
	Sort         string // attributes to sort by with commas between, "-name" for descending; ties and "" by Num
	Limit        int    // 1 to MaxLimit
	After        string // Page.Next of the page before, with the same Query
	Count        bool   // fill in Page.Matched
	SkipGeometry bool
}

// MaxLimit is the most features a page may hold.
const MaxLimit = 10_000

// Range restricts a Scan.
type Range struct {
	Selection
	// Around says that BBox is meant on the globe: what has longitudes beyond ±180 is
	// also where it would be a turn of the world farther east or west.
	Around bool
}

// Boxes returns the bounds of which a feature's must intersect one; none if all
// features are meant.
func (r Range) Boxes() []orb.Bound {
	if r.BBox == nil {
		return nil
	}
	all := []orb.Bound{*r.BBox}
	if r.Around {
		for _, turn := range []float64{-360, 360} {
			b := *r.BBox
			b.Min[0], b.Max[0] = b.Min[0]+turn, b.Max[0]+turn
			all = append(all, b)
		}
	}
	return all
}
