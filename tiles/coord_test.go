package tiles

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onemap/layers"
)

func TestAPlaceIsInItsTile(t *testing.T) {
	for _, c := range []struct {
		lon, lat float64
		z        int
		want     string
	}{
		{108.32, 22.82, 0, "0/0/0"},
		{108.32, 22.82, 10, "10/820/445"},
		{108.32, 22.82, 14, "14/13121/7124"},
		{0, 0, 1, "1/1/1"},
		{-180, 0, 4, "4/0/8"},
		{180, 0, 4, "4/15/8"}, // the last column, not one beyond
		{0, 85.0511287798066, 4, "4/8/0"},
		{0, 90, 4, "4/8/0"},
		{0, -90, 22, "22/2097152/4194303"},
		{0, -85.0511287798066, 4, "4/8/15"},
		{190, 91, 3, "3/7/0"},
	} {
		if got := At(c.lon, c.lat, c.z).String(); got != c.want {
			t.Errorf("At(%v, %v, %d) = %s, want %s", c.lon, c.lat, c.z, got, c.want)
		}
	}
}

func TestATileContainsThePlacesThatBelongToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon := rapid.Float64Range(-180, 180).Draw(t, "lon")
		lat := rapid.Float64Range(-85, 85).Draw(t, "lat")
		z := rapid.IntRange(0, MaxZoom).Draw(t, "z")
		c := At(lon, lat, z)
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if b := c.Bound().Pad(1e-9); !b.Contains(orb.Point{lon, lat}) {
			t.Fatalf("%v is not in %s, which is %v", orb.Point{lon, lat}, c, b)
		}
		if z > 0 {
			if p := At(lon, lat, z-1); p != (Coord{z - 1, c.X / 2, c.Y / 2}) {
				t.Fatalf("%s lies in %s, not in %s", c, Coord{z - 1, c.X / 2, c.Y / 2}, p)
			}
		}
	})
}

func TestTheTilesOfAZoomCoverTheWorldWithoutGaps(t *testing.T) {
	for z := range 5 {
		for x := range 1 << z {
			for y := range 1 << z {
				c := Coord{z, x, y}
				b := c.Bound()
				if mid := At(b.Center()[0], b.Center()[1], z); mid != c {
					t.Fatalf("the middle of %s is in %s", c, mid)
				}
				if x > 0 && (Coord{z, x - 1, y}).Bound().Max[0] != b.Min[0] {
					t.Fatalf("a gap west of %s", c)
				}
				if y > 0 && (Coord{z, x, y - 1}).Bound().Min[1] != b.Max[1] {
					t.Fatalf("a gap north of %s", c)
				}
			}
		}
	}
}

func TestProjectingThereAndBackIsTheIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gridOf(rapid.IntRange(0, MaxZoom).Draw(t, "z"))
		x, y := rapid.Float64Range(0, g.size).Draw(t, "x"), rapid.Float64Range(0, g.size).Draw(t, "y")
		gotX, gotY := g.project(g.unproject(x, y))
		// 1e-12 of the world, far below a tile unit at zoom 22.
		if math.Abs(gotX-x) > g.size*1e-12 || math.Abs(gotY-y) > g.size*1e-12 {
			t.Fatalf("(%v, %v) came back as (%v, %v)", x, y, gotX, gotY)
		}
	})
}

func TestOnlyTilesOfTheMatrixSetAreAccepted(t *testing.T) {
	for _, path := range []string{"0/0/0", "22/4194303/4194303.mvt", "5/31/0.pbf"} {
		if _, _, err := ParsePath("a,b-c/" + path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{
		"", "a", "a/0/0", "a/0/0/0/0", "/0/0/0", "a,/0/0/0", "a,,b/0/0/0", "a,a/0/0/0", "a/-1/0/0", "a/1/+1/0", "a/01/0/0",
		"a/1/ 1/0", "a/1/1/0.png", "a/1/1/.mvt", "a/1/1/0.mvt.mvt", "a/1/1/٠",
	} {
		if _, c, err := ParsePath(path); layers.CodeOf(err) != layers.Invalid {
			t.Errorf("%q was read as %s, %v", path, c, err)
		}
	}
	for _, path := range []string{"a/23/0/0", "a/1/2/0", "a/1/0/2", "a/99999999999999999999/0/0"} {
		if _, c, err := ParsePath(path); layers.CodeOf(err) != layers.NotFound {
			t.Errorf("%q was read as %s, %v", path, c, err)
		}
	}
}

func TestAMatrixAddressNamesRowBeforeColumnAndItsOwnFields(t *testing.T) {
	if c, err := ParseMatrix("6", "27", "51"); err != nil || c != (Coord{6, 51, 27}) {
		t.Errorf("got %s, %v", c, err)
	}
	for address, field := range map[[3]string]string{{"a", "0", "0"}: "tileMatrix", {"1", "0.mvt", "0"}: "tileRow", {"1", "0", "0.mvt"}: "tileCol", {"1", "2", "0"}: "tileRow", {"1", "0", "2"}: "tileCol", {"23", "0", "0"}: "tileMatrix"} {
		_, err := ParseMatrix(address[0], address[1], address[2])
		var e *layers.Error
		if !errors.As(err, &e) || e.Violations[0].Field != field {
			t.Errorf("%v: %v", address, err)
		}
	}
}

func FuzzATilePathIsReadOrRefused(f *testing.F) {
	for _, s := range []string{"a/0/0/0", "a,b/22/4194303/4194303.mvt", "x/7/1/2.pbf", "a,a/1/1/1", "a/1/-1/1", "//", "a/1/1/1.mvt.pbf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		ids, c, err := ParsePath(path)
		if err != nil {
			if code := layers.CodeOf(err); code != layers.Invalid && code != layers.NotFound {
				t.Fatalf("%q: %v", path, err)
			}
			return
		}
		if err := c.Check(); err != nil || len(ids) == 0 || len(ids) > MaxLayers {
			t.Fatalf("%q was read as %v %s: %v", path, ids, c, err)
		}
	})
}

func ExampleAt() {
	nanning := At(108.32, 22.82, 10)
	fmt.Println(nanning)
	fmt.Printf("%.3f\n", nanning.Bound().Min[0])
	// Output:
	// 10/820/445
	// 108.281
}

func ExampleParsePath() {
	ids, c, _ := ParsePath("divisions,rivers/6/51/27.mvt")
	fmt.Println(ids, c)
	_, _, err := ParsePath("divisions/6/64/27")
	fmt.Println(err)
	// Output:
	// [divisions rivers] 6/51/27
	// no such tile: x: no such column at zoom 6 (0 to 63)
}
