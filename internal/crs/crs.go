// Package crs converts between longitude and latitude, as everything is kept, and the
// coordinate reference systems in which departments and developers work: WGS 84,
// CGCS2000 (2000国家大地坐标系), Web Mercator, and the Gauss-Krüger zones of CGCS2000 that
// Guangxi lies in. CGCS2000 and WGS 84 are taken as one: they differ by decimetres.
//
// Systems that can't be converted without the survey authority's parameters (Xi'an 1980,
// Beijing 1954) are known and refused.
package crs

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// System is a coordinate reference system.
type System struct {
	URI  string // as OGC's name server has it
	Name string
	// NorthFirst says that the first axis points north, as EPSG defines it: latitude
	// before longitude, northing before easting.
	NorthFirst bool
	Geographic bool // in degrees; else in metres
	projection projection
}

// projection computes in the order east, north: degrees and metres.
type projection interface {
	forward(lon, lat float64) (x, y float64)
	inverse(x, y float64) (lon, lat float64)
}

// CRS84 is longitude and latitude: what everything is kept and answered in.
var CRS84 = &System{URI: "http://www.opengis.net/def/crs/OGC/1.3/CRS84", Name: "WGS 84 longitude-latitude", Geographic: true}

// Systems lists what can be converted, CRS84 first.
var Systems = func() []*System {
	all := []*System{
		CRS84,
		{URI: "http://www.opengis.net/def/crs/OGC/0/CRS84h", Name: "WGS 84 longitude-latitude-height", Geographic: true},
		{URI: epsg(4326), Name: "WGS 84", NorthFirst: true, Geographic: true},
		{URI: epsg(4490), Name: "CGCS2000", NorthFirst: true, Geographic: true},
		{URI: epsg(3857), Name: "WGS 84 / Pseudo-Mercator", projection: webMercator{}},
	}
	zone := func(code int, name string, meridian, falseEasting float64) {
		all = append(all, &System{URI: epsg(code), Name: "CGCS2000 / " + name, NorthFirst: true, projection: gaussKrueger{meridian, falseEasting}})
	}
	for i := range 3 { // central meridians 105, 108, 111 E
		meridian := float64(105 + 3*i)
		zone(4523+i, fmt.Sprintf("3-degree Gauss-Kruger zone %d", 35+i), meridian, float64(35+i)*1e6+500_000)
		zone(4544+i, fmt.Sprintf("3-degree Gauss-Kruger CM %.0fE", meridian), meridian, 500_000)
	}
	for i := range 2 { // central meridians 105, 111 E
		meridian := float64(105 + 6*i)
		zone(4496+i, fmt.Sprintf("Gauss-Kruger zone %d", 18+i), meridian, float64(18+i)*1e6+500_000)
		zone(4507+i, fmt.Sprintf("Gauss-Kruger CM %.0fE", meridian), meridian, 500_000)
	}
	return all
}()

func epsg(code int) string { return fmt.Sprintf("http://www.opengis.net/def/crs/EPSG/0/%d", code) }

var epsgForms = regexp.MustCompile(`^(?:https?://www\.opengis\.net/def/crs/EPSG/[^/]+/|urn:ogc:def:crs:EPSG:[^:]*:|\[?EPSG:)(\d+)\]?$`)

// refused are systems that are known and not converted.
var refused = map[int]string{2359: "西安80", 2360: "西安80", 2361: "西安80", 2411: "北京54", 2412: "北京54", 2413: "北京54"}

// Find returns a system by its URI, or by EPSG:CODE. Without one, reason says why.
func Find(name string) (s *System, reason string) {
	for _, one := range Systems {
		if one.URI == name || one == CRS84 && (name == "CRS84" || name == "OGC:CRS84" || name == "[OGC:CRS84]") {
			return one, ""
		}
	}
	if m := epsgForms.FindStringSubmatch(name); m != nil {
		code, _ := strconv.Atoi(m[1])
		if old, known := refused[code]; known {
			return nil, old + "坐标系的数据需先由测绘主管部门转换 (Xi'an 1980 and Beijing 1954 are converted by the survey authority alone)"
		}
		for _, one := range Systems {
			if one.URI == epsg(code) {
				return one, ""
			}
		}
	}
	return nil, "not a reference system that is converted here"
}

// URIs lists the systems' URIs.
func URIs() []string {
	all := make([]string, len(Systems))
	for i, s := range Systems {
		all[i] = s.URI
	}
	return all
}

// Names lists the systems for people: EPSG codes.
func Names() string {
	var all []string
	for _, s := range Systems {
		all = append(all, s.URI[strings.LastIndex(s.URI, "/")+1:])
	}
	return strings.Join(all, ", ")
}

// FromCRS84 converts a longitude and latitude in degrees to the system's first and second
// coordinate.
func (s *System) FromCRS84(lon, lat float64) (first, second float64) {
	x, y := lon, lat
	if s.projection != nil {
		x, y = s.projection.forward(lon, lat)
	}
	if s.NorthFirst {
		return y, x
	}
	return x, y
}

// ToCRS84 converts the system's coordinates to a longitude and latitude in degrees.
func (s *System) ToCRS84(first, second float64) (lon, lat float64) {
	x, y := first, second
	if s.NorthFirst {
		x, y = second, first
	}
	if s.projection == nil {
		return x, y
	}
	return s.projection.inverse(x, y)
}

// BoxToCRS84 returns the bounds in degrees of a box of the system, [first min, second
// min, first max, second max]: those of its outline, which is not straight there.
func (s *System) BoxToCRS84(box [4]float64) (west, south, east, north float64) {
	if s.Geographic {
		west, south = s.ToCRS84(box[0], box[1])
		east, north = s.ToCRS84(box[2], box[3])
		return west, south, east, north
	}
	west, south, east, north = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	const steps = 32
	for i := range steps + 1 {
		a, b := box[0]+(box[2]-box[0])*float64(i)/steps, box[1]+(box[3]-box[1])*float64(i)/steps
		for _, p := range [][2]float64{{a, box[1]}, {a, box[3]}, {box[0], b}, {box[2], b}} {
			lon, lat := s.ToCRS84(p[0], p[1])
			west, east = min(west, lon), max(east, lon)
			south, north = min(south, lat), max(north, lat)
		}
	}
	return west, south, east, north
}

type webMercator struct{}

const (
	radius = 6378137.0
	rad    = math.Pi / 180
)

func (webMercator) forward(lon, lat float64) (x, y float64) {
	lat = max(-89.9, min(89.9, lat)) // the poles are nowhere
	return radius * lon * rad, radius * math.Asinh(math.Tan(lat*rad))
}

func (webMercator) inverse(x, y float64) (lon, lat float64) {
	return x / radius / rad, math.Atan(math.Sinh(y/radius)) / rad
}
