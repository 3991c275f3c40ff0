package layers

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// AggregateQuery groups a layer's features, counts them and computes functions of
// their attributes.
type AggregateQuery struct {
	Layer string
	Selection
	// GroupBy are the keys of a group: each an attribute; "division:1" to "division:4"
	// for the division of that level (region, city, county, township); "year:", "quarter:",
	// "month:", "week:", "day:" or "hour:" and an attribute with a date or a time, in
	// Beijing's; "grid:" or "hex:" and the width of a Cell. None: one group.
	GroupBy []string
	// Functions are "count", and count, sum, avg, min and max of an attribute, as
	// "sum(x)", or "quantile(x,0.5)". Null does not take part.
	Functions []string
}

// Bucket is one group of an aggregate.
type Bucket struct {
	Keys   []any // the attribute's value, the division's code, the span of time as text, or the Cell; nil for none
	Count  int64
	Values []any // of the functions: int64, float64 or of the attribute's type; nil of no values, or beyond what a double holds
}

// What an aggregate may ask for, so that an answer fits into memory.
const (
	MaxGroups        = 100_000
	MaxGroupKeys     = 4
	MaxFunctions     = 20
	maxQuantileTerms = 5_000_000 // where the values are kept here
)

// Grouping is an AggregateQuery that fits its layer.
type Grouping struct {
	Keys      []GroupKey
	Functions []Function
}

// GroupKind is what of a feature a group shares.
type GroupKind uint8

const (
	ByValue GroupKind = iota + 1
	ByDivision
	ByTime
	ByCell
)

// GroupKey is one key of a group.
type GroupKey struct {
	Text      string // as it was asked for
	Kind      GroupKind
	Attribute Attribute // but of cells
	Level     int       // of divisions
	Span      string    // of time: year to hour
	Grid      Grid      // of cells
}

// Operation is what a Function computes.
type Operation string

const (
	Count    Operation = "count"
	Sum      Operation = "sum"
	Avg      Operation = "avg"
	Min      Operation = "min"
	Max      Operation = "max"
	Quantile Operation = "quantile"
)

// Function computes a value of the features of a group.
type Function struct {
	Text      string // as it was asked for
	Op        Operation
	Attribute Attribute // zero: of count, which counts features
	P         float64   // of a quantile, 0 to 1
}

// Grouping checks the query against a schema.
func (q *AggregateQuery) Grouping(s Schema) (*Grouping, error) {
	var vs violations
	g := &Grouping{}
	for _, text := range q.GroupBy {
		g.Keys = append(g.Keys, groupKey(s, text, &vs))
	}
	for _, text := range q.Functions {
		g.Functions = append(g.Functions, function(s, text, &vs))
	}
	tooMany := func(field string, list []string, most int) {
		if len(list) > most {
			vs.add(field, strings.Join(list, ","), "too many", fmt.Sprintf("at most %d", most))
		}
		seen := map[string]bool{}
		for _, text := range list {
			if seen[text] {
				vs.add(field, text, "given twice", "name it once")
			}
			seen[text] = true
		}
	}
	tooMany("groupby", q.GroupBy, MaxGroupKeys)
	tooMany("agg", q.Functions, MaxFunctions)
	if err := vs.err("the query does not fit the layer"); err != nil {
		return nil, err
	}
	return g, nil
}

func groupKey(s Schema, text string, vs *violations) GroupKey {
	k := GroupKey{Text: text}
	kind, rest, special := strings.Cut(text, ":")
	var ok bool
	switch {
	case !special:
		k.Kind = ByValue
		if k.Attribute, ok = s.Attribute(text); !ok {
			vs.add("groupby", text, "unknown attribute", "an attribute of the layer's schema, or division:LEVEL, month:ATTRIBUTE, grid:METRES or hex:METRES")
		}
	case kind == "division":
		k.Kind, k.Level = ByDivision, strings.Index("1234", rest)+1
		if k.Attribute, ok = s.ByRole(RoleDivision); !ok || len(rest) != 1 || k.Level == 0 {
			vs.add("groupby", text, "no such division level in this layer", "division:1 to division:4, on a layer with a division attribute")
		}
	case kind == "grid" || kind == "hex":
		width, err := strconv.ParseFloat(rest, 64)
		k.Kind, k.Grid = ByCell, Grid{Hexagonal: kind == "hex", Width: width}
		if err != nil || !(width >= minCell && width <= maxCell) {
			vs.add("groupby", text, "not a cell's width", fmt.Sprintf("%s:%d to %s:%d, in metres of Web Mercator", kind, minCell, kind, maxCell))
		}
	case spanStart[kind] != nil:
		k.Kind, k.Span = ByTime, kind
		k.Attribute, ok = s.Attribute(rest)
		switch {
		case !ok || k.Attribute.Type != DateType && k.Attribute.Type != DateTime:
			vs.add("groupby", text, "not an attribute with a date or a time", orNone(named(s, DateType, DateTime)))
		case kind == "hour" && k.Attribute.Type == DateType:
			vs.add("groupby", text, "a date has no hours", "day:"+rest)
		}
	default:
		vs.add("groupby", text, "unknown kind of group", "an attribute, or division:, year:, quarter:, month:, week:, day:, hour:, grid: or hex:")
	}
	return k
}

func function(s Schema, text string, vs *violations) Function {
	const form = "count, count(x), sum(x), avg(x), min(x), max(x) or quantile(x,0.5), with an attribute for x"
	f := Function{Text: text}
	name, rest, called := strings.Cut(text, "(")
	f.Op = Operation(name)
	if f.Op == Count && !called {
		return f
	}
	inside, closed := strings.CutSuffix(rest, ")")
	attribute, p, second := strings.Cut(inside, ",")
	var types []DataType
	switch f.Op {
	case Count:
		types = dataTypes
	case Sum, Avg, Quantile:
		types = []DataType{Integer, Number}
	case Min, Max:
		types = []DataType{Integer, Number, String, DateType, DateTime}
	}
	if !called || !closed || types == nil || second != (f.Op == Quantile) {
		vs.add("agg", text, "not a function", form)
		return f
	}
	fits := named(s, types...)
	var ok bool
	f.Attribute, ok = s.Attribute(strings.TrimSpace(attribute))
	if !ok {
		vs.add("agg", text, "unknown attribute", orNone(fits))
	} else if !slices.Contains(fits, f.Attribute.Name) {
		vs.add("agg", text, "not of an attribute of type "+string(f.Attribute.Type), orNone(fits))
	}
	if second {
		var err error
		if f.P, err = strconv.ParseFloat(strings.TrimSpace(p), 64); err != nil || !(f.P >= 0 && f.P <= 1) {
			vs.add("agg", text, "not a share of the values", "quantile(x,0) to quantile(x,1); 0.5 is the median")
		}
	}
	return f
}

// Whole reports whether the values of the function's attribute are whole numbers.
func (f *Function) Whole() bool { return f.Attribute.Type == Integer }

// named lists the attributes of some types.
func named(s Schema, types ...DataType) []string {
	var names []string
	for _, a := range s {
		if slices.Contains(types, a.Type) {
			names = append(names, a.Name)
		}
	}
	return names
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "this layer has no such attribute"
	}
	return "one of " + strings.Join(names, ", ")
}

// Aggregate groups what a scan yields. It is the answer of every store; where a
// database adds up by itself, it has to be the same.
func (g *Grouping) Aggregate(features iter.Seq2[*Feature, error]) ([]Bucket, error) {
	groups := Groups{Grouping: g}
	keys := make([]any, len(g.Keys))
	for f, err := range features {
		if err != nil {
			return nil, err
		}
		if err := groups.Add(g.Of(f, keys), f); err != nil {
			return nil, err
		}
	}
	return groups.List(), nil
}
