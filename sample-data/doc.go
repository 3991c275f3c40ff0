// Package sample is the sample data embedded in the binary: a base map of
// Guangxi and the layers of invented departments that tell one story, a flood
// drill. What is invented says so in its name, its layer and its catalogue
// entry; NOTICE.md names the sources and licences of the rest.
//
// Everything is made from one seed: the same binary makes the same data, except
// for times, which are relative to the moment of loading. All coordinates are
// CRS84; all outlines are schematic.
//
// Commands and internal/simulate may import it; it imports layers only.
package sample
