package cql2

import (
	"testing"
	"time"
)

// row is a feature of the tests.
type row map[string]any

func (r row) Value(name string) any { return r[name] }

var queryables = Queryables{"s": String, "e": String, "i": Integer, "j": Integer, "n": Number, "m": Number, "b": Boolean, "d": Date, "t": Timestamp, "u": Timestamp, "geom": Geometry,
	"名称": String, "nothing": String, "never": Timestamp, "nowhere": Geometry, "no": Number, "nob": Boolean, "noi": Integer}

var sample = row{"s": "Straße", "e": "", "i": int64(7), "j": int64(1<<53 + 1), "n": 2.5, "m": -0.5, "b": true, "d": Day("2026-07-01"),
	"t": time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "u": time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC), "geom": NewShape(mustGeometry("POINT(108.3 22.8)")), "名称": "南宁市"}

func must(t testing.TB, text string) *Filter {
	t.Helper()
	e, err := ParseText(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	f, err := Compile(e, queryables, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// holds are conditions that are true of the sample, false of it, or unknown.
var holds = map[truth][]string{
	yes: {
		"i = 7", "i <> 8", "i < 8", "i <= 7", "i > 6", "i >= 7", "i = 7.0", "n = 2.5", "n > i - 5", "7 = i", "i = i", "m < n",
		"j = 9007199254740993", "j <> 9007199254740992", // whole numbers are exact
		"j = 9007199254740992.0", // and doubles are not
		"s = 'Straße'", "e = ''", "s < 't'", "s > 'Strasse'", "名称 = '南宁市'", "名称 > '' AND 名称 < '名'",
		"b = TRUE", "b <> FALSE", "b", "TRUE", "NOT FALSE", "(i = 7) = b", "(i = 8) <> b",
		"i = 7 AND s = 'Straße'", "i = 8 OR b", "NOT i = 8", "nothing = 'x' OR b", "NOT (nothing = 'x' AND FALSE)",
		"nothing IS NULL", "s IS NOT NULL", "(nothing = 'x') IS NULL", "(i = 7) IS NOT NULL", "i / 0 IS NULL", "nowhere IS NULL", "geom IS NOT NULL", "CASEI(nothing) IS NULL", "never IS NULL", "INTERVAL(never, t) IS NULL", "nob IS NULL",
		"s LIKE 'Str%'", "s LIKE '%a%e'", "s LIKE 'Stra_e'", "s NOT LIKE 'str%'", "名称 LIKE '_宁_'", "e LIKE ''", "e LIKE '%'", "'100%' LIKE '100\\%'", "'1000' NOT LIKE '100\\%'", "'a\\b' LIKE 'a\\\\b'", "'aab' LIKE '%ab'", "'a_b' LIKE 'a\\_b'", "'axb' NOT LIKE 'a\\_b'", "'a\nb' LIKE 'a%b'", "'aXbXc' LIKE '%X%X_'",
		"i BETWEEN 7 AND 8", "i NOT BETWEEN 8 AND 9", "n BETWEEN m AND i", "s BETWEEN 'S' AND 'T'", "t BETWEEN DATE('2026-06-30') AND DATE('2026-07-02')", "i NOT BETWEEN 8 AND no OR TRUE", "NOT (i BETWEEN 8 AND no)",
		"i IN (1, 7)", "i NOT IN (1, 2)", "s IN ('x', 'Straße')", "n IN (1, 2.5)", "i / 2 IN (3, 3.5)", "m - 0.5 IN (-1)", "i IN (6.5, 7)", "j IN (9007199254740992.0)", "j NOT IN (9007199254740992)", "i IN (n, 7)", "b IN (TRUE)", "d IN (DATE('2026-07-01'), DATE('2026-07-02'))", "i IN (no, 7)",
		"i + 1 = 8", "i - 10 = -3", "i * 2 = 14", "i / 2 = 3.5", "i % 4 = 3", "-i % 4 = -3", "i DIV 2 = 3", "-i DIV 2 = -3", "i ^ 2 = 49", "2 ^ i = 128", "-i = -7", "n * m = -1.25", "i % 2.5 = 2", "10 ^ 400 IS NULL", "(0 - 1) ^ 0.5 IS NULL", "i % 0 IS NULL", "i DIV 0 IS NULL",
		"CASEI(s) = 'straße'", "CASEI(s) = CASEI('STRAßE')", "CASEI('ÀÉ') = 'àé'", "ACCENTI('Crème Brûlée') = 'Creme Brulee'", "ACCENTI(CASEI('ÉCOLE')) = 'ecole'", "CASEI('e\u0301') = 'é'", "ACCENTI('e\u0301') = 'e'", "ACCENTI('ö') = ACCENTI('o')", "CASEI(s) LIKE CASEI('STR%')", "ACCENTI(s) = s", "ACCENTI(名称) = 名称", "CASEI('İ') <> 'i'", "CASEI('ΣΑΣ') = 'σας'",
		"t = TIMESTAMP('2026-07-01T08:00:00+08:00')", "t < u", "u > t", "t <= u", "t <> u",
		"t = DATE('2026-07-01')", "DATE('2026-07-01') = t", "t <= DATE('2026-07-01')", "t >= DATE('2026-07-01')", "t < DATE('2026-07-02')", "t > DATE('2026-06-30')", // a date is its day in Beijing
		"d = t", "d = DATE('2026-07-01')", "d < DATE('2026-07-02')", "d <> DATE('2026-07-02')", "d = TIMESTAMP('2026-06-30T16:00:00Z')", "d <> TIMESTAMP('2026-06-30T15:59:59.999Z')", "d = TIMESTAMP('2026-07-01T15:59:59.999Z')", "d < TIMESTAMP('2026-07-01T16:00:00Z')",
		"d = '2026-07-01'", "t >= '2026-07-01T00:00:00Z'", "d IN ('2026-07-01')", "d BETWEEN '2026-01-01' AND '2026-12-31'", // texts that spell a date are dates
	},
	no: {
		"i = 8", "i <> 7", "FALSE", "NOT b", "i = 7 AND FALSE", "nothing = 'x' AND FALSE", "s LIKE 'x%'", "s LIKE 'Stra__e'", "i IN (1)", "i BETWEEN 8 AND no", "'' LIKE '_'", "t = u", "i IS NULL", "b = FALSE", "NOT TRUE", "(i = 7) = FALSE",
		"i BETWEEN 9 AND 1",
	},
	unknown: {
		"nothing = 'x'", "nothing <> 'x'", "NOT nothing = 'x'", "nothing = nothing", "nothing LIKE '%'", "nothing IN ('x')", "i IN (no, 8)", "i NOT IN (no, 8)", "i BETWEEN 7 AND no", "no + 1 = 1", "i / 0 = 1", "nothing = 'x' AND b", "nothing = 'x' OR FALSE",
		"CASEI(nothing) = 'x'", "never < t", "t < never", "nob", "nob = TRUE", "NOT nob", "noi = 1", "noi IN (1)", "T_BEFORE(never, t)", "T_AFTER(t, INTERVAL(never, '..'))", "S_INTERSECTS(nowhere, geom)", "S_DISJOINT(geom, nowhere)",
	},
}

func TestAConditionIsTrueFalseOrUnknown(t *testing.T) {
	for want, texts := range holds {
		for _, text := range texts {
			f := must(t, text)
			if got := f.chosen(sample); got != want {
				t.Errorf("%s is %d, want %d", text, got, want)
			}
			if f.Match(sample) != (want == yes) {
				t.Errorf("%s: Match disagrees", text)
			}
			again := must(t, f.String())
			if again.String() != f.String() || again.chosen(sample) != want {
				t.Errorf("%s reads back as %s, which is %d", f, again, again.chosen(sample))
			}
		}
	}
}
