package layers

import (
	"fmt"
	"slices"
	"strings"
)

// MaxSortKeys is how many attributes a query may sort by.
const MaxSortKeys = 4

// SortKey is an attribute that a query sorts by. Nulls come first, and last if it is
// descending.
type SortKey struct {
	Attribute
	Descending bool
}

// SortKeys reads what the query sorts by.
func (q *Query) SortKeys(s Schema) ([]SortKey, error) {
	if q.Sort == "" {
		return nil, nil
	}
	names := strings.Split(q.Sort, ",")
	if len(names) > MaxSortKeys {
		return nil, Unfit("sortby", q.Sort, "too many attributes", fmt.Sprintf("at most %d", MaxSortKeys))
	}
	keys := make([]SortKey, 0, len(names))
	for _, text := range names {
		name, descending := strings.CutPrefix(text, "-")
		a, ok := s.Attribute(name)
		if !ok {
			return nil, Unfit("sortby", text, "not an attribute to sort by", "one of "+strings.Join(s.Sortable(), ", ")+"; -name for descending")
		}
		if slices.ContainsFunc(keys, func(k SortKey) bool { return k.Name == a.Name }) {
			return nil, Unfit("sortby", text, "given twice", "name it once")
		}
		keys = append(keys, SortKey{a, descending})
	}
	return keys, nil
}

// Sortable are the names of the attributes that have an order.
func (s Schema) Sortable() []string {
	var names []string
	for _, a := range s {
		if a.Type != JSON {
			names = append(names, a.Name)
		}
	}
	return names
}

// Beyond returns the condition, in SQL, of what comes after a mark of a query that sorts
// by the keys, and the values for its placeholders. columns are the keys' expressions;
// ties is that of what features of equal keys are sorted by, and at its value.
func (m Mark) Beyond(keys []SortKey, columns []string, ties string, at any, placeholder string) (string, []any) {
	var ways []string
	var args, equal []any
	same := ""
	for i, k := range keys {
		c, v := columns[i], m.Values[i]
		switch {
		case v == nil && !k.Descending:
			ways, args = append(ways, same+c+" IS NOT NULL"), append(args, equal...)
		case v == nil: // nothing comes after the nulls
		case k.Descending:
			ways, args = append(ways, same+"("+c+" < "+placeholder+" OR "+c+" IS NULL)"), append(append(args, equal...), v)
		default:
			ways, args = append(ways, same+c+" > "+placeholder), append(append(args, equal...), v)
		}
		if v == nil {
			same += c + " IS NULL AND "
		} else {
			same, equal = same+c+" = "+placeholder+" AND ", append(equal, v)
		}
	}
	ways, args = append(ways, same+ties+" > "+placeholder), append(append(args, equal...), at)
	return "(" + strings.Join(ways, " OR ") + ")", args
}
