package simulate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	simple "github.com/peterstace/simplefeatures/geom"
	geomjson "github.com/twpayne/go-geom/encoding/geojson"

	"onemap/layers"
	sample "onemap/sample-data"
)

var testStart = time.Date(2026, 7, 1, 8, 0, 0, 0, layers.Beijing)

func testClock(second float64) time.Time {
	return testStart.Add(time.Duration(second * float64(time.Second)))
}

func newTestScenario(t *testing.T) *Scenario {
	t.Helper()
	s, err := NewScenario()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func digest(t *testing.T, state State, layerIDs []string) string {
	t.Helper()
	h := sha256.New()
	for _, id := range layerIDs {
		for _, e := range state[id] {
			properties, err := json.Marshal(e.Properties)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(h, id, e.ID, string(properties), e.Geometry.FlatCoords())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheDrillIsAFunctionOfItsSecond(t *testing.T) {
	a, b := newTestScenario(t), newTestScenario(t)
	seconds := []float64{0, 1, 57.5, 123, 300, 444, 599}
	want := map[float64]string{}
	for _, second := range seconds {
		want[second] = digest(t, a.At(second, testClock), a.Layers())
	}
	slices.Reverse(seconds)
	for _, second := range seconds {
		if got := digest(t, b.At(second, testClock), b.Layers()); got != want[second] {
			t.Errorf("second %v differs between two runs", second)
		}
	}
}

func TestTheDrillEndsWhereItBegan(t *testing.T) {
	s := newTestScenario(t)
	begin, end := s.At(0, testClock), s.At(Duration, testClock)
	for _, id := range s.Layers() {
		if len(begin[id]) != len(end[id]) {
			t.Errorf("%s: %d features at the beginning, %d at the end", id, len(begin[id]), len(end[id]))
			continue
		}
		for i, b := range begin[id] {
			e := end[id][i]
			delete(b.Properties, "observed_at")
			delete(e.Properties, "observed_at")
			if b.ID != e.ID || !same(b, e) {
				t.Errorf("%s/%s: began as %v, ended as %v", id, b.ID, b.Properties, e.Properties)
			}
		}
	}
}

func TestTheDrillBeginsInCalm(t *testing.T) {
	calm := map[string]string{"river-gauges": "normal", "rain-gauges": "none", "reservoirs": "normal", "roads": "open",
		"shelters": "standby", "patrol-vehicles": "patrol"}
	s := newTestScenario(t)
	for id, edits := range s.At(0, testClock) {
		for _, e := range edits {
			if want, ok := calm[id]; ok && e.Properties["status"] != want {
				t.Errorf("%s/%s is %v", id, e.ID, e.Properties["status"])
			}
		}
		if (id == "hazard-zones" || id == "hotline-incidents") && len(edits) > 0 {
			t.Errorf("%s: %d features", id, len(edits))
		}
	}
}

func TestEverythingThatTheDrillWritesFitsItsLayerAndSaysThatItIsADrill(t *testing.T) {
	defs := map[string]*layers.Layer{}
	for _, l := range sample.Layers() {
		defs[l.ID] = l
	}
	s := newTestScenario(t)
	for second := 0.0; second <= Duration; second += 15 {
		state := s.At(second, testClock)
		if len(state) != len(s.Layers()) {
			t.Fatalf("%d layers in the state, %d announced", len(state), len(s.Layers()))
		}
		for id, edits := range state {
			if _, err := defs[id].CheckEdits(edits); err != nil {
				t.Fatalf("second %v: %s: %v", second, id, err)
			}
			for _, e := range edits {
				if e.Properties["drill"] != true {
					t.Fatalf("%s/%s does not say that it is a drill", id, e.ID)
				}
				if d, _ := e.Properties["division"].(string); !strings.HasPrefix(d, "45") {
					t.Errorf("second %v: %s/%s has division %q", second, id, e.ID, d)
				}
			}
		}
	}
}

func TestTheDrillKeepsWhatTheSampleSaysOfAStation(t *testing.T) {
	w, err := sample.NewWorld(testStart)
	if err != nil {
		t.Fatal(err)
	}
	s := newTestScenario(t)
	state := s.At(200, testClock)
	for _, id := range []string{"river-gauges", "rain-gauges", "reservoirs", "roads", "shelters", "hospitals", "service-halls", "air-quality", "patrol-vehicles"} {
		features, err := w.Features(id)
		if err != nil {
			t.Fatal(err)
		}
		if len(features) != len(state[id]) {
			t.Fatalf("%s: %d features in the sample, %d in the drill", id, len(features), len(state[id]))
		}
		for i, f := range features {
			e := state[id][i]
			for _, fixed := range []string{"name", "name_en", "warn_m", "danger_m", "limit_m", "capacity", "beds", "plate"} {
				if f.ID != e.ID || f.Properties[fixed] != e.Properties[fixed] {
					t.Errorf("%s/%s.%s: %v in the sample, %v in the drill", id, f.ID, fixed, f.Properties[fixed], e.Properties[fixed])
				}
			}
		}
	}
}

func TestGaugesExceedTheirMarksOneAfterTheOtherDownstream(t *testing.T) {
	s := newTestScenario(t)
	first := map[string]float64{} // second at which the first gauge of a river is over its danger mark
	warned, endangered := map[string]bool{}, map[string]bool{}
	for second := 0.0; second < Duration; second++ {
		for _, e := range s.At(second, testClock)["river-gauges"] {
			level, status := e.Properties["level_m"].(float64), e.Properties["status"]
			want := "normal"
			if level >= e.Properties["warn_m"].(float64) {
				want, warned[e.ID] = "warn", true
			}
			if level >= e.Properties["danger_m"].(float64) {
				want, endangered[e.ID] = "danger", true
				river, _ := e.Properties["river"].(string)
				if _, seen := first[river]; !seen {
					first[river] = second
				}
			}
			if status != want {
				t.Fatalf("second %v: %s at %v m is %v", second, e.ID, level, status)
			}
		}
	}
	t.Logf("%d gauges over the warning mark, %d over the danger mark; first at %v", len(warned), len(endangered), first)
	if len(warned) < 40 || len(endangered) < 15 {
		t.Errorf("%d gauges over the warning mark, %d over the danger mark", len(warned), len(endangered))
	}
	if !(first["柳江"] < first["黔江"] && first["黔江"] < first["浔江"]) {
		t.Errorf("the crest does not run downstream: %v", first)
	}
}

func TestFloodZonesAreValidAreasThatGrowAndShrink(t *testing.T) {
	s := newTestScenario(t)
	if len(s.zones) < 10 {
		t.Errorf("%d zones", len(s.zones))
	}
	largest, risen, fallen := map[string]float64{}, map[string]bool{}, map[string]bool{}
	last := map[string]float64{}
	for second := 0.0; second < Duration; second += 3 {
		for _, e := range s.At(second, testClock)["hazard-zones"] {
			raw, err := geomjson.Marshal(e.Geometry)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := simple.UnmarshalGeoJSON(raw); err != nil { // validates
				t.Fatalf("second %v: %s: %v", second, e.ID, err)
			}
			area := e.Properties["area_km2"].(float64)
			risen[e.ID] = risen[e.ID] || area > last[e.ID]
			fallen[e.ID] = fallen[e.ID] || area < last[e.ID]
			largest[e.ID] = max(largest[e.ID], area)
			last[e.ID] = area
		}
	}
	for _, z := range s.zones {
		if !risen[z.id] || !fallen[z.id] || largest[z.id] < 5 {
			t.Errorf("%s: grows %v, shrinks %v, largest %v km²", z.id, risen[z.id], fallen[z.id], largest[z.id])
		}
	}
}

func TestEveryIncidentGoesItsWayAndIsClosedAtTheEnd(t *testing.T) {
	steps := []string{"", "new", "assigned", "working", "closed"}
	s := newTestScenario(t)
	stage := map[string]int{}
	byVehicle := 0
	for second := 0.0; second < 580; second++ {
		for _, e := range s.At(second, testClock)["hotline-incidents"] {
			now := slices.Index(steps, e.Properties["status"].(string))
			if now < stage[e.ID] || now > stage[e.ID]+1 {
				t.Errorf("second %v: %s goes from %s to %s", second, e.ID, steps[stage[e.ID]], steps[now])
			}
			if closedAt, ok := e.Properties["closed_at"].(time.Time); ok != (now == 4) || ok && closedAt.Before(e.Properties["reported_at"].(time.Time)) {
				t.Errorf("second %v: %s is %s and closed at %v", second, e.ID, steps[now], e.Properties["closed_at"])
			}
			stage[e.ID] = now
		}
	}
	if len(stage) != incidentCount {
		t.Errorf("%d incidents", len(stage))
	}
	for id, now := range stage {
		if steps[now] != "closed" {
			t.Errorf("%s is %s at the end", id, steps[now])
		}
	}
	for _, i := range s.incidents {
		if i.plate != "" {
			byVehicle++
		}
	}
	if byVehicle < incidentCount/3 {
		t.Errorf("vehicles handle %d of %d incidents", byVehicle, incidentCount)
	}
}

func TestVehiclesDriveNoFasterThanVehiclesDoAndArriveAtTheirIncident(t *testing.T) {
	s := newTestScenario(t)
	places := map[string][]float64{}
	for _, i := range s.incidents {
		places[i.id] = i.geometry.FlatCoords()
	}
	statuses := map[any]bool{}
	for _, v := range s.vehicles {
		before := v.at(0)
		for second := 1.0; second <= Duration; second++ {
			now := v.at(min(second, Duration-0.001))
			statuses[now.status] = true
			if kmh := sample.Distance(before.at, now.at) * 3600; kmh > fastest+5 {
				t.Fatalf("second %v: %s drives %.0f km/h (%s)", second, v.ID, kmh, now.status)
			}
			if place := places[now.task]; now.status == "on_scene" && (round(now.at[0], 5) != place[0] || round(now.at[1], 5) != place[1]) {
				t.Fatalf("second %v: %s is not where %s is", second, v.ID, now.task)
			}
			before = now
		}
		// 30 m: the speed on the beat is rounded to a tenth.
		if gap := sample.Distance(before.at, v.at(0).at); gap > 0.03 {
			t.Errorf("%s ends %.3f km from where it began", v.ID, gap)
		}
	}
	for _, want := range []string{"patrol", "dispatched", "on_scene", "returning", "standby"} {
		if !statuses[want] {
			t.Errorf("no vehicle is ever %s", want)
		}
	}
}

func TestSheltersRoadsAndReservoirsFollowTheFlood(t *testing.T) {
	s := newTestScenario(t)
	seen := map[string]map[any]bool{"shelters": {}, "roads": {}, "reservoirs": {}, "rain-gauges": {}}
	people := int64(0)
	for second := 0.0; second < Duration; second += 10 {
		state := s.At(second, testClock)
		inside := int64(0)
		for _, e := range state["shelters"] {
			n := e.Properties["occupied"].(int64)
			if n > e.Properties["capacity"].(int64) {
				t.Fatalf("%s holds %d people", e.ID, n)
			}
			inside += n
		}
		people = max(people, inside)
		for id := range seen {
			for _, e := range state[id] {
				seen[id][e.Properties["status"]] = true
			}
		}
	}
	want := map[string][]string{"shelters": {"standby", "open", "full"}, "roads": {"open", "flooded", "closed"},
		"reservoirs": {"normal", "over"}, "rain-gauges": {"none", "light", "moderate", "heavy", "storm"}}
	for id, statuses := range want {
		for _, status := range statuses {
			if !seen[id][status] {
				t.Errorf("%s is never %s", id, status)
			}
		}
	}
	if people < 5000 {
		t.Errorf("at most %d people in shelters", people)
	}
}

func TestStationsReportTheirLastReading(t *testing.T) {
	s := newTestScenario(t)
	a, b := s.At(100, testClock)["river-gauges"], s.At(101, testClock)["river-gauges"]
	changed := 0
	for i := range a {
		if !reflect.DeepEqual(a[i].Properties, b[i].Properties) {
			changed++
		}
		if age := testClock(101).Sub(b[i].Properties["observed_at"].(time.Time)); age < 0 || age > gaugeReports*time.Second {
			t.Errorf("%s was observed %v ago", b[i].ID, age)
		}
	}
	if changed == 0 || changed > len(a)/2 {
		t.Errorf("%d of %d gauges report in one second", changed, len(a))
	}
}
