// Package config reads the server's settings: a YAML file, ONEMAP_* environment
// variables and flags, where flags win over the environment, the environment
// over the file, and the file over the defaults.
//
// Every setting has one dotted name, its path in the file ("log.level"). Its
// environment variable follows from that name (ONEMAP_LOG_LEVEL).
//
// Only cmd imports it.
package config

import (
	"time"
)

// FileName is the settings file that is looked for in the data directory.
const FileName = "onemap.yaml"

// Config is every setting, with the names that the file uses.
type Config struct {
	Addr       string        `yaml:"addr"`       // HOST:PORT to listen on
	Data       string        `yaml:"data"`       // data directory
	Store      string        `yaml:"store"`      // URL of an outside store; empty is the embedded one
	Replica    string        `yaml:"replica"`    // URL of a read replica of the store; empty: there is none
	Sample     bool          `yaml:"sample"`     // fill an empty store with the sample data
	Simulate   bool          `yaml:"simulate"`   // keep the flood drill running
	Shutdown   time.Duration `yaml:"shutdown"`   // longest wait for requests that run when the server stops
	TrustProxy bool          `yaml:"trustProxy"` // believe X-Forwarded-Proto and X-Forwarded-Host
	Log        Log           `yaml:"log"`
	Tiles      Tiles         `yaml:"tiles"`
	Map        Map           `yaml:"map"`
}

// Log says how the server logs to stderr.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}

// Tiles says how vector tiles are made.
type Tiles struct {
	Cache    int64 `yaml:"cache"`    // what cached tiles may take, in MiB; 0: none is kept
	Memory   int64 `yaml:"memory"`   // MiB that layers may take in memory; what does not fit is read tile by tile
	PushDown int64 `yaml:"pushDown"` // features of a layer from which on PostGIS makes its tiles; 0: never
}

// Map is what the pages show of the map as a whole.
type Map struct {
	Title        Title      `yaml:"title" json:"title"`
	ReviewNumber string     `yaml:"reviewNumber" json:"reviewNumber"` // 审图号; while empty every page says that the map is unreviewed
	Bounds       [4]float64 `yaml:"bounds" json:"bounds"`             // west, south, east, north in degrees, CRS84: the camera stays inside
	Center       [2]float64 `yaml:"center" json:"center"`             // longitude, latitude in degrees, CRS84
	Zoom         float64    `yaml:"zoom" json:"zoom"`
	MinZoom      float64    `yaml:"minZoom" json:"minZoom"`
	MaxZoom      float64    `yaml:"maxZoom" json:"maxZoom"`
}

// Title is the name of the whole map.
type Title struct {
	Zh string `yaml:"zh" json:"zh"`
	En string `yaml:"en" json:"en"`
}

// Default returns the settings that hold where nobody says otherwise.
func Default() Config {
	return Config{
		Addr:     "127.0.0.1:8080",
		Data:     "./data",
		Shutdown: 10 * time.Second,
		Log:      Log{Level: "info", Format: "text"},
		Tiles:    Tiles{Cache: 256, Memory: 2048},
		Map: Map{
			Title:   Title{Zh: "广西政务数据一张图", En: "One Map of Guangxi Government Data"},
			Bounds:  [4]float64{103.5, 20.2, 113, 27},
			Center:  [2]float64{108.6, 23.6},
			Zoom:    6.2,
			MinZoom: 5,
			MaxZoom: 18,
		},
	}
}
