package config

import _ "embed"

// Example is the documented settings file; its values are the defaults.
//
//go:embed example.yaml
var Example string
