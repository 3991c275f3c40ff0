package tiles

import (
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"sync"

	"onemap/layers"
)

// during chooses features by the attribute with the time role.
type during struct {
	layers.Interval
	attribute layers.Attribute
	column    int
}

// during returns what a variant's time chooses of a layer; all of one that has no time.
func (v Variant) during(schema layers.Schema) (during, bool) {
	at := slices.IndexFunc(schema, func(a layers.Attribute) bool { return a.Role == layers.RoleTime })
	if v.time == nil || at < 0 {
		return during{}, false
	}
	return during{*v.time, schema[at], at}, true
}

// String is one text for each choice.
func (w during) String() string {
	from, to := w.Ends(w.attribute.Type)
	return from + "/" + to
}

// has reports whether an encoded value is chosen.
func (w during) has(value []byte) bool {
	text, isText := textOf(value)
	if !isText {
		return false
	}
	if w.attribute.Type != layers.DateTime {
		return w.Has(text)
	}
	at, err := layers.ParseTime(text)
	return err == nil && w.Has(at)
}

// textOf decodes an encoded string.
func textOf(value []byte) (string, bool) {
	if len(value) == 0 || value[0] != tagValueString {
		return "", false
	}
	n, size := binary.Uvarint(value[1:])
	return string(value[1+size:][:n]), true
}

// choose returns the state with the features of a variant's time alone. The others
// are as dead, so that everything is drawn and counted as if they were not there.
func (s *snapshot) choose(v Variant) *snapshot {
	w, some := v.during(s.format.schema)
	if !some {
		return s
	}
	chosen := *s
	chosen.runs = slices.Clone(s.runs)
	for i, r := range s.runs {
		outside := r.outside.get(w, r.run)
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

func (c *choices) get(w during, r *run) dead {
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
	c.last[0].what, c.last[0].rows = what, r.rowsOutside(w)
	return c.last[0].rows
}

// rowsOutside returns the rows that are not chosen.
func (r *run) rowsOutside(w during) dead {
	c := &r.columns[w.column]
	var shared []bool // by code: whether it is chosen
	if c.dict != nil {
		shared = make([]bool, c.dict.len()+1)
		for i := range c.dict.len() {
			shared[i+1] = w.has(c.dict.at(i))
		}
	}
	edit := new(dead).edit(r.len())
	for row := range r.len() {
		value, code := c.get(row)
		if code > 0 && !shared[code] || code == 0 && !w.has(value) {
			edit.kill(row)
		}
	}
	return edit.dead
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

// choosing is a reader of whose features a scan gives those of a variant's time.
type choosing struct {
	layers.Reader
	during
}

// choose returns the reader with the features of a variant's time alone.
func choose(r layers.Reader, l *layers.Layer, v Variant) layers.Reader {
	if w, some := v.during(l.Schema); some {
		return choosing{r, w}
	}
	return r
}

func (c choosing) Scan(ctx context.Context, layer string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for f, err := range c.Reader.Scan(ctx, layer, rg) {
			if err == nil && !c.Has(f.Properties[c.attribute.Name]) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}
