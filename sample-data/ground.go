package sample

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
)

// kmPerDegree is the length of a degree of latitude; a degree of longitude is
// squeeze times as long at the region's middle. Good to 2 % over Guangxi, which
// is enough for invented data.
const kmPerDegree = 111.2

var squeeze = math.Cos(23.6 * math.Pi / 180)

// Distance returns the distance of two CRS84 points in km, for Guangxi only.
func Distance(a, b orb.Point) float64 {
	return kmPerDegree * math.Hypot((a[0]-b[0])*squeeze, a[1]-b[1])
}

// Offset returns the point that lies so many km east and north of p.
func Offset(p orb.Point, east, north float64) orb.Point {
	return orb.Point{p[0] + east/(kmPerDegree*squeeze), p[1] + north/kmPerDegree}
}

// Ground knows where the divisions lie.
type Ground struct {
	region   orb.MultiPolygon
	counties []*county
	cities   []division
}

type county struct {
	division
	shape  orb.MultiPolygon
	bound  orb.Bound
	towns  []township
	weight float64 // people who live here, as far as the census of its city tells
}

func newGround(divisions []row[division], townships []row[township]) *Ground {
	g := &Ground{}
	population := map[string]float64{}
	share := map[string]float64{}
	byCode := map[string]*county{}
	for _, d := range divisions {
		switch d.Properties.Level {
		case 1:
			g.region = multi(d.plane())
		case 2:
			g.cities = append(g.cities, d.Properties)
			population[d.Properties.Code] = float64(*d.Properties.Population)
		case 3:
			c := &county{division: d.Properties, shape: multi(d.plane()), weight: 1}
			c.bound = c.shape.Bound()
			if c.urban() {
				c.weight = 1.6 // districts are denser; the census has no figure for them here
			}
			g.counties = append(g.counties, c)
			byCode[c.Code] = c
			share[c.Parent] += c.weight
		}
	}
	for _, t := range townships {
		c := byCode[t.Properties.County]
		c.towns = append(c.towns, t.Properties)
	}
	for _, c := range g.counties {
		c.weight *= population[c.Parent] / share[c.Parent]
	}
	return g
}

func multi(g orb.Geometry) orb.MultiPolygon {
	if p, ok := g.(orb.Polygon); ok {
		return orb.MultiPolygon{p}
	}
	mp, _ := g.(orb.MultiPolygon)
	return mp
}

func (c *county) urban() bool {
	last := []rune(c.Name)
	return last[len(last)-1] == '区'
}

func (c *county) contains(p orb.Point) bool {
	return c.bound.Contains(p) && planar.MultiPolygonContains(c.shape, p)
}

// division returns the code of the township whose cell holds the point, which
// lies in the county: cells are what is nearest to their seed.
func (c *county) divisionAt(p orb.Point) string {
	code, nearest := c.Code, math.Inf(1)
	for _, t := range c.towns {
		if d := Distance(p, orb.Point{t.Lon, t.Lat}); d < nearest {
			code, nearest = t.Code, d
		}
	}
	return code
}

// Division returns the code of the township at a point, or "" outside the region.
func (g *Ground) Division(p orb.Point) string {
	if c := g.countyAt(p); c != nil {
		return c.divisionAt(p)
	}
	return ""
}

func (g *Ground) countyAt(p orb.Point) *county {
	for _, c := range g.counties {
		if c.contains(p) {
			return c
		}
	}
	return nil
}

// Contains reports whether the point lies in the region.
func (g *Ground) Contains(p orb.Point) bool { return g.countyAt(p) != nil }

// commonDivision returns the smallest division that holds all points which lie
// in the region at all, or "" if none does.
func (g *Ground) commonDivision(ps []orb.Point) string {
	common := ""
	for _, p := range ps {
		c := g.countyAt(p)
		switch {
		case c == nil:
		case common == "" || common == c.Code:
			common = c.Code
		case common[:4] == c.Code[:4]:
			common = c.Parent
		default:
			return "450000"
		}
	}
	return common
}
