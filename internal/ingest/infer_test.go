package ingest

import (
	"encoding/json"
	"testing"

	"onemap/layers"
)

func TestTheTypeOfAColumnIsTheNarrowestThatLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		text   bool
		values []any
		want   layers.DataType
	}{
		{"n", true, []any{"1", "-20", nil}, layers.Integer},
		{"n", true, []any{"1", "2.5"}, layers.Number},
		{"n", true, []any{"1", "x"}, layers.String},
		{"n", true, []any{"0771", "1"}, layers.String},
		{"n", true, []any{"+1"}, layers.String},
		{"n", true, []any{"1234567890123456789"}, layers.String},
		{"n", true, []any{"NaN"}, layers.String},
		{"n", true, []any{"."}, layers.String},
		{"行政区划代码", true, []any{"450100"}, layers.String},
		{"phone", true, []any{"5550100"}, layers.String},
		{"n", true, []any{"true", "FALSE"}, layers.Boolean},
		{"n", true, []any{"是", "否"}, layers.Boolean},
		{"n", true, []any{"2026-07-01", "2026/07/02"}, layers.DateType},
		{"n", true, []any{"2026-07-01", "2026-07-02 08:00:00"}, layers.DateTime},
		{"n", true, []any{"2026-13-01"}, layers.String},
		{"n", true, []any{nil, nil}, layers.String},
		{"n", false, []any{"1", "2"}, layers.String},
		{"n", false, []any{json.Number("1"), json.Number("2")}, layers.Integer},
		{"n", false, []any{json.Number("1"), json.Number("2.0")}, layers.Number},
		{"n", false, []any{json.Number("18446744073709551616")}, layers.Number},
		{"n", false, []any{true, json.Number("1")}, layers.String},
		{"n", false, []any{map[string]any{}, "x"}, layers.JSON},
		{"n", false, []any{"2026-07-01T08:00:00+08:00"}, layers.DateTime},
	} {
		col := &column{name: c.name, text: c.text}
		for _, v := range c.values {
			col.see(v)
		}
		got := col.dataType()
		if got != c.want {
			t.Errorf("%s %v (text %v): %s, want %s", c.name, c.values, c.text, got, c.want)
		}
		a := layers.Attribute{Name: "n", Type: got}
		for _, v := range c.values {
			if _, err := a.Coerce(v); err != nil {
				t.Errorf("%v was found to be %s, but the core refuses it: %v", v, got, err)
			}
		}
	}
}
