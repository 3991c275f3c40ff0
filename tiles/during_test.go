package tiles

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

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
		f := feature(int64(i+1), geom.NewPointFlat(geom.XY, []float64{108 + rnd.Float64()/10, 22.5 + rnd.Float64()/10}), map[string]any{"level": rnd.Float64(), "state": "好"})
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

func TestATileOfATimeIsThatOfItsFeaturesAlone(t *testing.T) {
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
				for _, i := range []layers.Interval{days(0, 0), days(3, 5), days(-1, 2), days(9, -1), days(0, 9), days(20, 30), days(4, 4)} {
					var chosen []*layers.Feature
					for _, f := range all[50:] {
						if i.Has(f.Properties["seen"]) {
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
						got, err := s.TileOf(t.Context(), layers.Public, []string{"kept"}, c, Variant{}.During(i))
						mustDo(t, err)
						_, state = s.kept.find("kept") // a tile that is too large changes it
						only.plan = state.plan
						if want := only.encode(new(draft), "kept", c); !bytes.Equal(got.Raw, want) {
							t.Fatalf("%v, tile %s: %v\nwant %v", i, c, describe(t, got.Raw), describe(t, want))
						}
						want, err := Encode(t.Context(), plain.As(layers.Public), l, c)
						mustDo(t, err)
						if got, err = ofStore.TileOf(t.Context(), layers.Public, []string{"kept"}, c, Variant{}.During(i)); err != nil || !bytes.Equal(got.Raw, want) {
							t.Fatalf("%v, tile %s of the store: %v, %v\nwant %v", i, c, err, describe(t, got.Raw), describe(t, want))
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
