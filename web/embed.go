// Package web holds the pages: the explorer at /, the wall at /wall and the
// reference of the API at /api/reference, built by Vite from src/ into dist/, and
// the handler that serves them.
//
// The package compiles without Node: while dist/ is empty it serves a page that
// says how to build the pages. Only cmd imports it; it imports nothing of onemap.
package web

import (
	"embed"
	"io/fs"
)

// dist is not in version control but for .gitkeep, which keeps this pattern
// valid before the first build.
//
//go:embed all:dist placeholder
var files embed.FS

// FS returns the built pages, or the placeholder if they were not built.
func FS() fs.FS {
	if _, err := fs.Stat(files, "dist/index.html.gz"); err == nil {
		return sub("dist")
	}
	return sub("placeholder")
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil { // only for a path that is not valid
		panic(err)
	}
	return f
}
