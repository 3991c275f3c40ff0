package postgis

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// outOfRange is what PostgreSQL says of a sum that no double holds.
const outOfRange = "22003"

func (r *reader) Aggregate(ctx context.Context, q layers.AggregateQuery) ([]layers.Bucket, error) {
	var g *layers.Grouping
	var groups layers.Groups
	var over error
	exact := true
	_, err := r.s.read(ctx, "count features of layer "+q.Layer, q.Layer, func(c *catalogue, b *pgx.Batch) error {
		t, err := c.see(r.view, q.Layer)
		if err != nil {
			return err
		}
		if g, err = q.Grouping(t.layer.Schema); err != nil {
			return err
		}
		groups, over = layers.Groups{Grouping: g}, nil
		w := where{t: t}
		exact, err = w.selection(q.Selection, whole)
		if exact = exact && !inCells(g); err != nil || !exact {
			return err // what is wrong with it is told before anything is read
		}
		return t.aggregate(b, w, &groups, &over)
	})
	switch {
	case err == nil && over == nil && exact:
		return groups.List(), nil
	case err == nil && over == nil, isCode(err, outOfRange), q.Where != nil && failedOnARow(err):
		return g.Aggregate(r.Scan(ctx, q.Layer, layers.Range{Selection: q.Selection}))
	case err == nil:
		return nil, over
	}
	return nil, err
}

// inCells reports whether features are grouped by where they are, which is computed
// here: at the edge of a cell another library's sine may be on the other side.
func inCells(g *layers.Grouping) bool {
	for i := range g.Keys {
		if g.Keys[i].Kind == layers.ByCell {
			return true
		}
	}
	return false
}

// aggregate queues the statement that fills groups. What is wrong with its answer, and
// not with the database, goes to over.
func (t *table) aggregate(b *pgx.Batch, w where, groups *layers.Groups, over *error) error {
	var columns, by []string
	for i := range groups.Keys {
		columns = append(columns, t.groupKey(&groups.Keys[i]))
		by = append(by, strconv.Itoa(i+1))
	}
	columns = append(columns, "count(*)")
	for i := range groups.Functions {
		columns = append(columns, t.function(&w, &groups.Functions[i])...)
	}
	sql := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.from() + w.sql()
	if by != nil {
		sql += " GROUP BY " + strings.Join(by, ", ")
	}
	sql += fmt.Sprintf(" LIMIT %d", layers.MaxGroups+1)
	b.Queue(sql+t.comment(), w.args...).Query(func(rows pgx.Rows) error {
		for rows.Next() && *over == nil {
			var err error
			if *over, err = readGroup(rows, groups); err != nil {
				return err
			}
		}
		rows.Close()
		return rows.Err()
	})
	return nil
}

// readGroup reads what aggregate selects of a group.
func readGroup(rows pgx.Rows, groups *layers.Groups) (over, err error) {
	var count int64
	values := map[string]any{}
	var into []any
	for i, k := range groups.Keys {
		k.Attribute.Name = strconv.Itoa(i) // two keys may be of one attribute
		into = append(into, property{values, k.Attribute})
	}
	into = append(into, &count)
	tallies := make([]layers.Tally, len(groups.Functions))
	wholes := make([]*string, len(tallies))
	doubles := make([]*float64, len(tallies))
	for i, f := range groups.Functions {
		if f.Attribute.Name == "" {
			continue
		}
		into = append(into, &tallies[i].N)
		f.Attribute.Name = "f" + strconv.Itoa(i)
		switch {
		case f.Op == layers.Count:
		case f.Op == layers.Min || f.Op == layers.Max:
			into = append(into, property{values, f.Attribute})
		case f.Op != layers.Quantile && f.Whole():
			into = append(into, &wholes[i])
		default:
			into = append(into, &doubles[i])
		}
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	keys := make([]any, len(groups.Keys))
	for i := range keys {
		keys[i] = values[strconv.Itoa(i)]
		if k := &groups.Keys[i]; k.Kind != layers.ByDivision { // which is a key already
			keys[i] = k.Of(keys[i])
		}
	}
	for i := range tallies {
		tallies[i].Extreme = values["f"+strconv.Itoa(i)]
		if d := doubles[i]; d != nil {
			tallies[i].Sum, tallies[i].Quantile = *d, *d
		}
		if s := wholes[i]; s != nil {
			sum, ok := new(big.Int).SetString(*s, 10)
			if !ok {
				return nil, fmt.Errorf("a sum of integers is %q", *s)
			}
			tallies[i].SetWhole(sum)
		}
	}
	return groups.Merge(keys, count, tallies), nil
}

// known is an attribute's value as features have it: what they have none for, such as
// infinity, is null.
func (t *table) known(a layers.Attribute) string {
	v := t.value(a)
	switch a.Type {
	case layers.Number:
		return "CASE WHEN abs(" + v + ") < 'infinity' THEN " + v + " END" // nor NaN, which is the greatest
	case layers.DateType:
		return "CASE WHEN isfinite(" + v + ") THEN " + v + " END"
	case layers.DateTime:
		return "CASE WHEN isfinite(" + v + ") THEN date_trunc('milliseconds', " + v + ") END"
	case layers.JSON:
		return "nullif(" + v + ", 'null')"
	}
	return v
}

// divisionCodes are the codes that are in a division of each level; see layers.DivisionAt.
var divisionCodes = [5]string{
	1: "{v} ~ '^[0-9]{6}([0-9]{3})?$'", 2: "{v} ~ '^[0-9]{6}([0-9]{3})?$' AND {v} !~ '^..0000$'",
	3: "{v} ~ '^[0-9]{6}([0-9]{3})?$' AND {v} !~ '^....00$'", 4: "{v} ~ '^[0-9]{9}$'",
}

// groupKey is the column of a key. Of a division it is its code, of a span of time when
// that begins.
func (t *table) groupKey(k *layers.GroupKey) string {
	v := t.known(k.Attribute)
	switch {
	case k.Kind == layers.ByDivision && k.Attribute.Type != layers.String:
		return "NULL::text"
	case k.Kind == layers.ByDivision:
		code := fmt.Sprintf("rpad(left({v}, %d), 6, '0')", 2*k.Level)
		if k.Level == 4 {
			code = "{v}"
		}
		return strings.ReplaceAll("CASE WHEN "+divisionCodes[k.Level]+" THEN "+code+" END", "{v}", "("+v+")")
	case k.Kind == layers.ByTime && k.Attribute.Type == layers.DateType:
		return fmt.Sprintf("CASE WHEN (%s) BETWEEN '0001-01-01' AND '9999-12-31' THEN date_trunc('%s', (%s)::timestamp)::date END", v, k.Span, v)
	case k.Kind == layers.ByTime:
		local := "((" + v + ") AT TIME ZONE INTERVAL '8 hours')" // Beijing's
		return fmt.Sprintf("CASE WHEN %s >= '0001-01-01' AND %s < '10000-01-01' THEN date_trunc('%s', %s) AT TIME ZONE INTERVAL '8 hours' END", local, local, k.Span, local)
	}
	return v
}

// function are the columns that tell of a function: how many values, and what of them.
func (t *table) function(w *where, f *layers.Function) []string {
	if f.Attribute.Name == "" {
		return nil
	}
	v := t.known(f.Attribute)
	count := "count(" + v + ")"
	switch {
	case f.Op == layers.Count:
		return []string{count}
	case f.Op == layers.Quantile:
		return []string{count, fmt.Sprintf("percentile_cont($%d::float8) WITHIN GROUP (ORDER BY (%s)::float8)", w.param(f.P), v)}
	case f.Op == layers.Min || f.Op == layers.Max:
		if f.Attribute.Type == layers.String {
			v = "(" + v + `) COLLATE "C"`
		}
		return []string{count, string(f.Op) + "(" + v + ")"}
	case f.Whole():
		return []string{count, "sum(" + v + ")::text"}
	}
	return []string{count, "sum(" + v + ")"}
}
