package tiles

import (
	"context"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"sync"

	"onemap/internal/cql2"
	"onemap/layers"
)

// choice is what a variant shows of a layer's features. Without one it shows all.
type choice struct {
	time  *layers.Interval // on the attribute with the time role
	where *cql2.Filter
}

// choice returns what the variant chooses of a layer; its time chooses nothing of one
// that has none.
func (v Variant) choice(layer string, schema layers.Schema) choice {
	c := choice{v.time, v.where[layer]}
	if _, has := schema.ByRole(layers.RoleTime); !has {
		c.time = nil
	}
	return c
}

func (c choice) any() bool { return c.time != nil || c.where != nil }

// String is one text for each choice, empty for all features.
func (c choice) String() string {
	text := ""
	if c.time != nil {
		from, to := c.time.Ends(layers.DateTime)
		text = from + "/" + to
	}
	if c.where != nil {
		text += " " + c.where.String()
	}
	return text
}

// fromMemory reports whether the rows in memory can be asked: they keep attributes as
// they are, but outlines only as finely as they are drawn.
func (c choice) fromMemory() bool { return c.where == nil || !asksForPlaces(c.where.Root()) }

func asksForPlaces(e cql2.Expr) bool {
	if call, ok := e.(*cql2.Call); ok {
		return slices.ContainsFunc(call.Args, asksForPlaces)
	}
	p, ok := e.(*cql2.Property)
	return ok && p.Type() == cql2.Geometry
}

// choose returns the state with the chosen features alone. The others are as dead, so
// that everything is drawn and counted as if they were not there.
func (s *snapshot) choose(c choice) *snapshot {
	if !c.any() {
		return s
	}
	chosen := *s
	chosen.runs = slices.Clone(s.runs)
	for i, r := range s.runs {
		outside := r.outside.get(c, r.run, s.format.schema)
		chosen.runs[i].dead = r.dead.or(outside)
	}
	return &chosen
}

// choices keeps which rows of a run are outside of the latest choices: a map asks for
// many tiles of the same.
type choices struct {
	mu   sync.Mutex
	last [4]struct {
		what string
		rows dead
	}
}

func (c *choices) get(w choice, r *run, schema layers.Schema) dead {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := w.String()
	for i, one := range c.last {
		if one.what == what {
			copy(c.last[1:i+1], c.last[:i])
			c.last[0] = one
			return one.rows
		}
	}
	copy(c.last[1:], c.last[:])
	c.last[0].what, c.last[0].rows = what, r.rowsOutside(w, schema)
	return c.last[0].rows
}

// rowsOutside returns the rows that are not chosen.
func (r *run) rowsOutside(c choice, schema layers.Schema) dead {
	timed := slices.IndexFunc(schema, func(a layers.Attribute) bool { return a.Role == layers.RoleTime })
	edit := new(dead).edit(r.len())
	at := rowValues{run: r, schema: schema}
	for at.row = range r.len() {
		if c.time != nil && !c.time.Has(at.column(timed)) || c.where != nil && !c.where.Match(&at) {
			edit.kill(at.row)
		}
	}
	return edit.dead
}

// rowValues is a row as a filter looks at it. It decodes each value that many rows
// share once.
type rowValues struct {
	run    *run
	schema layers.Schema
	row    int
	shared map[int][]any // by column and code
}

// Value returns an attribute of the row, or the feature's id.
func (v *rowValues) Value(name string) any {
	if name == "id" {
		raw, _ := v.run.id(v.row, nil)
		return valueOf(layers.String, raw)
	}
	if i := slices.IndexFunc(v.schema, func(a layers.Attribute) bool { return a.Name == name }); i >= 0 {
		value := v.column(i)
		if day, ok := value.(layers.Date); ok {
			return cql2.Day(day)
		}
		return value
	}
	return nil
}

// column returns the row's value of an attribute, as features have it.
func (v *rowValues) column(i int) any {
	c := &v.run.columns[i]
	raw, code := c.get(v.row)
	if code == 0 {
		return valueOf(v.schema[i].Type, raw)
	}
	if v.shared == nil {
		v.shared = map[int][]any{}
	}
	known, ok := v.shared[i]
	if !ok {
		known = make([]any, c.dict.len())
		for n := range known {
			known[n] = valueOf(v.schema[i].Type, c.dict.at(n))
		}
		v.shared[i] = known
	}
	return known[code-1]
}

// valueOf returns the value that was encoded, of an attribute's type; nil is null.
func valueOf(t layers.DataType, value []byte) any {
	if len(value) == 0 {
		return nil
	}
	switch value[0] {
	case tagValueString:
		n, size := binary.Uvarint(value[1:])
		text := string(value[1+size:][:n])
		switch t {
		case layers.DateType:
			return layers.Date(text)
		case layers.DateTime:
			if at, err := layers.ParseTime(text); err == nil {
				return at
			}
			return nil
		}
		return text
	case tagValueBool:
		return value[1] == 1
	case tagValueInt, tagValueSint:
		n, _ := binary.Uvarint(value[1:])
		whole := int64(n)
		if value[0] == tagValueSint {
			whole, _ = binary.Varint(value[1:])
		}
		if t == layers.Number {
			return float64(whole)
		}
		return whole
	case tagValueDouble:
		return math.Float64frombits(binary.LittleEndian.Uint64(value[1:]))
	}
	return nil
}

// or returns what is in either.
func (d dead) or(o dead) dead {
	switch {
	case d.count == 0:
		return o
	case o.count == 0:
		return d
	}
	out := dead{pages: slices.Clone(d.pages)}
	for n, p := range out.pages {
		switch {
		case p == nil:
			out.pages[n] = o.pages[n]
		case o.pages[n] != nil:
			out.pages[n] = p.or(o.pages[n])
		}
		if out.pages[n] != nil {
			out.count += out.pages[n].count
		}
	}
	return out
}

// choosing is a reader whose scans give the chosen features alone.
type choosing struct {
	layers.Reader
	choice
}

func choose(r layers.Reader, c choice) layers.Reader {
	if !c.any() {
		return r
	}
	return choosing{r, c}
}

func (c choosing) Scan(ctx context.Context, layer string, r layers.Range) iter.Seq2[*layers.Feature, error] {
	r.Time, r.Where = c.time, c.where
	return c.Reader.Scan(ctx, layer, r)
}
