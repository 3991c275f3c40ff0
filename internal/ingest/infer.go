package ingest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"onemap/layers"
)

// column gathers what the values of one column are.
type column struct {
	name string
	text bool // values come as text (CSV): "12" may be a number

	nulls, bools, ints, numbers, dates, times, strings, others int64
}

// see takes one value into account.
func (c *column) see(v any) {
	switch v := v.(type) {
	case nil:
		c.nulls++
	case bool:
		c.bools++
	case int64:
		c.ints++
	case float64:
		c.numbers++
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			c.ints++
		} else {
			c.numbers++
		}
	case time.Time:
		c.times++
	case string:
		c.seeText(v)
	default:
		c.others++
	}
}

func (c *column) seeText(s string) {
	switch {
	case isDate(s):
		c.dates++
	case isTime(s):
		c.times++
	case !c.text:
		c.strings++
	case isInteger(s):
		c.ints++
	case isNumber(s):
		c.numbers++
	case isBoolean(s):
		c.bools++
	default:
		c.strings++
	}
}

// dataType is the narrowest type that holds every value and loses nothing.
func (c *column) dataType() layers.DataType {
	switch values := c.bools + c.ints + c.numbers + c.dates + c.times + c.strings + c.others; {
	case c.others > 0:
		return layers.JSON
	case values == 0, c.text && isCode(c.name):
		return layers.String
	case values == c.bools:
		return layers.Boolean
	case values == c.ints:
		return layers.Integer
	case values == c.ints+c.numbers:
		return layers.Number
	case values == c.dates:
		return layers.DateType
	case values == c.dates+c.times:
		return layers.DateTime
	}
	return layers.String
}

func isDate(s string) bool {
	if len(s) != len(time.DateOnly) {
		return false
	}
	layout := time.DateOnly
	if s[4] == '/' {
		layout = "2006/01/02"
	}
	_, err := time.Parse(layout, s)
	return err == nil
}

func isTime(s string) bool {
	if len(s) < len("2006-01-02 15:04") || s[4] != '-' && s[4] != '/' {
		return false
	}
	_, err := layers.ParseTime(s)
	return err == nil
}

// isInteger takes no leading zero, no plus and at most 18 digits: what looks like
// a number but is written otherwise is a code.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > 18 || len(digits) > 1 && digits[0] == '0' || s == "-0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" || !strings.ContainsAny(digits, ".eE") {
		return false
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] != '.' {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func isBoolean(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "是", "否":
		return true
	}
	return false
}

// isCode reports whether a column holds codes by its name: they look like
// numbers but are none, and "0771" must keep its zero.
func isCode(column string) bool {
	c := layers.PlainName(column)
	for _, s := range []string{"code", "编码", "代码", "编号", "号码", "电话", "手机", "phone", "tel", "zip", "邮编", "证号", "division", "adcode"} {
		if c == s || strings.HasSuffix(c, s) {
			return true
		}
	}
	return false
}
