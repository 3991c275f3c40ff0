package layers

import (
	"encoding/json"
	"strings"
)

// Group finds the attribute that GroupBy names, and the level of its divisions: 0
// for a plain attribute. Without GroupBy there is none.
func (q *AggregateQuery) Group(s Schema) (a Attribute, level int, err error) {
	if q.GroupBy == "" {
		return a, 0, nil
	}
	if n, ok := strings.CutPrefix(q.GroupBy, "division:"); ok {
		a, has := s.ByRole(RoleDivision)
		if len(n) != 1 || n[0] < '1' || n[0] > '4' || !has {
			return a, 0, Unfit("groupby", q.GroupBy, "no such division level in this layer", "division:1 to division:4, on a layer with a division attribute")
		}
		return a, int(n[0] - '0'), nil
	}
	a, ok := s.Attribute(q.GroupBy)
	if !ok {
		return a, 0, Unfit("groupby", q.GroupBy, "unknown attribute", "an attribute of the layer's schema, or division:1 to division:4")
	}
	return a, 0, nil
}

// Buckets collects groups in the order in which their keys first come.
type Buckets struct {
	Level int // of divisions, as Group returned it
	list  []Bucket
	at    map[any]int
}

// Add counts n features under an attribute's value.
func (b *Buckets) Add(value any, n int64) {
	if b.Level > 0 {
		code, _ := value.(string)
		if value = nil; DivisionAt(code, b.Level) != "" {
			value = DivisionAt(code, b.Level)
		}
	}
	if raw, ok := value.(json.RawMessage); ok {
		value = string(raw) // which can be a map's key
	}
	if i, ok := b.at[value]; ok {
		b.list[i].Count += n
		return
	}
	if b.at == nil {
		b.at = map[any]int{}
	}
	b.at[value] = len(b.list)
	b.list = append(b.list, Bucket{Key: value, Count: n})
}

// List returns what was collected.
func (b *Buckets) List() []Bucket { return b.list }
