package sample

import (
	"fmt"
	"math"
	"time"

	"onemap/layers"
)

func (w *World) hospitals() []layers.Edit {
	r := newRandom("hospitals")
	var edits []layers.Edit
	for n := 1; n <= 400; n++ {
		c := r.county(w.Ground)
		if n <= len(w.Ground.counties) { // one in every county
			c = w.Ground.counties[n-1]
		}
		grade, beds := "1", r.count(20, 90)
		switch x := r.Float64(); {
		case x < 0.15 && c.urban():
			grade, beds = "3", r.count(600, 1800)
		case x < 0.55:
			grade, beds = "2", r.count(100, 500)
		}
		edits = append(edits, w.place(fmt.Sprintf("hospital-%03d", n), c, r.settle(c, 5), map[string]any{
			"name": fmt.Sprintf("示例医院%03d", n), "name_en": fmt.Sprintf("Sample Hospital %03d", n),
			"grade": grade, "beds": beds, "beds_free": int64(float64(beds) * r.between(0.08, 0.3, 0.01)),
			"address": address(c, n), "observed_at": w.now.Add(-time.Duration(r.count(5, 300)) * time.Minute), "drill": true,
		}))
	}
	return edits
}

func (w *World) schools() []layers.Edit {
	r := newRandom("schools")
	kinds := map[string][2]string{
		"primary": {"示例小学", "Sample Primary School"}, "junior": {"示例初中", "Sample Junior School"},
		"senior": {"示例高中", "Sample Senior School"}, "vocational": {"示例职校", "Sample Vocational School"},
	}
	var edits []layers.Edit
	for n := 1; n <= 1500; n++ {
		c := r.county(w.Ground)
		kind := r.choose(choice{"primary", 62}, choice{"junior", 24}, choice{"senior", 9}, choice{"vocational", 5})
		edits = append(edits, w.place(fmt.Sprintf("school-%04d", n), c, r.settle(c, 6), map[string]any{
			"name": fmt.Sprintf("%s%04d", kinds[kind][0], n), "name_en": fmt.Sprintf("%s %04d", kinds[kind][1], n),
			"kind": kind, "pupils": r.count(120, 2600), "address": address(c, n),
		}))
	}
	return edits
}

// WaitMinutes is how long a queue takes: four minutes a person and counter.
func WaitMinutes(queue, windows int64) float64 {
	return round(float64(queue)*4/float64(max(windows, 1)), 0.1)
}

// HallStatus is the state of a service hall by the expected wait.
func HallStatus(waitMinutes float64) string {
	switch {
	case waitMinutes >= 30:
		return "crowded"
	case waitMinutes >= 15:
		return "busy"
	}
	return "smooth"
}

// serviceHalls has one hall for each city and one for each county.
func (w *World) serviceHalls() []layers.Edit {
	r := newRandom("service-halls")
	var edits []layers.Edit
	add := func(c *county, of division) {
		n := len(edits) + 1
		windows := r.count(4, 12)
		if of.Level == 2 {
			windows = r.count(14, 30)
		}
		queue := int64(float64(windows) * r.between(0.5, 5, 0.1))
		wait := WaitMinutes(queue, windows)
		p := r.near(c.seat(), 1)
		if !c.contains(p) { // a seat may lie outside its schematic cell
			p = r.settle(c, 2)
		}
		edits = append(edits, w.place("hall-"+of.Code, c, p, map[string]any{
			"name": fmt.Sprintf("%s示例政务大厅%03d", of.Name, n), "name_en": fmt.Sprintf("Sample Service Hall %03d, %s", n, of.NameEn),
			"windows": windows, "queue": queue, "wait_min": wait, "status": HallStatus(wait),
			"observed_at": w.now, "drill": true,
		}))
	}
	for _, city := range w.Ground.cities {
		c := w.Ground.countyAt(city.seat())
		add(c, city)
	}
	for _, c := range w.Ground.counties {
		add(c, c.division)
	}
	return edits
}

func (w *World) socialAid() []layers.Edit {
	r := newRandom("social-aid")
	var edits []layers.Edit
	for _, c := range w.Ground.counties {
		if c.Code != "450181" {
			continue
		}
		for n := 1; n <= 60; n++ {
			edits = append(edits, w.place(fmt.Sprintf("aid-%03d", n), c, r.settle(c, 7), map[string]any{
				"name": fmt.Sprintf("示例救助点%03d", n), "households": r.count(1, 40),
				"kind": r.choose(choice{"minimum", 7}, choice{"temporary", 3}),
			}))
		}
	}
	return edits
}

// routineIncidents are calls of everyday life, which the drill leaves alone.
func (w *World) routineIncidents() []layers.Edit {
	r := newRandom("hotline-incidents")
	what := [][3]string{
		{"power", "小区停电", "Power cut in a compound"}, {"power", "自来水水压低", "Low water pressure"},
		{"road", "路面破损", "Damaged road surface"}, {"road", "路灯不亮", "Street light out"},
		{"other", "噪声扰民", "Noise"}, {"other", "垃圾未清运", "Rubbish not collected"}, {"other", "占道停车", "Parking in the way"},
	}
	var edits []layers.Edit
	for n := 1; n <= 60; n++ {
		c := r.county(w.Ground)
		k := what[r.IntN(len(what))]
		reported := w.now.Add(-time.Duration(r.count(20, 1400)) * time.Minute)
		properties := map[string]any{
			"title": fmt.Sprintf("【演示】%s：%s（示例诉求%03d）", c.Name, k[1], n), "title_en": fmt.Sprintf("[Demo] %s: %s (sample call %03d)", c.NameEn, k[2], n),
			"category": k[0], "status": r.choose(choice{"assigned", 12}, choice{"working", 18}, choice{"closed", 70}),
			"reported_at": reported, "drill": true,
		}
		if properties["status"] == "closed" {
			took := math.Min(w.now.Sub(reported).Minutes()-1, float64(r.count(15, 300)))
			properties["closed_at"] = reported.Add(time.Duration(took) * time.Minute)
		}
		edits = append(edits, w.place(fmt.Sprintf("call-%03d", n), c, r.settle(c, 4), properties))
	}
	return edits
}
