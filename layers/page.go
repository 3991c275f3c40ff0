package layers

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
)

// Page is one page of features.
type Page struct {
	Features []*Feature
	Next     string   // opaque, bound to the query; empty on the last page
	Matched  int64    // features that match, on all pages; -1 unless counted
	Position Position // the page contains every change up to here
}

// Mark is where a page ended: what its last feature is sorted by, and which it is.
type Mark struct {
	Values []any  `json:"v,omitempty"` // of each SortKey: nil, string, bool, int64 or float64
	Num    int64  `json:"f,omitempty"`
	ID     string `json:"i,omitempty"` // where a table has no number of its own
}

// token is a Mark and the query that it belongs to.
type token struct {
	Query uint64 `json:"q"`
	Mark
}

// Token makes the Page.Next that leads on from the mark.
func (q *Query) Token(m Mark) string {
	b, _ := json.Marshal(token{q.sum(), m})
	return base64.RawURLEncoding.EncodeToString(b)
}

// Mark reads After, which must come from a page of the same query.
func (q *Query) Mark() (Mark, error) {
	var t token
	b, err := base64.RawURLEncoding.DecodeString(q.After)
	if err == nil {
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		err = d.Decode(&t)
	}
	keys := 0
	if q.Sort != "" {
		keys = strings.Count(q.Sort, ",") + 1
	}
	if err != nil || t.Query != q.sum() || len(t.Values) != keys {
		return Mark{}, Unfit("cursor", q.After, "not a cursor of this query", "follow the next link, or start without it")
	}
	for i, v := range t.Values {
		if n, ok := v.(json.Number); ok {
			if whole, err := n.Int64(); err == nil {
				t.Values[i] = whole
			} else {
				t.Values[i], _ = n.Float64()
			}
		}
	}
	return t.Mark, nil
}

// sum identifies a query apart from the page and its size.
func (q *Query) sum() uint64 {
	same := *q
	same.After, same.Limit, same.Count, same.SkipGeometry = "", 0, false, false
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(same)
	return h.Sum64()
}

// CheckLimit refuses a page of no size, or of too large a one.
func (q *Query) CheckLimit() error {
	if q.Limit < 1 || q.Limit > MaxLimit {
		return Unfit("limit", fmt.Sprint(q.Limit), "out of range", fmt.Sprintf("1 to %d", MaxLimit))
	}
	return nil
}

// Unfit is the error of a query that does not fit its layer.
func Unfit(parameter, value, reason, remedy string) error {
	var vs violations
	vs.add(parameter, value, reason, remedy)
	return vs.err("the query does not fit the layer")
}
