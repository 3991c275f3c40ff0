package layers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Of returns a feature's keys, in the space of into.
func (g *Grouping) Of(f *Feature, into []any) []any {
	into = into[:0]
	for i := range g.Keys {
		k := &g.Keys[i]
		if k.Kind == ByCell {
			into = append(into, k.Grid.cellOf(f.Geometry))
		} else {
			into = append(into, k.Of(f.Properties[k.Attribute.Name]))
		}
	}
	return into
}

// Of returns the key that an attribute's value belongs to.
func (k *GroupKey) Of(value any) any {
	switch k.Kind {
	case ByDivision:
		code, _ := value.(string)
		if code = DivisionAt(code, k.Level); code != "" {
			return code
		}
		return nil
	case ByTime:
		return k.spanOf(value)
	}
	switch v := value.(type) {
	case json.RawMessage:
		return string(v) // which can be a map's key
	case float64:
		return v + 0 // the zero without a sign
	}
	return value
}

// spanStart finds when the span of time began that an instant is in, on the clock of
// its own location.
var spanStart = map[string]func(time.Time) time.Time{
	"year":    func(t time.Time) time.Time { return day(t, t.Year(), 1, 1) },
	"quarter": func(t time.Time) time.Time { return day(t, t.Year(), (t.Month()-1)/3*3+1, 1) },
	"month":   func(t time.Time) time.Time { return day(t, t.Year(), t.Month(), 1) },
	"week":    func(t time.Time) time.Time { return day(t, t.Year(), t.Month(), t.Day()-int(t.Weekday()+6)%7) }, // from Monday
	"day":     func(t time.Time) time.Time { return day(t, t.Year(), t.Month(), t.Day()) },
	"hour": func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, t.Location())
	},
}

func day(t time.Time, y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// spanOf names the span of time that a date or an instant is in, as ISO 8601 does: in
// the order of the names is the order of time. What no four digits are a year for is in none.
func (k *GroupKey) spanOf(value any) any {
	var at time.Time
	switch v := value.(type) {
	case Date:
		var err error
		if at, err = time.ParseInLocation(time.DateOnly, string(v), Beijing); err != nil {
			return nil
		}
	case time.Time:
		at = v.In(Beijing)
	default:
		return nil
	}
	if at.Year() < 1 || at.Year() > 9999 {
		return nil
	}
	at = spanStart[k.Span](at)
	switch k.Span {
	case "year":
		return at.Format("2006")
	case "quarter":
		return fmt.Sprintf("%04d-Q%d", at.Year(), (at.Month()+2)/3)
	case "month":
		return at.Format("2006-01")
	case "week":
		year, week := at.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case "day":
		return at.Format(time.DateOnly)
	default:
		return at.Format("2006-01-02T15:04:05-07:00")
	}
}

// Groups collects the groups of an aggregate. Its size is bounded.
type Groups struct {
	*Grouping
	list  []*collected
	at    map[any]int
	terms int // values that are kept for quantiles
}

type collected struct {
	keys    []any
	count   int64
	tallies []Tally
}

// Add puts a feature into a group.
func (g *Groups) Add(keys []any, f *Feature) error {
	c, err := g.group(keys)
	if err != nil {
		return err
	}
	c.count++
	for i := range g.Functions {
		fn := &g.Functions[i]
		v := f.Properties[fn.Attribute.Name]
		if v == nil {
			continue
		}
		if c.tallies[i].add(fn, v); fn.Op == Quantile {
			if g.terms++; g.terms > maxQuantileTerms {
				return Errorf(TooLarge, "a quantile of more than %d values; choose fewer features, or leave it out", maxQuantileTerms)
			}
		}
	}
	return nil
}

// Merge puts into a group what a database has added up already: a count of features,
// and a tally for each function.
func (g *Groups) Merge(keys []any, count int64, tallies []Tally) error {
	c, err := g.group(keys)
	if err != nil {
		return err
	}
	c.count += count
	for i := range tallies {
		c.tallies[i].merge(&g.Functions[i], &tallies[i])
	}
	return nil
}

// group finds or makes a group.
func (g *Groups) group(keys []any) (*collected, error) {
	if g.at == nil {
		g.at = map[any]int{}
	}
	var name any
	switch len(keys) {
	case 0:
	case 1:
		name = keys[0]
	default:
		var all [MaxGroupKeys]any
		copy(all[:], keys)
		name = all
	}
	if i, ok := g.at[name]; ok {
		return g.list[i], nil
	}
	if len(g.list) == MaxGroups {
		return nil, ErrTooManyGroups
	}
	c := &collected{keys: slices.Clone(keys), tallies: make([]Tally, len(g.Functions))}
	g.at[name] = len(g.list)
	g.list = append(g.list, c)
	return c, nil
}

// ErrTooManyGroups is the error of an aggregate of more than MaxGroups.
var ErrTooManyGroups = Errorf(TooLarge, "there are more than %d groups; group by something coarser, or choose fewer features", MaxGroups)

// List returns the groups in the order of their keys, those without one first.
func (g *Groups) List() []Bucket {
	if len(g.Keys) == 0 && len(g.list) == 0 {
		_, _ = g.group(nil) // all features are a group, even if there are none
	}
	out := make([]Bucket, len(g.list))
	for i, c := range g.list {
		b := Bucket{Keys: c.keys, Count: c.count, Values: make([]any, len(g.Functions))}
		for j := range g.Functions {
			if f := &g.Functions[j]; f.Op == Count && f.Attribute.Name == "" {
				b.Values[j] = c.count
			} else {
				b.Values[j] = c.tallies[j].value(f)
			}
		}
		out[i] = b
	}
	slices.SortStableFunc(out, func(a, b Bucket) int { return slices.CompareFunc(a.Keys, b.Keys, Compare) })
	return out
}

// Compare orders two values of one type, nil first and text by code point.
func Compare(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(b2i(a != nil), b2i(b != nil))
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case Date:
		if b, ok := b.(Date); ok {
			return strings.Compare(string(a), string(b))
		}
	case json.RawMessage:
		if b, ok := b.(json.RawMessage); ok {
			return bytes.Compare(a, b)
		}
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(b2i(a), b2i(b))
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	case Cell:
		if b, ok := b.(Cell); ok {
			return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b)
		case float64: // a sum that is no int64 any more is larger than all that are
			return cmp.Compare(float64(a), b)
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, float64(b))
		case float64:
			return cmp.Compare(a, b)
		}
	}
	return 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
