package tiles

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/internal/cql2"
	"onemap/layers"
)

var firstDay = time.Date(2026, 7, 1, 0, 0, 0, 0, layers.Beijing)

// days is a closed interval of days from the first; a negative one is open.
func days(from, to int) layers.Interval {
	var i layers.Interval
	if from >= 0 {
		i.Start = firstDay.AddDate(0, 0, from)
	}
	if to >= 0 {
		i.End = firstDay.AddDate(0, 0, to+1).Add(-time.Millisecond)
	}
	return i
}

// dated returns features of ten days, some of no day.
func dated(t layers.DataType, rnd *rand.Rand, n int) (out []*layers.Feature) {
	for i := range n {
		f := feature(int64(i+1), geom.NewPointFlat(geom.XY, []float64{108 + rnd.Float64()/10, 22.5 + rnd.Float64()/10}),
			map[string]any{"level": rnd.Float64(), "state": []string{"好", "坏", "中"}[i%3], "n": int64(i%7 - 2), "ok": i%5 == 0})
		if i%4 > 0 {
			f.Properties["name"] = []string{"示例甲", "示例乙"}[i%2]
		}
		if i%3 == 0 {
			f.Geometry = parcel(i%9, i%7, 0.001)
		}
		at := firstDay.Add(time.Duration(rnd.IntN(10*24*60)) * time.Minute).Add(time.Duration(rnd.IntN(2)*500) * time.Millisecond)
		switch {
		case i%11 == 0:
		case t == layers.DateType:
			f.Properties["seen"] = layers.Date(at.Format(time.DateOnly))
		default:
			f.Properties["seen"] = at.UTC()
		}
		out = append(out, f)
	}
	return out
}

// chosen says what tiles are to have of a layer.
type chosen struct {
	variant Variant
	layers.Selection
}

func choicesOf(t testing.TB, l *layers.Layer) (all []chosen) {
	for _, i := range []layers.Interval{days(0, 0), days(3, 5), days(-1, 2), days(9, -1), days(0, 9), days(20, 30), days(4, 4)} {
		all = append(all, chosen{Variant{}.During(i), layers.Selection{Time: &i}})
	}
	for _, text := range []string{
		"state = '好'", "state <> '好' OR ok", "NOT (level > 0.5)", "n IN (1, 3, 5)", "n % 2 = 0 AND level BETWEEN 0.2 AND 0.9", "name LIKE '%甲' OR name IS NULL", "ok = FALSE",
		"seen >= DATE('2026-07-04')", "T_DURING(seen, INTERVAL('2026-07-02', '2026-07-05'))", "id IN ('7', '8', '9', '100', '500')", "CASEI(state) = '坏'",
		"S_INTERSECTS(geom, BBOX(108, 22.5, 108.05, 22.52))", "S_WITHIN(geometry, POLYGON((108 22.5, 108.06 22.5, 108 22.6, 108 22.5))) AND level > 0.3", "level > 2",
	} {
		e, err := cql2.ParseText(text)
		mustDo(t, err)
		where, err := l.Filter(e)
		mustDo(t, err)
		all = append(all, chosen{Variant{}.Where(Filter{Expr: e, Query: "filter=" + text}), layers.Selection{Where: where}})
	}
	return append(all, chosen{all[1].variant.Where(*all[8].variant.filter), layers.Selection{Time: all[1].Time, Where: all[8].Where}})
}

func TestATileOfAChoiceIsThatOfItsFeaturesAlone(t *testing.T) {
	for _, geometry := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		for _, kind := range []layers.DataType{layers.DateTime, layers.DateType} {
			t.Run(fmt.Sprint(geometry, kind), func(t *testing.T) {
				l := testLayer("kept", append(layers.Schema{{Name: "seen", Type: kind, Role: layers.RoleTime}}, residentSchema...)...)
				l.Geometry = geometry
				rnd := rand.New(rand.NewPCG(1, 2))
				all := dated(kind, rnd, 600)
				if geometry == layers.Point {
					for _, f := range all {
						f.Geometry = geom.NewPointFlat(geom.XY, f.Geometry.FlatCoords()[:2])
					}
				}
				src, plain := newMemory(l), newMemory(l)
				src.set("kept", all[:400]...)
				s := keep(t, src, Options{TileBytes: 2000, Tolerance: -1})
				s.Apply(puts("kept", all[400:]))
				var gone []layers.Change
				for _, f := range all[:50] {
					gone = append(gone, layers.Change{Layer: "kept", Kind: layers.ChangeDelete, Old: f})
				}
				s.Apply([]layers.Commit{{Changes: gone}})
				src.set("kept", all[50:]...)
				ofStore := newService(t, src, Options{})
				for _, i := range choicesOf(t, l) {
					var chosen []*layers.Feature
					for _, f := range all[50:] {
						if i.Matches(l, f) {
							chosen = append(chosen, f)
						}
					}
					plain.set("kept", chosen...)
					_, state := s.kept.find("kept")
					b := newRun(state.format, nil)
					for _, f := range chosen {
						b.add(f)
					}
					only := b.base()
					for z := range 17 {
						c := At(108.0005, 22.5005, z)
						got, err := s.TileOf(t.Context(), layers.Public, []string{"kept"}, c, i.variant)
						mustDo(t, err)
						_, state = s.kept.find("kept") // a tile that is too large changes it
						only.plan = state.plan
						if want := only.encode(new(draft), "kept", c); !strings.Contains(i.variant.String(), "S_") && !bytes.Equal(got.Raw, want) {
							t.Fatalf("%v, tile %s: %v\nwant %v", i.variant, c, describe(t, got.Raw), describe(t, want))
						}
						want, err := Encode(t.Context(), plain.As(layers.Public), l, c)
						mustDo(t, err)
						if got, err = ofStore.TileOf(t.Context(), layers.Public, []string{"kept"}, c, i.variant); err != nil || !bytes.Equal(got.Raw, want) {
							t.Fatalf("%v, tile %s of the store: %v, %v\nwant %v", i.variant, c, err, describe(t, got.Raw), describe(t, want))
						}
					}
				}
			})
		}
	}
}

func TestATileOfATimeIsForgottenWithTheOthers(t *testing.T) {
	l := testLayer("kept", layers.Attribute{Name: "seen", Type: layers.DateTime, Role: layers.RoleTime})
	l.Geometry = layers.Point
	other := testLayer("other")
	src := newMemory(l, other)
	s := keep(t, src, Options{})
	c := At(108, 22.5, 9)
	first := func() *Tile {
		tile, err := s.TileOf(t.Context(), layers.Public, []string{"kept", "other"}, c, Variant{}.During(days(0, 0)))
		mustDo(t, err)
		return tile
	}
	before := first()
	if first() != before {
		t.Error("it is not cached")
	}
	f := feature(1, geom.NewPointFlat(geom.XY, []float64{108, 22.5}), map[string]any{"seen": firstDay})
	src.set("kept", f)
	src.set("other", feature(1, f.Geometry, nil)) // has no time: shown whole
	s.Apply(puts("kept", []*layers.Feature{f}))
	s.Apply(puts("other", src.features["other"]))
	if n := len(features(t, first().Raw)); n != 2 {
		t.Errorf("%d features, of one in each layer", n)
	}
}
