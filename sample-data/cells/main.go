// Command cells cuts schematic cells for the townships, of which only the codes
// and names are known: Voronoi cells round invented points inside each county's
// schematic polygon. Cells of a county share their borders and fill it.
//
// Run by go generate in sample-data; the result is committed because cutting is
// slower than reading. Nobody imports it.
package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// squeeze is the length of a degree of longitude in degrees of latitude, at the
// region's middle; distances are measured so.
var squeeze = math.Cos(23.6 * math.Pi / 180)

type xy = geom.XY

type township struct{ code, name string }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cells:", err)
		os.Exit(1)
	}
}

func run() error {
	counties, seats, err := readCounties("base/divisions-schematic.geojson")
	if err != nil {
		return err
	}
	towns, err := readTownships("base/townships.csv")
	if err != nil {
		return err
	}
	f, err := os.Create("base/townships-schematic.geojson")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, `{"type":"FeatureCollection","features":[`)
	sep := "\n"
	for _, county := range sortedKeys(counties) {
		area := counties[county]
		seeds := placeSeeds(county, area, seats[county], towns[county])
		for i, t := range towns[county] {
			cell, err := geom.Intersection(area, convexCell(seeds, i, area))
			if err != nil {
				return fmt.Errorf("%s: %w", t.code, err)
			}
			cell, err = polygonal(cell)
			if err != nil {
				return fmt.Errorf("%s: %w", t.code, err)
			}
			g, err := cell.MarshalJSON()
			if err != nil {
				return err
			}
			fmt.Fprintf(w, `%s{"type":"Feature","id":"%s","properties":{"code":"%s","name":"%s","county_code":"%s","lon":%.5f,"lat":%.5f},"geometry":%s}`,
				sep, t.code, t.code, t.name, county, seeds[i].X, seeds[i].Y, g)
			sep = ",\n"
		}
	}
	fmt.Fprint(w, "\n]}\n")
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// placeSeeds invents a place for each township, the same at each run.
// Subdistricts (街道) lie close to the seat, others keep their distance.
func placeSeeds(county string, area geom.Geometry, seat xy, towns []township) []xy {
	h := fnv.New64a()
	h.Write([]byte(county))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	seeds := make([]xy, 0, len(towns))
	radius := math.Sqrt(area.Area() / squeeze) // of a square as large as the county, in degrees
	for _, t := range towns {
		if t.code == "450502100" { // Weizhou town is the island
			seeds = append(seeds, xy{X: 109.11, Y: 21.04})
			continue
		}
		reach := 2 * radius
		if strings.HasSuffix(t.name, "街道") {
			reach = 0.3 * radius
		}
		best, bestDistance := seat, -1.0
		for tries := 0; tries < 400; {
			p := xy{X: seat.X + (2*rng.Float64()-1)*reach/squeeze, Y: seat.Y + (2*rng.Float64()-1)*reach}
			if reach > radius { // anywhere in the county
				b := area.Envelope()
				lo, hi, _ := b.MinMaxXYs()
				p = xy{X: lo.X + rng.Float64()*(hi.X-lo.X), Y: lo.Y + rng.Float64()*(hi.Y-lo.Y)}
			}
			tries++
			p = round(p)
			if !geom.Intersects(area, p.AsPoint().AsGeometry()) || p.Y < 21.2 {
				continue
			}
			tries += 20
			d := math.Inf(1)
			for _, s := range seeds {
				d = math.Min(d, distance2(p, s))
			}
			if len(seeds) == 0 {
				d = 1 / (1e-6 + distance2(p, seat)) // the first one is near the seat
			}
			if d > bestDistance {
				best, bestDistance = p, d
			}
		}
		seeds = append(seeds, best)
	}
	return seeds
}

func distance2(a, b xy) float64 {
	dx, dy := (a.X-b.X)*squeeze, a.Y-b.Y
	return dx*dx + dy*dy
}

// convexCell is what of the county's bounds is nearer to seed i than to any other.
func convexCell(seeds []xy, i int, area geom.Geometry) geom.Geometry {
	lo, hi, _ := area.Envelope().MinMaxXYs()
	ring := []xy{{X: lo.X - 1, Y: lo.Y - 1}, {X: hi.X + 1, Y: lo.Y - 1}, {X: hi.X + 1, Y: hi.Y + 1}, {X: lo.X - 1, Y: hi.Y + 1}}
	s := seeds[i]
	for j, o := range seeds {
		if j == i {
			continue
		}
		// Nearer to s: f(p) = |p-o|² - |p-s|² ≥ 0, linear in p.
		f := func(p xy) float64 { return distance2(p, o) - distance2(p, s) }
		var kept []xy
		for k, a := range ring {
			b := ring[(k+1)%len(ring)]
			fa, fb := f(a), f(b)
			if fa >= 0 {
				kept = append(kept, a)
			}
			if (fa < 0) != (fb < 0) {
				u := fa / (fa - fb)
				kept = append(kept, xy{X: a.X + u*(b.X-a.X), Y: a.Y + u*(b.Y-a.Y)})
			}
		}
		ring = kept
	}
	var flat []float64
	for _, p := range append(ring, ring[0]) {
		flat = append(flat, p.X, p.Y)
	}
	line := geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
	return geom.NewPolygon([]geom.LineString{line}).AsGeometry()
}

// polygonal rounds to five decimals (about a metre) and keeps the polygons of g.
func polygonal(g geom.Geometry) (geom.Geometry, error) {
	g = g.TransformXY(round)
	if err := g.Validate(); err != nil {
		return g, err
	}
	if !g.IsPolygon() && !g.IsMultiPolygon() {
		return g, fmt.Errorf("cell is a %s", g.Type())
	}
	return g.ForceCCW(), nil
}

func round(p xy) xy {
	return xy{X: math.Round(p.X*1e5) / 1e5, Y: math.Round(p.Y*1e5) / 1e5}
}

func readCounties(name string) (map[string]geom.Geometry, map[string]xy, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	var doc struct {
		Features []struct {
			Properties struct {
				Code  string  `json:"code"`
				Level int     `json:"level"`
				Lon   float64 `json:"label_lon"`
				Lat   float64 `json:"label_lat"`
			} `json:"properties"`
			Geometry json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, nil, err
	}
	counties, seats := map[string]geom.Geometry{}, map[string]xy{}
	for _, f := range doc.Features {
		if f.Properties.Level != 3 {
			continue
		}
		g, err := geom.UnmarshalGeoJSON(f.Geometry)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.Properties.Code, err)
		}
		counties[f.Properties.Code] = g
		seats[f.Properties.Code] = xy{X: f.Properties.Lon, Y: f.Properties.Lat}
	}
	return counties, seats, nil
}

func readTownships(name string) (map[string][]township, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	towns := map[string][]township{}
	for _, r := range rows[1:] {
		if _, err := strconv.Atoi(r[0]); err != nil || len(r[0]) != 9 {
			return nil, fmt.Errorf("%s: %q is not a township code", name, r[0])
		}
		towns[r[2]] = append(towns[r[2]], township{code: r[0], name: r[1]})
	}
	return towns, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
