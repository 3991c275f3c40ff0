package layers

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Schema is the ordered list of a layer's attributes (信息项). The feature id and
// the geometry are not attributes.
type Schema []Attribute

// Attribute is one column of a layer.
type Attribute struct {
	Name      string   `json:"name"`
	Title     Text     `json:"title,omitzero"`
	Type      DataType `json:"type"`
	Unit      string   `json:"unit,omitempty"`      // shown after the number, e.g. "m", "μg/m³", "人"
	Role      Role     `json:"role,omitempty"`      // what the product may use it for
	Required  bool     `json:"required,omitempty"`  // null is refused
	MaxLength int      `json:"maxLength,omitempty"` // characters, strings only
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	Enum      []Term   `json:"enum,omitempty"`
	Note      Text     `json:"note,omitzero"`       // what the number means: definition, period
	Aggregate bool     `json:"aggregate,omitempty"` // where features merge on the map, their sum, least and most are told; numbers only
}

// Term is an allowed value with its bilingual title.
type Term struct {
	Value string `json:"value"`
	Title Text   `json:"title"`
}

// DataType is the type of an attribute. In Go the values are string, int64,
// float64, bool, Date, time.Time (UTC, milliseconds) and json.RawMessage.
type DataType string

const (
	String   DataType = "string"
	Integer  DataType = "integer" // 64 bits
	Number   DataType = "number"  // IEEE 754 double
	Boolean  DataType = "boolean"
	DateType DataType = "date"     // YYYY-MM-DD
	DateTime DataType = "datetime" // RFC 3339, kept in UTC with milliseconds
	JSON     DataType = "json"
)

var dataTypes = []DataType{String, Integer, Number, Boolean, DateType, DateTime, JSON}

// Date is a calendar date in the form YYYY-MM-DD.
type Date string

// Role marks the attributes that join layers or that the product shows in a
// fixed place. At most one attribute of a layer has each role.
type Role string

const (
	RoleName       Role = "name"        // the label, in Chinese
	RoleNameEn     Role = "name_en"     // the label, in English
	RoleDivision   Role = "division"    // division code, GB/T 2260 or GB/T 10114: joins places
	RoleCreditCode Role = "credit_code" // 统一社会信用代码: joins enterprises
	RoleAddress    Role = "address"     // standard address
	RoleTime       Role = "time"        // when the row was observed; the datetime parameter filters by it
	RoleStatus     Role = "status"      // progress or state
)

var roles = []Role{RoleName, RoleNameEn, RoleDivision, RoleCreditCode, RoleAddress, RoleTime, RoleStatus}

// Reserved attribute names: columns that a stored feature has anyway, and those
// under which a tile carries the feature's id and how many it stands for.
var Reserved = []string{"fid", "id", "geom", "_id", "point_count"}

// An attribute's name is a name in a query string, a JSON object and an SQL
// table: letters of any script, digits and _; neither a digit nor a "-" first.
var attributeName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{M}\p{N}_]{0,62}$`)

// Attribute returns the attribute with the given name.
func (s Schema) Attribute(name string) (Attribute, bool) {
	for _, a := range s {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// ByRole returns the attribute that has the role.
func (s Schema) ByRole(r Role) (Attribute, bool) {
	for _, a := range s {
		if a.Role == r {
			return a, true
		}
	}
	return Attribute{}, false
}

func (s Schema) validate(vs *violations) {
	seen := map[string]bool{}
	seenRole := map[Role]bool{}
	for i, a := range s {
		field := fmt.Sprintf("schema[%d]", i)
		switch low := strings.ToLower(a.Name); {
		case !attributeName.MatchString(a.Name):
			vs.add(field+".name", a.Name, "not an attribute name", "letters, digits and _, at most 63, not starting with a digit")
		case slices.Contains(Reserved, low):
			vs.add(field+".name", a.Name, "reserved", "rename it, e.g. "+a.Name+"_1")
		case seen[low]:
			vs.add(field+".name", a.Name, "appears twice", "attribute names must differ, also in more than upper and lower case")
		default:
			seen[low] = true
		}
		if !slices.Contains(dataTypes, a.Type) {
			vs.add(field+".type", string(a.Type), "unknown type", list(dataTypes))
		}
		if a.Aggregate && a.Type != Integer && a.Type != Number {
			vs.add(field+".aggregate", "true", "only numbers are added up", "leave it out, or make the type integer or number")
		}
		if a.Role != "" {
			if !slices.Contains(roles, a.Role) {
				vs.add(field+".role", string(a.Role), "unknown role", list(roles))
			} else if seenRole[a.Role] {
				vs.add(field+".role", string(a.Role), "given to two attributes", "one attribute a role")
			}
			seenRole[a.Role] = true
		}
	}
}

// Coerce turns the value that JSON, CSV or a database delivered into the Go
// value of the attribute's type. It accepts what loses nothing: "12" for an
// integer, 12.0 for an integer, but not 12.5.
func (a *Attribute) Coerce(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch a.Type {
	case String:
		switch v := v.(type) {
		case string:
			return v, nil
		case json.Number:
			return v.String(), nil
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		case int64:
			return strconv.FormatInt(v, 10), nil
		case bool:
			return strconv.FormatBool(v), nil
		}
	case Integer:
		switch v := v.(type) {
		case int64:
			return v, nil
		case int:
			return int64(v), nil
		case float64:
			if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
				return int64(v), nil
			}
			return nil, fmt.Errorf("%v is not a whole number", v)
		case json.Number:
			return parseInteger(v.String())
		case string:
			return parseInteger(strings.TrimSpace(v))
		}
	case Number:
		f, ok := 0.0, true
		switch v := v.(type) {
		case float64:
			f = v
		case int64:
			f = float64(v)
		case int:
			f = float64(v)
		case json.Number:
			n, err := v.Float64()
			f, ok = n, err == nil
		case string:
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			f, ok = n, err == nil
		default:
			ok = false
		}
		if ok && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, fmt.Errorf("%s is not a finite number", shown(v))
	case Boolean:
		switch v := v.(type) {
		case bool:
			return v, nil
		case int64:
			if v == 0 || v == 1 {
				return v == 1, nil
			}
		case string:
			switch strings.ToLower(strings.TrimSpace(v)) {
			case "true", "1", "t", "yes", "是":
				return true, nil
			case "false", "0", "f", "no", "否":
				return false, nil
			}
		}
	case DateType:
		switch v := v.(type) {
		case Date:
			return v, nil
		case time.Time:
			return Date(v.Format(time.DateOnly)), nil
		case string:
			for _, layout := range []string{time.DateOnly, "2006/01/02", "20060102", "2006-01-02T15:04:05Z07:00"} {
				if t, err := time.Parse(layout, strings.TrimSpace(v)); err == nil {
					return Date(t.Format(time.DateOnly)), nil
				}
			}
			return nil, fmt.Errorf("%q is not a date (YYYY-MM-DD)", short(v))
		}
	case DateTime:
		switch v := v.(type) {
		case time.Time:
			return v.UTC().Truncate(time.Millisecond), nil
		case Date:
			return time.Parse(time.DateOnly, string(v))
		case string:
			return ParseTime(v)
		}
	case JSON:
		if raw, ok := v.(json.RawMessage); ok {
			return raw, nil
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		return json.RawMessage(raw), nil
	}
	return nil, fmt.Errorf("%s is not of type %s", shown(v), a.Type)
}

func parseInteger(s string) (any, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	return nil, fmt.Errorf("%q is not a whole number", short(s))
}

// ParseTime reads an instant: RFC 3339, or without a zone, which means
// UTC+8 as everywhere in China (Beijing time); or a plain date.
func ParseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC().Truncate(time.Millisecond), nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006/01/02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, Beijing); err == nil {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time (RFC 3339, e.g. 2026-07-01T08:00:00+08:00)", short(s))
}

// Beijing is UTC+8, the one time zone of China.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// checkText reports why a string is no text that every store keeps, or "".
// PostgreSQL has neither of these.
func checkText(s string) (reason, remedy string) {
	switch {
	case !utf8.ValidString(s):
		return "not valid UTF-8", "convert it from its encoding, e.g. GB18030"
	case strings.ContainsRune(s, 0):
		return "it contains a NUL character", "leave the character U+0000 out"
	}
	return "", ""
}

// check reports why a coerced value breaks the attribute's rules, or "".
func (a *Attribute) check(v any) (reason, remedy string) {
	if v == nil {
		if a.Required {
			return "missing", "a value is required"
		}
		return "", ""
	}
	if s, ok := v.(string); ok {
		if reason, remedy = checkText(s); reason != "" {
			return reason, remedy
		}
		if n := len([]rune(s)); a.MaxLength > 0 && n > a.MaxLength {
			return fmt.Sprintf("%d characters long", n), fmt.Sprintf("at most %d", a.MaxLength)
		}
		if len(a.Enum) > 0 && !slices.ContainsFunc(a.Enum, func(t Term) bool { return t.Value == s }) {
			allowed := make([]string, len(a.Enum))
			for i, t := range a.Enum {
				allowed[i] = t.Value
			}
			return "not an allowed value", list(allowed)
		}
	}
	f, ok := v.(float64)
	if n, isInt := v.(int64); isInt {
		f, ok = float64(n), true
	}
	if ok && a.Min != nil && f < *a.Min {
		return "too small", fmt.Sprintf("at least %v", *a.Min)
	}
	if ok && a.Max != nil && f > *a.Max {
		return "too large", fmt.Sprintf("at most %v", *a.Max)
	}
	return "", ""
}
