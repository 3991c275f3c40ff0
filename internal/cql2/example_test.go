package cql2_test

import (
	"fmt"

	"github.com/twpayne/go-geom"

	"onemap/internal/cql2"
)

type hospital map[string]any

func (h hospital) Value(name string) any { return h[name] }

func Example() {
	e, err := cql2.ParseText("beds > 200 AND S_DWITHIN(geom, POINT(108.33 22.81), 5000)")
	if err != nil {
		panic(err)
	}
	f, err := cql2.Compile(e, cql2.Queryables{"beds": cql2.Integer, "geom": cql2.Geometry}, nil)
	if err != nil {
		panic(err)
	}
	near := cql2.NewShape(geom.NewPointFlat(geom.XY, []float64{108.34, 22.82}))
	fmt.Println(f.Match(hospital{"beds": int64(300), "geom": near}))
	fmt.Println(f.Match(hospital{"geom": near})) // null beds are unknown

	_, err = cql2.ParseText("beds 200")
	fmt.Println(err)
	// Output:
	// true
	// false
	// column 6: unexpected 200 (expected a comparison or IS NULL after the property)
}
