package crs

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What PROJ makes of four places (PostGIS 3.3, ST_Transform from EPSG:4490): easting and
// northing.
var places = map[string]map[[2]float64][2]float64{
	"EPSG:4523": {{108.32, 22.82}: {35840958.78455722, 2528438.03478014}, {104.5, 26.3}: {35450068.58569639, 2910168.193738236}, {111.9, 20.9}: {36219177.28739874, 2327505.7297682194}, {108, 0}: {35834112.20180018, 0}},
	"EPSG:4524": {{108.32, 22.82}: {36532850.67105093, 2524639.4619169408}, {104.5, 26.3}: {36150349.82225691, 2914807.306727807}, {111.9, 20.9}: {36905989.34397401, 2316939.7271403964}, {108, 0}: {36500000, 0}},
	"EPSG:4525": {{108.32, 22.82}: {37224805.991864696, 2527101.2781649316}, {111.9, 20.9}: {37593638.43457041, 2312267.603634237}},
	"EPSG:4544": {{108.32, 22.82}: {840958.7845572203, 2528438.03478014}, {108, 0}: {834112.2018001846, 0}},
	"EPSG:4545": {{108.32, 22.82}: {532850.6710509295, 2524639.4619169408}, {104.5, 26.3}: {150349.8222569063, 2914807.306727807}},
	"EPSG:4546": {{104.5, 26.3}: {-149955.4546359199, 2926452.9904499124}, {111.9, 20.9}: {593638.4345704118, 2312267.603634237}},
	"EPSG:4496": {{108.32, 22.82}: {18840958.78455722, 2528438.03478014}, {111.9, 20.9}: {19219177.287398744, 2327505.7297682194}},
	"EPSG:4497": {{108.32, 22.82}: {19224805.9918647, 2527101.2781649316}, {104.5, 26.3}: {18850044.54536408, 2926452.9904499124}},
	"EPSG:4507": {{108.32, 22.82}: {840958.7845572203, 2528438.03478014}},
	"EPSG:4508": {{111.9, 20.9}: {593638.4345704118, 2312267.603634237}},
	"EPSG:3857": {{108.32, 22.82}: {12058127.242727391, 2610265.1479007225}, {104.5, 26.3}: {11632886.787897088, 3036284.923313027}},
	"EPSG:4326": {{108.32, 22.82}: {108.32, 22.82}}, "EPSG:4490": {{108.32, 22.82}: {108.32, 22.82}},
}

func TestPlacesAreWherePROJPutsThem(t *testing.T) {
	for name, all := range places {
		s, reason := Find(name)
		if s == nil {
			t.Errorf("%s: %s", name, reason)
			continue
		}
		if s.NorthFirst != (name != "EPSG:3857") {
			t.Errorf("%s has its axes the wrong way round", name)
		}
		for at, want := range all {
			x, y := s.FromCRS84(at[0], at[1])
			if s.NorthFirst {
				x, y = y, x
			}
			if math.Abs(x-want[0]) > 1e-6 || math.Abs(y-want[1]) > 1e-6 { // a thousandth of a millimetre
				t.Errorf("%s: %v is at %.7f, %.7f, want %v", name, at, x, y, want)
			}
		}
	}
}

func TestWhatWasConvertedComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(Systems).Draw(t, "system")
		lon, lat := rapid.Float64Range(100, 118).Draw(t, "lon"), rapid.Float64Range(0, 55).Draw(t, "lat")
		a, b := s.FromCRS84(lon, lat)
		x, y := s.ToCRS84(a, b)
		if math.Abs(x-lon) > 1e-10 || math.Abs(y-lat) > 1e-10 {
			t.Fatalf("%s: (%v, %v) came back as (%v, %v)", s.Name, lon, lat, x, y)
		}
	})
}

func TestABoxHoldsWhatIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(Systems).Draw(t, "system")
		lon, lat := rapid.Float64Range(104, 112).Draw(t, "lon"), rapid.Float64Range(20, 27).Draw(t, "lat")
		a, b := s.FromCRS84(lon, lat)
		size := 1.0
		if !s.Geographic {
			size = 100_000
		}
		w, so, e, n := s.BoxToCRS84([4]float64{a - rapid.Float64Range(0, size).Draw(t, "a"), b - rapid.Float64Range(0, size).Draw(t, "b"), a + size, b + size})
		const slack = 1e-4
		if lon < w-slack || lon > e+slack || lat < so-slack || lat > n+slack {
			t.Fatalf("%s: (%v, %v) is not in %v %v %v %v", s.Name, lon, lat, w, so, e, n)
		}
	})
}

func TestASystemHasManyNamesAndOldOnesAreRefusedWithAReason(t *testing.T) {
	for name, want := range map[string]string{
		"http://www.opengis.net/def/crs/OGC/1.3/CRS84": CRS84.URI, "CRS84": CRS84.URI, "http://www.opengis.net/def/crs/EPSG/0/4490": epsg(4490),
		"http://www.opengis.net/def/crs/EPSG/9.9.1/4326": epsg(4326), "EPSG:4545": epsg(4545), "[EPSG:4545]": epsg(4545), "urn:ogc:def:crs:EPSG::3857": epsg(3857),
		"EPSG:2360": "", "EPSG:2412": "", "EPSG:32648": "", "": "", "EPSG:": "", "EPSG:99999999999999999999": "",
	} {
		s, reason := Find(name)
		if want == "" && (s != nil || reason == "") || want != "" && (s == nil || s.URI != want) {
			t.Errorf("%q: %v, %s", name, s, reason)
		}
	}
	if _, reason := Find("EPSG:2361"); !strings.Contains(reason, "需先由测绘主管部门转换") {
		t.Error(reason)
	}
}
