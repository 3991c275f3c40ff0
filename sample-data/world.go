package sample

import (
	"fmt"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// World is the invented province at one moment: what every layer holds before
// the drill begins.
type World struct {
	Ground  *Ground
	Reaches []*Reach

	now       time.Time
	divisions []row[division]
	townships []row[township]
	rivers    []row[river]
	coast     []row[struct{}]
}

// NewWorld reads the embedded base data. Observation times are relative to now.
func NewWorld(now time.Time) (*World, error) {
	w := &World{now: now.UTC().Truncate(time.Second)}
	var err error
	if w.divisions, err = readBase[division]("divisions-schematic.geojson"); err != nil {
		return nil, err
	}
	if w.townships, err = readBase[township]("townships-schematic.geojson"); err != nil {
		return nil, err
	}
	if w.rivers, err = readBase[river]("rivers.geojson"); err != nil {
		return nil, err
	}
	if w.coast, err = readBase[struct{}]("coast.geojson"); err != nil {
		return nil, err
	}
	w.Ground = newGround(w.divisions, w.townships)
	w.Reaches, err = newReaches(w.rivers)
	return w, err
}

// Features returns what the layer holds, as edits that put it there.
func (w *World) Features(layer string) ([]layers.Edit, error) {
	generate, ok := map[string]func() []layers.Edit{
		"region-outline": w.outlineFeatures,
		"divisions":      w.divisionFeatures,
		"townships":      w.townshipFeatures,
		"rivers":         w.riverFeatures,
		"coast":          w.coastFeatures,
		"place-names":    w.placeNames,

		"enterprises":        w.registrations,
		"tax-credit":         w.taxCredit,
		"social-insurance":   w.socialInsurance,
		"food-licences":      w.foodLicences,
		"pollution-permits":  w.pollutionPermits,
		"safety-enterprises": w.safetyEnterprises,
		"food-inspections":   w.foodInspections,

		"hospitals":         w.hospitals,
		"schools":           w.schools,
		"service-halls":     w.serviceHalls,
		"social-aid":        w.socialAid,
		"hotline-incidents": w.routineIncidents,

		"reservoirs":      w.reservoirs,
		"river-gauges":    w.gaugeFeatures,
		"rain-gauges":     w.rainGauges,
		"hazard-zones":    w.standingHazards,
		"shelters":        w.shelters,
		"roads":           w.roadFeatures,
		"patrol-vehicles": w.vehicles,

		"air-quality":        w.airQuality,
		"construction-sites": w.constructionSites,
		"emergency-supplies": w.emergencySupplies,
		"price-monitoring":   w.priceMonitoring,
		"demo-index":         w.demoIndex,
	}[layer]
	if !ok {
		return nil, fmt.Errorf("sample: no layer %q", layer)
	}
	return generate(), nil
}

// asOf returns as of when the layer's data hold. Some departments are late on
// purpose, to show freshness (晒时效).
func (w *World) asOf(layer string) time.Time {
	const day = 24 * time.Hour
	switch layer {
	case "construction-sites": // monthly: late until 93 days
		return w.now.Add(-45 * day)
	case "emergency-supplies": // quarterly: late until 276 days
		return w.now.Add(-150 * day)
	case "demo-index": // monthly: lost after 93 days
		return w.now.Add(-140 * day)
	case "price-monitoring": // weekly: a zombie after a year
		return w.now.Add(-500 * day)
	}
	return w.now
}

// place makes the edit for a point feature, whose division follows from where it is.
func (w *World) place(id string, c *county, p orb.Point, properties map[string]any) layers.Edit {
	properties["division"] = c.divisionAt(p)
	return layers.Edit{Op: layers.Put, ID: id, Geometry: point(p), Properties: properties}
}

// date returns the day so many days before now, in China.
func (w *World) date(daysAgo int64) layers.Date {
	return layers.Date(w.now.In(layers.Beijing).AddDate(0, 0, -int(daysAgo)).Format(time.DateOnly))
}

// address invents an address in the county, without a real street.
func address(c *county, n int) string { return fmt.Sprintf("%s示例路%d号", c.Name, n) }
