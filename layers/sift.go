package layers

import "iter"

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
