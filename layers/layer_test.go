package layers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
)

func fields(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	var fs []string
	for _, v := range e.Violations {
		fs = append(fs, v.Field)
	}
	return string(e.Code) + ": " + strings.Join(fs, " ")
}

func sample() *Layer {
	low, high := 0.0, 100.0
	return &Layer{ID: "river-gauges", Title: Text{Zh: "水位站"}, Sharing: Unconditional, Open: true, UpdateCycle: RealTime, Geometry: MultiPoint, Schema: Schema{
		{Name: "name", Type: String, Role: RoleName, Required: true, MaxLength: 4},
		{Name: "水位", Type: Number, Min: &low, Max: &high},
		{Name: "status", Type: String, Enum: []Term{{Value: "normal"}, {Value: "danger"}}},
		{Name: "n", Type: Integer},
	}}
}

func TestALayerDefinitionIsCheckedAllAtOnce(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
	bad := &Layer{ID: "河", Sharing: Conditional, Open: true, Geometry: "Circle", UpdateCycle: "hourly", Display: Display{TileBytes: 5000}, Schema: Schema{
		{Name: "1a", Type: String}, {Name: "FID", Type: String}, {Name: "a", Type: "decimal"}, {Name: "A", Type: String, Role: "label"},
		{Name: "b", Type: String, Role: RoleName}, {Name: "c", Type: String, Role: RoleName}}}
	want := "invalid: id title geometry open updateCycle display.tileBytes schema[0].name schema[1].name schema[2].type schema[3].name schema[3].role schema[5].role"
	if got := fields(bad.Validate()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEditsAreCheckedAgainstTheSchema(t *testing.T) {
	p := geom.NewPointFlat(geom.XY, []float64{108, 22})
	l := sample()
	for _, c := range []struct {
		name string
		edit Edit
		want string
	}{
		{"good", Edit{Op: Put, ID: "x", Geometry: p, Properties: map[string]any{"name": "水位站一", "水位": "12.5", "status": "danger", "n": 12.0}}, "<nil>"},
		{"a patch may leave out what is required", Edit{Op: Patch, ID: "x", Properties: map[string]any{"n": nil}}, "<nil>"},
		{"but not remove it", Edit{Op: Patch, ID: "x", Properties: map[string]any{"name": nil}}, "invalid: edits[0].properties.name"},
		{"missing", Edit{Op: Put, ID: "x"}, "invalid: edits[0].properties.name"},
		{"everything", Edit{Op: Replace, Geometry: geom.NewLineStringFlat(geom.XY, []float64{1, 2, 3, 4}), Properties: map[string]any{"name": "五个字了吧", "水位": 101, "status": "x", "n": 1.5, "z": 1}},
			"invalid: edits[0].id edits[0].geometry edits[0].properties.n edits[0].properties.name edits[0].properties.status edits[0].properties.z edits[0].properties.水位"},
		{"place", Edit{Op: Put, ID: "x", Geometry: geom.NewPointFlat(geom.XY, []float64{12200000, 2500000}), Properties: map[string]any{"name": "a"}}, "invalid: edits[0].geometry"},
		{"delete needs nothing", Edit{Op: Delete, ID: "x"}, "<nil>"},
		{"but an id", Edit{Op: Delete}, "invalid: edits[0].id"},
	} {
		sent := c.edit.Properties
		checked, err := l.CheckEdits([]Edit{c.edit})
		if got := fields(err); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if c.name == "good" && (checked[0].Properties["水位"] != 12.5 || checked[0].Properties["n"] != int64(12) || sent["水位"] != "12.5") {
			t.Errorf("coerced to %v, the caller's became %v", checked[0].Properties, sent)
		}
	}
}

func TestAValueIsCoercedOnlyIfNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		typ  DataType
		in   any
		want string // of %v with type; "" is refused
	}{
		{Integer, "12", "int64 12"}, {Integer, 12.0, "int64 12"}, {Integer, 12.5, ""}, {Integer, "x", ""}, {Integer, true, ""},
		{Number, "1e3", "float64 1000"}, {Number, int64(3), "float64 3"}, {Number, "NaN", ""}, {Number, "inf", ""},
		{Boolean, "是", "bool true"}, {Boolean, int64(0), "bool false"}, {Boolean, int64(2), ""}, {Boolean, "maybe", ""},
		{DateType, "2026/07/01", "layers.Date 2026-07-01"}, {DateType, "20260701", "layers.Date 2026-07-01"}, {DateType, "2026-13-01", ""},
		{DateTime, "2026-07-01T08:00:00+08:00", "time.Time 2026-07-01 00:00:00 +0000 UTC"}, {DateTime, "2026-07-01 08:00:00", "time.Time 2026-07-01 00:00:00 +0000 UTC"}, {DateTime, "soon", ""},
		{String, 12.5, "string 12.5"}, {String, []any{}, ""}, {JSON, map[string]any{"a": 1}, `json.RawMessage {"a":1}`},
	} {
		v, err := (&Attribute{Name: "a", Type: c.typ}).Coerce(c.in)
		got := fmt.Sprintf("%T %v", v, v)
		if c.typ == JSON {
			got = fmt.Sprintf("%T %s", v, v)
		}
		if c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s of %v (%T): got %s, %v; want %s", c.typ, c.in, c.in, got, err, c.want)
		}
	}
}

func TestAValueThatIsRefusedIsRepeatedAsItWasSentAndNotAtLength(t *testing.T) {
	long := strings.Repeat("很", 1000)
	for _, typ := range []DataType{Integer, Number, Boolean, DateType, DateTime} {
		a := &Attribute{Name: "a", Type: typ}
		if _, err := a.Coerce(map[string]any{"b": []any{1.5, nil}}); !strings.Contains(err.Error(), `{"b":[1.5,null]}`) {
			t.Errorf("%s: %v", typ, err)
		}
		for _, v := range []any{long, []any{long}} {
			if _, err := a.Coerce(v); err == nil || len(err.Error()) > 200 {
				t.Errorf("%s: %v", typ, err)
			}
		}
	}
}

func TestADivisionCodeNamesALevel(t *testing.T) {
	for _, c := range []struct {
		code   string
		level  int
		prefix string
		at     [5]string
	}{
		{"450000", 1, "45", [5]string{"", "450000", "", "", ""}},
		{"450100", 2, "4501", [5]string{"", "450000", "450100", "", ""}},
		{"450103", 3, "450103", [5]string{"", "450000", "450100", "450103", ""}},
		{"450103001", 4, "450103001", [5]string{"", "450000", "450100", "450103", "450103001"}},
		{"45010", 0, "", [5]string{}}, {"45010x", 0, "", [5]string{}}, {"", 0, "", [5]string{}},
	} {
		if DivisionLevel(c.code) != c.level || DivisionPrefix(c.code) != c.prefix {
			t.Errorf("%q: level %d, prefix %q", c.code, DivisionLevel(c.code), DivisionPrefix(c.code))
		}
		for level, want := range c.at {
			if got := DivisionAt(c.code, level); got != want {
				t.Errorf("%q at level %d: %q, want %q", c.code, level, got, want)
			}
		}
	}
}

func TestFreshnessFollowsTheUpdateCycle(t *testing.T) {
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		cycle UpdateCycle
		age   time.Duration
		want  Freshness
	}{
		{RealTime, 5 * time.Minute, Fresh}, {RealTime, 6 * time.Minute, Late}, {RealTime, 16 * time.Minute, Lost},
		{Daily, 25 * time.Hour, Late}, {Daily, 366 * 24 * time.Hour, Zombie}, {Yearly, 400 * 24 * time.Hour, Late}, {Irregular, 1e6 * time.Hour, Fresh},
	} {
		e := Entry{Layer: &Layer{UpdateCycle: c.cycle}, Status: Status{Updated: now.Add(-c.age)}}
		if got := e.Freshness(now); got != c.want {
			t.Errorf("%s after %v: %s, want %s", c.cycle, c.age, got, c.want)
		}
	}
	if got := (Entry{Layer: &Layer{UpdateCycle: Daily}}).Freshness(now); got != Lost {
		t.Errorf("a layer without data is %s", got)
	}
}

func TestACursorIsReadAsItIsWritten(t *testing.T) {
	for _, s := range []string{"e:0", "3f9:12345678901234"} {
		if c, err := ParseCursor(s); err != nil || c.String() != s {
			t.Errorf("%q became %v, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "e", ":1", "e:", "e:-1", "e:x", "e:1:2"} {
		if c, err := ParseCursor(s); CodeOf(err) != Invalid || err == nil {
			t.Errorf("%q became %v, %v", s, c, err)
		}
	}
}

func TestPlanarIsACopy(t *testing.T) {
	stored := geom.NewLineStringFlat(geom.XYZ, []float64{108, 22, 5, 109, 23, 6})
	drawn := Planar(stored).(orb.LineString)
	drawn[0][0] = 0
	if stored.FlatCoords()[0] != 108 || len(drawn) != 2 || drawn[1] != (orb.Point{109, 23}) {
		t.Errorf("stored %v, drawn %v", stored.FlatCoords(), drawn)
	}
	b, ok := BoundOf(stored)
	if want := (orb.Bound{Min: orb.Point{108, 22}, Max: orb.Point{109, 23}}); !ok || b != want {
		t.Errorf("bounds %v", b)
	}
	for _, g := range []geom.T{nil, geom.NewPointEmpty(geom.XY), geom.NewGeometryCollection()} {
		if _, ok := BoundOf(g); ok || Planar(g) != nil {
			t.Errorf("%v has a place", g)
		}
	}
}

func TestAViewSeesWhatItMay(t *testing.T) {
	open, closed, secret := &Layer{Open: true, Sharing: Unconditional}, &Layer{Sharing: Conditional}, &Layer{Sharing: NotShared}
	for _, c := range []struct {
		view View
		sees [3]bool
	}{{View{}, [3]bool{}}, {Public, [3]bool{true}}, {Official, [3]bool{true, true}}, {Writer, [3]bool{true, true}}, {Owner, [3]bool{true, true, true}}} {
		if got := [3]bool{c.view.Sees(open), c.view.Sees(closed), c.view.Sees(secret)}; got != c.sees {
			t.Errorf("%q sees %v", c.view.Name(), got)
		}
	}
	if Public.CanWrite() || Official.CanWrite() || !Writer.CanWrite() || !Owner.CanWrite() {
		t.Error("the wrong views may write")
	}
}
