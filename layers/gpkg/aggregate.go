package gpkg

import (
	"context"
	"database/sql"
	"strings"

	"onemap/layers"
)

func (r *reader) Aggregate(ctx context.Context, q layers.AggregateQuery) ([]layers.Bucket, error) {
	var g *layers.Grouping
	groups := layers.Groups{}
	added := false
	_, err := r.s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
		t, err := c.see(r.view, q.Layer)
		if err != nil {
			return err
		}
		if g, err = q.Grouping(t.layer.Schema); err != nil {
			return err
		}
		groups.Grouping = g
		added, err = t.aggregate(ctx, tx, q.Selection, &groups)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case added:
		return groups.List(), nil
	}
	return g.Aggregate(r.Scan(ctx, q.Layer, layers.Range{Selection: q.Selection}))
}

// aggregate has SQLite add up what it can: it has no quantiles, and cells are computed
// here. It reports false if the features have to be read one by one.
//
// The groups of the statement are those of the columns' values, or of the hours that
// those are in; what is of one division or month comes together here.
func (t *table) aggregate(ctx context.Context, tx *sql.Tx, s layers.Selection, groups *layers.Groups) (bool, error) {
	w := where{t: t}
	if err := w.selection(s); err != nil {
		return false, err
	}
	if s.Where != nil {
		return false, nil // see where.filter
	}
	var columns []string
	for _, k := range groups.Keys {
		if k.Kind == layers.ByCell {
			return false, nil
		}
		c := t.binary(k.Attribute)
		if k.Kind == layers.ByTime && k.Attribute.Type == layers.DateTime {
			const canonical = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'"
			c = "CASE WHEN " + c + " GLOB " + canonical + " THEN substr(" + c + ", 1, 13) || ':00:00.000Z' ELSE " + c + " END"
		}
		columns = append(columns, c)
	}
	columns = append(columns, "count(*)")
	for _, f := range groups.Functions {
		if f.Op == layers.Quantile {
			return false, nil
		}
		columns = append(columns, t.function(f)...)
	}
	statement := "SELECT " + strings.Join(columns, ", ") + " FROM " + quote(t.layer.ID) + " t" + w.sql()
	for i := range groups.Keys {
		sep := ", "
		if i == 0 {
			sep = " GROUP BY "
		}
		statement += sep + itoa(int64(i+1))
	}
	rows, err := tx.QueryContext(ctx, statement, w.args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	keys := make([]any, len(groups.Keys))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
		for i := range keys {
			k := &groups.Keys[i]
			keys[i] = k.Of(decodeValue(&k.Attribute, values[i]))
		}
		count, _ := values[len(keys)].(int64)
		tallies, ok := talliesOf(groups.Functions, values[len(keys)+1:])
		if !ok {
			return false, nil
		}
		if err := groups.Merge(keys, count, tallies); err != nil {
			return false, err
		}
	}
	return true, rows.Err()
}

// binary is an attribute's column, compared byte by byte whatever another program
// declared.
func (t *table) binary(a layers.Attribute) string { return "(t." + quote(a.Name) + " COLLATE BINARY)" }

// fits says of a column's value whether it is of the attribute's type as we write it.
// Other programs may have written it in another way, or something else.
var fits = map[layers.DataType]string{
	layers.Integer: "typeof({c}) = 'integer'",
	layers.Number:  "typeof({c}) IN ('real', 'integer') AND abs({c}) <= 1.7976931348623157e308",
	layers.String:  "typeof({c}) = 'text'",
	layers.Boolean: "{c} IN (0, 1)",

	layers.DateType: "typeof({c}) = 'text' AND date({c}) = {c}",
	layers.DateTime: "typeof({c}) = 'text' AND strftime('%Y-%m-%dT%H:%M:%fZ', {c}) = {c}",
	layers.JSON:     "json_valid({c})",
}

// function are the columns that tell of a function: how many values fit,
// how many there are, and what of them.
func (t *table) function(f layers.Function) []string {
	if f.Attribute.Name == "" {
		return nil
	}
	c := t.binary(f.Attribute)
	columns := []string{"count(CASE WHEN " + strings.ReplaceAll(fits[f.Attribute.Type], "{c}", c) + " THEN 1 END)", "count(" + c + ")"}
	switch {
	case f.Op == layers.Count:
	case f.Op == layers.Min || f.Op == layers.Max:
		columns = append(columns, string(f.Op)+"("+c+")")
	case f.Whole(): // in two halves, of which no sum is too large
		columns = append(columns, "sum("+c+" >> 32)", "sum("+c+" & 4294967295)")
	default:
		columns = append(columns, "total("+c+")")
	}
	return columns
}

// talliesOf reads the columns of functions. It reports false if some values did not fit.
func talliesOf(functions []layers.Function, values []any) (tallies []layers.Tally, ok bool) {
	tallies = make([]layers.Tally, len(functions))
	for i, f := range functions {
		if f.Attribute.Name == "" {
			continue
		}
		y := &tallies[i]
		y.N, _ = values[1].(int64)
		if values[0] != values[1] {
			return nil, false
		}
		values = values[2:]
		switch {
		case f.Op == layers.Count:
			continue
		case f.Op == layers.Min || f.Op == layers.Max:
			y.Extreme = decodeValue(&f.Attribute, values[0])
		case f.Whole():
			y.High, _ = values[0].(int64)
			y.Low, _ = values[1].(int64)
			values = values[1:]
		default:
			y.Sum, _ = values[0].(float64)
		}
		values = values[1:]
	}
	return tallies, true
}
