// Package simulate plays the flood drill (汛期演练): ten minutes in which rain
// rises over the upper rivers, the flood runs down to Wuzhou, zones and roads go
// under water, people call, vehicles are sent, shelters fill, and the water falls
// again. None of it is a forecast or a real event, and every value says so.
//
// The drill is a pure function of its second: Scenario.At tells the whole state,
// and Run writes to a store what changed since the last tick. After 600 seconds
// everything is as it was, so it can play for ever. It works on any store that
// holds the sample layers.
//
// Coordinates are CRS84, lengths are km, levels m, rain mm in an hour, times
// seconds of the drill. Only commands import it; it imports sample-data and
// layers.
package simulate
