package config

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
)

// check reports the first setting that can't work, by its name and with a remedy.
func (c *Config) check() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("addr: %q is not HOST:PORT, such as 127.0.0.1:8080", c.Addr)
	}
	if c.Data == "" {
		return fmt.Errorf("data: name a directory, such as ./data")
	}
	if _, err := c.Log.SlogLevel(); err != nil {
		return err
	}
	if formats := []string{"text", "json"}; !slices.Contains(formats, c.Log.Format) {
		return fmt.Errorf("log.format: %q is not one of %s", c.Log.Format, strings.Join(formats, ", "))
	}
	if c.Shutdown < 0 {
		return fmt.Errorf("shutdown: %v is negative", c.Shutdown)
	}
	if c.Tiles.Cache < 0 {
		return fmt.Errorf("tiles.cache: %d MiB is negative; 0 keeps no tile", c.Tiles.Cache)
	}
	if c.Tiles.Memory < 0 {
		return fmt.Errorf("tiles.memory: %d MiB is negative; 0 keeps no layer in memory", c.Tiles.Memory)
	}
	if c.Tiles.PushDown < 0 {
		return fmt.Errorf("tiles.pushDown: %d is negative; 0 means never", c.Tiles.PushDown)
	}
	return c.Map.check()
}

func (m *Map) check() error {
	w, s, e, n := m.Bounds[0], m.Bounds[1], m.Bounds[2], m.Bounds[3]
	if w >= e || s >= n || w < -180 || e > 180 || s < -90 || n > 90 {
		return fmt.Errorf("map.bounds: %v is not west, south, east, north in degrees", m.Bounds)
	}
	if x, y := m.Center[0], m.Center[1]; x < w || x > e || y < s || y > n {
		return fmt.Errorf("map.center: %v is not longitude, latitude inside map.bounds", m.Center)
	}
	if m.MinZoom < 0 || m.MinZoom > m.Zoom || m.Zoom > m.MaxZoom || m.MaxZoom > 24 {
		return fmt.Errorf("map.zoom: needs 0 <= minZoom <= zoom <= maxZoom <= 24, has %v, %v, %v", m.MinZoom, m.Zoom, m.MaxZoom)
	}
	return nil
}

// SlogLevel returns the level as slog knows it.
func (l Log) SlogLevel() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return 0, fmt.Errorf("log.level: %q is not one of debug, info, warn, error", l.Level)
	}
	return level, nil
}
