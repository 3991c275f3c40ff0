package sample

import (
	"fmt"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// enterpriseCount is how many enterprises there are.
const enterpriseCount = 52_000

// enterprise is an invented legal entity. Each department's layer holds some of
// them, under the same credit code and at the same place.
type enterprise struct {
	number   int // from 1
	code     string
	at       orb.Point
	division string
	county   *county
	industry string
	founded  int64 // days ago
	status   string
}

func (e enterprise) name() string { return fmt.Sprintf("演示企业%06d", e.number) }

// showcase is how many enterprises, the first ones, every department knows, so
// that one card shows them all (一企一图).
const showcase = 300

// enterprises invents the enterprises, spread as the population is.
func (w *World) enterprises() []enterprise {
	r := newRandom("enterprises")
	es := make([]enterprise, enterpriseCount)
	for i := range es {
		c := r.county(w.Ground)
		sigma := 7.0 // km round the seat
		if !c.urban() {
			sigma = 5
		}
		p := r.settle(c, sigma)
		es[i] = enterprise{
			number: i + 1, code: creditCode(i + 1), at: p, division: c.divisionAt(p), county: c,
			industry: r.choose(choice{"manufacturing", 18}, choice{"food", 17}, choice{"trade", 28}, choice{"construction", 10},
				choice{"logistics", 8}, choice{"technology", 9}, choice{"agriculture", 10}),
			founded: r.count(30, 9000),
			status:  r.choose(choice{"active", 90}, choice{"abnormal", 5}, choice{"revoked", 2}, choice{"deregistered", 3}),
		}
	}
	return es
}

// known makes the features of one department: of the enterprises that meet the
// condition, the given share, and all showcase ones.
func (w *World) known(layer string, share float64, meets func(enterprise) bool, describe func(random, enterprise) map[string]any) []layers.Edit {
	r := newRandom(layer)
	var edits []layers.Edit
	for _, e := range w.enterprises() {
		if e.number > showcase && (r.Float64() >= share || e.status == "deregistered" || !meets(e)) {
			continue
		}
		properties := describe(r, e)
		properties["credit_code"], properties["name"], properties["division"] = e.code, e.name(), e.division
		edits = append(edits, layers.Edit{Op: layers.Put, ID: e.code, Geometry: point(e.at), Properties: properties})
	}
	return edits
}

func anyEnterprise(enterprise) bool { return true }

func ofIndustry(industries ...string) func(enterprise) bool {
	return func(e enterprise) bool {
		for _, i := range industries {
			if e.industry == i {
				return true
			}
		}
		return false
	}
}

func (w *World) registrations() []layers.Edit {
	es := w.enterprises()
	edits := make([]layers.Edit, len(es))
	for i, e := range es {
		edits[i] = layers.Edit{Op: layers.Put, ID: e.code, Geometry: point(e.at), Properties: map[string]any{
			"credit_code": e.code, "name": e.name(), "name_en": fmt.Sprintf("Demo Enterprise %06d", e.number),
			"industry": e.industry, "registered_on": w.date(e.founded), "status": e.status,
			"address": address(e.county, 1+e.number%800), "division": e.division}}
	}
	return edits
}

func (w *World) taxCredit() []layers.Edit {
	year := int64(w.now.In(layers.Beijing).Year() - 1)
	return w.known("tax-credit", 0.35, anyEnterprise, func(r random, _ enterprise) map[string]any {
		return map[string]any{
			"grade": r.choose(choice{"A", 18}, choice{"B", 45}, choice{"M", 22}, choice{"C", 10}, choice{"D", 5}),
			"year":  year,
		}
	})
}

func (w *World) socialInsurance() []layers.Edit {
	return w.known("social-insurance", 0.3, anyEnterprise, func(r random, _ enterprise) map[string]any {
		return map[string]any{
			"insured": 1 + int64(r.ExpFloat64()*24),
			"status":  r.choose(choice{"paid", 90}, choice{"owing", 7}, choice{"suspended", 3}),
		}
	})
}

func (w *World) foodLicences() []layers.Edit {
	return w.known("food-licences", 0.8, ofIndustry("food"), func(r random, e enterprise) map[string]any {
		left := r.count(-120, 1800) // days
		status := "valid"
		switch {
		case left < 0:
			status = "expired"
		case left < 60:
			status = "expiring"
		}
		return map[string]any{"licence_no": fmt.Sprintf("DEMO-FOOD-%06d", e.number), "valid_until": w.date(-left), "status": status}
	})
}

func (w *World) pollutionPermits() []layers.Edit {
	return w.known("pollution-permits", 0.2, ofIndustry("manufacturing"), func(r random, _ enterprise) map[string]any {
		return map[string]any{
			"category":    r.choose(choice{"key", 12}, choice{"simplified", 30}, choice{"registered", 58}),
			"valid_until": w.date(-r.count(30, 1800)),
		}
	})
}

func (w *World) safetyEnterprises() []layers.Edit {
	return w.known("safety-enterprises", 0.12, ofIndustry("manufacturing", "construction"), func(r random, _ enterprise) map[string]any {
		return map[string]any{
			"risk":          r.choose(choice{"red", 5}, choice{"orange", 15}, choice{"yellow", 40}, choice{"blue", 40}),
			"inspected_on":  w.date(r.count(1, 360)),
			"open_findings": int64(r.ExpFloat64() * 2),
		}
	})
}

// foodInspections are those of Liuzhou's department, in its own city.
func (w *World) foodInspections() []layers.Edit {
	r := newRandom("food-inspections")
	var edits []layers.Edit
	for _, e := range w.enterprises() {
		if e.county.Parent != "450200" || e.industry != "food" || e.status != "active" || r.Float64() > 0.5 {
			continue
		}
		n := len(edits) + 1
		edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("inspection-%04d", n), Geometry: point(e.at), Properties: map[string]any{
			"name": fmt.Sprintf("示例检查%04d", n), "credit_code": e.code, "division": e.division,
			"result":       r.choose(choice{"pass", 86}, choice{"rectify", 11}, choice{"fail", 3}),
			"inspected_on": w.date(r.count(0, 90)),
		}})
	}
	return edits
}
