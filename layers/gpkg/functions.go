package gpkg

import (
	"database/sql/driver"
	"sync"

	"modernc.org/sqlite"
)

// registerFunctions gives SQLite the functions that the GeoPackage R-tree
// triggers call (annex F.3). The driver keeps them for the whole process.
var registerFunctions = sync.OnceValue(func() error {
	// The blobs are SQLite's own memory: nothing of them is kept.
	register := func(name string, f func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error)) error {
		return sqlite.RegisterFunction(name, &sqlite.FunctionImpl{NArgs: 1, Deterministic: true, VolatileArgs: true, Scalar: f})
	}
	bound := func(pick func(minX, maxX, minY, maxY float64) float64) func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			blob, _ := args[0].([]byte)
			b, ok := blobBound(blob)
			if !ok {
				return nil, nil
			}
			return pick(b.Min[0], b.Max[0], b.Min[1], b.Max[1]), nil
		}
	}
	for name, pick := range map[string]func(minX, maxX, minY, maxY float64) float64{
		"ST_MinX": func(v, _, _, _ float64) float64 { return v },
		"ST_MaxX": func(_, v, _, _ float64) float64 { return v },
		"ST_MinY": func(_, _, v, _ float64) float64 { return v },
		"ST_MaxY": func(_, _, _, v float64) float64 { return v },
	} {
		if err := register(name, bound(pick)); err != nil {
			return err
		}
	}
	return register("ST_IsEmpty", func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		blob, ok := args[0].([]byte)
		if !ok {
			return nil, nil
		}
		if _, ok := blobBound(blob); ok {
			return int64(0), nil
		}
		return int64(1), nil
	})
})
