package cql2

import (
	"github.com/twpayne/go-geom"
)

// mustGeometry reads well-known text as a filter would.
func mustGeometry(wkt string) geom.T {
	e, err := ParseText("S_EQUALS(g, " + wkt + ")")
	if err != nil {
		panic(err)
	}
	return e.(*Call).Args[1].(*Literal).Value.(*Shape).Geometry()
}
