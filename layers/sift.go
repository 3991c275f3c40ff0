package layers

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Candidates is a page of features among which a query's are, and where each stands in
// the query's order.
type Candidates struct {
	Page
	Marks []Mark
	Exact bool // they are all the query's: there is nothing to sift
}

// Sift makes a page of candidates: for a store whose database can't answer all of a
// filter. read returns the candidates of a query, with their geometry if they are not
// exact; count says how many features the query has.
func (q Query) Sift(read func(Query) (Candidates, error), count func() (int64, error)) (Page, error) {
	next := q
	found, err := read(next)
	if err != nil || found.Exact {
		return found.Page, err
	}
	out := Page{Matched: -1, Position: found.Position}
	var last Mark
	for out.Next == "" {
		for i, f := range found.Features {
			if !q.Where.Match(f.Row()) {
				continue
			}
			if len(out.Features) == q.Limit {
				out.Next = q.Token(last)
				break
			}
			if last = found.Marks[i]; q.SkipGeometry {
				bare := *f
				bare.Geometry, f = nil, &bare
			}
			out.Features = append(out.Features, f)
		}
		if found.Next == "" {
			break
		}
		next.After, next.Limit, next.Count = found.Next, min(MaxLimit, max(1000, 2*next.Limit)), false
		if found, err = read(next); err != nil {
			return Page{Matched: -1}, err
		}
	}
	if q.Count {
		out.Matched, err = count()
	}
	return out, err
}

// Length counts what a scan gives.
func Length(features iter.Seq2[*Feature, error]) (n int64, err error) {
	for _, err := range features {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Tally counts what a scan gives by the query's groups: for a store whose database
// can't answer all of a filter.
func (q AggregateQuery) Tally(l *Layer, features iter.Seq2[*Feature, error]) ([]Bucket, error) {
	attribute, level, err := q.Group(l.Schema)
	if err != nil {
		return nil, err
	}
	if q.GroupBy == "" {
		n, err := Length(features)
		return []Bucket{{Count: n}}, err
	}
	groups := Buckets{Level: level}
	for f, err := range features {
		if err != nil {
			return nil, err
		}
		groups.Add(f.Properties[attribute.Name], 1)
	}
	list := groups.List()
	slices.SortFunc(list, func(a, b Bucket) int { return compareValues(a.Key, b.Key) })
	return list, nil
}

// compareValues orders the values of an attribute as stores do: null first.
func compareValues(a, b any) int {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y)
		}
	case Date:
		if y, ok := b.(Date); ok {
			return cmp.Compare(x, y)
		}
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case bool:
		if y, ok := b.(bool); ok && x != y {
			if y {
				return -1
			}
			return 1
		}
	case nil:
		return -btoi(b != nil)
	}
	return btoi(b == nil)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
