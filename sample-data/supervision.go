package sample

import (
	"fmt"
	"time"

	"onemap/layers"
)

// AQI converts a daily mean of PM2.5 in μg/m³ to the index, by the breakpoints
// of HJ 633-2012, and names its grade.
func AQI(pm25 float64) (index int64, grade string) {
	breaks := []struct{ pm, aqi float64 }{{0, 0}, {35, 50}, {75, 100}, {115, 150}, {150, 200}, {250, 300}, {500, 500}}
	grades := []string{"excellent", "good", "light", "moderate", "heavy", "heavy"}
	for i := 1; i < len(breaks); i++ {
		lo, hi := breaks[i-1], breaks[i]
		if pm25 <= hi.pm || i == len(breaks)-1 {
			v := lo.aqi + (hi.aqi-lo.aqi)*(min(pm25, hi.pm)-lo.pm)/(hi.pm-lo.pm)
			return int64(v + 0.5), grades[i-1]
		}
	}
	return 0, ""
}

func (w *World) airQuality() []layers.Edit {
	r := newRandom("air-quality")
	var edits []layers.Edit
	for n := 1; n <= 90; n++ {
		c := w.Ground.counties[(n-1)*len(w.Ground.counties)/90]
		pm := r.between(10, 60, 0.1)
		if r.Float64() < 0.06 {
			pm = r.between(76, 130, 0.1)
		}
		aqi, grade := AQI(pm)
		edits = append(edits, w.place(fmt.Sprintf("air-%03d", n), c, r.settle(c, 3), map[string]any{
			"name": fmt.Sprintf("示例空气站%03d", n), "name_en": fmt.Sprintf("Sample Air Station %03d", n),
			"aqi": aqi, "pm25": pm, "grade": grade, "observed_at": w.now.Truncate(time.Hour), "drill": true,
		}))
	}
	return edits
}

// constructionSites are those that Nanning's department reported, late.
func (w *World) constructionSites() []layers.Edit {
	r := newRandom("construction-sites")
	asOf := w.asOf("construction-sites")
	var nanning []*county
	var weights []float64
	for _, c := range w.Ground.counties {
		if c.Parent == "450100" {
			nanning, weights = append(nanning, c), append(weights, c.weight)
		}
	}
	var edits []layers.Edit
	for n := 1; n <= 600; n++ {
		c := nanning[r.pick(weights)]
		stage := r.choose(choice{"foundation", 25}, choice{"structure", 45}, choice{"finishing", 24}, choice{"stopped", 6})
		progress := map[string][2]int{"foundation": {1, 25}, "structure": {26, 70}, "finishing": {71, 99}, "stopped": {5, 80}}[stage]
		edits = append(edits, w.place(fmt.Sprintf("site-%04d", n), c, r.settle(c, 6), map[string]any{
			"name": fmt.Sprintf("示例工地%04d", n), "name_en": fmt.Sprintf("Sample Site %04d", n),
			"stage": stage, "progress_pct": r.count(progress[0], progress[1]), "dust_ugm3": r.between(30, 180, 0.1),
			"address": address(c, n), "observed_at": asOf.Add(-time.Duration(r.count(0, 72)) * time.Hour),
		}))
	}
	return edits
}

func (w *World) emergencySupplies() []layers.Edit {
	r := newRandom("emergency-supplies")
	asOf := w.asOf("emergency-supplies")
	var edits []layers.Edit
	for n := 1; n <= 160; n++ {
		c := w.Ground.counties[(n-1)%len(w.Ground.counties)]
		edits = append(edits, w.place(fmt.Sprintf("depot-%03d", n), c, r.settle(c, 5), map[string]any{
			"name": fmt.Sprintf("示例物资库%03d", n), "name_en": fmt.Sprintf("Sample Depot %03d", n),
			"kind":     r.choose(choice{"boats", 1}, choice{"pumps", 2}, choice{"tents", 3}, choice{"jackets", 3}, choice{"food", 2}),
			"quantity": r.count(10, 900), "observed_at": asOf.Add(-time.Duration(r.count(0, 200)) * time.Hour),
		}))
	}
	return edits
}

func (w *World) priceMonitoring() []layers.Edit {
	r := newRandom("price-monitoring")
	asOf := w.asOf("price-monitoring")
	var edits []layers.Edit
	for n := 1; n <= 84; n++ {
		c := w.Ground.countyAt(w.Ground.cities[(n-1)%len(w.Ground.cities)].seat())
		edits = append(edits, w.place(fmt.Sprintf("price-%03d", n), c, r.settle(c, 3), map[string]any{
			"name": fmt.Sprintf("示例价格点%03d", n), "name_en": fmt.Sprintf("Sample Price Point %03d", n),
			"item":       []string{"rice", "pork", "vegetables"}[r.IntN(3)],
			"demo_index": r.between(90, 110, 0.1), "observed_at": asOf,
		}))
	}
	return edits
}

// demoIndex is noise by county, for class maps: no figure of any real economy.
func (w *World) demoIndex() []layers.Edit {
	r := newRandom("demo-index")
	asOf := w.asOf("demo-index")
	var edits []layers.Edit
	for _, d := range w.divisions {
		if p := d.Properties; p.Level == 3 {
			edits = append(edits, layers.Edit{Op: layers.Put, ID: p.Code, Geometry: d.Geometry, Properties: map[string]any{
				"name": p.Name + "示例指数", "demo_index": r.between(0, 100, 0.1), "division": p.Code, "observed_at": asOf}})
		}
	}
	return edits
}
