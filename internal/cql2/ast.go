package cql2

import "time"

// Type is what an expression yields.
type Type uint8

const (
	Boolean Type = iota + 1
	String
	Integer // 64 bits
	Number  // IEEE 754 double
	Date
	Timestamp
	Interval
	Geometry
)

// Expr is a node of a filter: *Literal, *Property or *Call.
type Expr interface {
	// Type is what the expression yields, once it has been checked.
	Type() Type
	// At is where it stands: the column of the text, from 1, in characters, or 0 if it
	// came as JSON.
	At() int
	where() place
}

// Literal is a value that the filter spells out: a string, int64, float64, bool, Day,
// time.Time (UTC, milliseconds), Period, or *Shape.
type Literal struct {
	Value any
	of    Type
	place
}

// Property is a queryable of the feature that is looked at.
type Property struct {
	Name string
	of   Type
	place
}

// Call applies an operator or a function to its arguments, as the JSON encoding
// spells it: {"op": …, "args": […]}. The list of IN is flat here: the value first,
// then the candidates.
type Call struct {
	Op   Op
	Args []Expr
	of   Type
	place
}

// place is where a node stands: in the text, or in the JSON document.
type place struct {
	column int
	path   string
}

func (l *Literal) Type() Type  { return l.of }
func (p *Property) Type() Type { return p.of }
func (c *Call) Type() Type     { return c.of }
func (p place) At() int        { return p.column }
func (p place) where() place   { return p }

// Op is the name of an operator or a function in the JSON encoding (OGC 21-065r2).
type Op string

// The operators. A negated LIKE, BETWEEN, IN or IS NULL is Not of it.
const (
	And Op = "and"
	Or  Op = "or"
	Not Op = "not"

	Equal          Op = "="
	NotEqual       Op = "<>"
	Less           Op = "<"
	Greater        Op = ">"
	LessOrEqual    Op = "<="
	GreaterOrEqual Op = ">="

	Like    Op = "like"
	Between Op = "between"
	In      Op = "in"
	IsNull  Op = "isNull"

	Plus   Op = "+"
	Minus  Op = "-"
	Times  Op = "*"
	Over   Op = "/"
	Modulo Op = "%"
	Div    Op = "div"
	Power  Op = "^"

	CaseI   Op = "casei"
	AccentI Op = "accenti"

	SIntersects Op = "s_intersects"
	SEquals     Op = "s_equals"
	SDisjoint   Op = "s_disjoint"
	STouches    Op = "s_touches"
	SWithin     Op = "s_within"
	SOverlaps   Op = "s_overlaps"
	SCrosses    Op = "s_crosses"
	SContains   Op = "s_contains"
	// SDWithin is ours: whether two places are within so many metres of each other on
	// the ellipsoid.
	SDWithin Op = "s_dwithin"

	TAfter        Op = "t_after"
	TBefore       Op = "t_before"
	TContains     Op = "t_contains"
	TDisjoint     Op = "t_disjoint"
	TDuring       Op = "t_during"
	TEquals       Op = "t_equals"
	TFinishedBy   Op = "t_finishedBy"
	TFinishes     Op = "t_finishes"
	TIntersects   Op = "t_intersects"
	TMeets        Op = "t_meets"
	TMetBy        Op = "t_metBy"
	TOverlappedBy Op = "t_overlappedBy"
	TOverlaps     Op = "t_overlaps"
	TStartedBy    Op = "t_startedBy"
	TStarts       Op = "t_starts"

	// MakeInterval is INTERVAL(from, to) where one end at least is no literal; of two
	// literals it is a Literal with a Period. An open end is the string "..".
	MakeInterval Op = "interval"
)

// Day is a calendar date, YYYY-MM-DD: where it meets an instant, the day in Beijing.
type Day string

// Period is a closed interval of time; a zero end is open.
type Period struct{ Start, End time.Time }

// Row gives the values of the feature that a filter is asked about: a string, int64,
// float64, bool, Day, time.Time, *Shape, or nil for null, each of its queryable's type.
type Row interface {
	Value(queryable string) any
}

// Queryables are what a filter may ask for, by name.
type Queryables map[string]Type

// Map returns the expression with f applied to every node, arguments first. f changes no
// node; a copy of one keeps its place.
func Map(e Expr, f func(Expr) Expr) Expr {
	if c, ok := e.(*Call); ok {
		mapped := *c
		mapped.Args = make([]Expr, len(c.Args))
		for i, a := range c.Args {
			mapped.Args[i] = Map(a, f)
		}
		e = &mapped
	}
	return f(e)
}
