package main

import (
	"context"
	"time"

	"github.com/paulmach/orb"

	"onemap/internal/api"
	"onemap/internal/config"
	"onemap/layers"
	"onemap/layers/postgis"
)

// measure names the numbers of the parts that /metrics shows. The parts know
// nothing of Prometheus: they are asked.
func (s *server) measure() error {
	for _, g := range []struct {
		name, help string
		read       func() float64
	}{
		{"onemap_feed_lag_changes", "Changes in the log that tiles and sessions do not know yet.", s.feedLag},
		{"onemap_feed_position", "Position up to which tiles and sessions know every change.", func() float64 { return float64(s.feed.Cursor().Position) }},
		{"onemap_feed_delay_seconds", "From the newest change's commit until tiles and sessions knew it.", func() float64 { return s.feed.Stats().Delay.Seconds() }},
		{"onemap_live_sessions", "Open live sessions.", func() float64 { return float64(s.hub.Sessions()) }},
		{"onemap_tile_layers", "Layers whose tiles are made from memory.", func() float64 { return float64(s.tiles.Stats().Layers) }},
		{"onemap_tile_layers_from_disk", "Layers in memory that were read from the disk, and not from the store.", func() float64 { return float64(s.tiles.Stats().LayersOfDisk) }},
		{"onemap_tile_layers_bytes", "What layers in memory take, about.", func() float64 { return float64(s.tiles.Stats().LayerBytes) }},
		{"onemap_tile_cache_entries", "Tiles in the cache.", func() float64 { return float64(s.tiles.Stats().Entries) }},
		{"onemap_tile_cache_bytes", "What cached tiles take, about.", func() float64 { return float64(s.tiles.Stats().Bytes) }},
	} {
		if err := s.metrics.Gauge(g.name, g.help, g.read); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		name, help string
		read       func() int64
	}{
		{"onemap_feed_changes_total", "Changes that tiles and sessions were told of.", func() int64 { return s.feed.Stats().Changes }},
		{"onemap_feed_resets_total", "Times that the feed's place was not in the log any more.", func() int64 { return s.feed.Stats().Resets }},
		{"onemap_feed_failures_total", "Failed attempts to read the log.", func() int64 { return s.feed.Stats().Failures }},
		{"onemap_tile_cache_hits_total", "Tiles answered from the cache.", func() int64 { return s.tiles.Stats().Hits }},
		{"onemap_tile_cache_misses_total", "Tiles that were not in the cache.", func() int64 { return s.tiles.Stats().Misses }},
		{"onemap_tile_cache_invalidated_total", "Cached tiles that a change made old.", func() int64 { return s.tiles.Stats().Invalidated }},
		{"onemap_tile_cache_discarded_total", "Tile loads that an invalidation overtook.", func() int64 { return s.tiles.Stats().Discarded }},
		{"onemap_tile_failures_total", "Tile loads that ended in an error.", func() int64 { return s.tiles.Stats().Failures }},
	} {
		if err := s.metrics.Counter(c.name, c.help, func() float64 { return float64(c.read()) }); err != nil {
			return err
		}
	}
	return s.measureMover()
}

// measureMover names the numbers that only PostgreSQL has.
func (s *server) measureMover() error {
	store, ok := s.store.(*postgis.Store)
	if !ok {
		return nil
	}
	for _, g := range []struct {
		name, help string
		read       func() float64
	}{
		{"onemap_mover_leader", "1 if this node moves changes from the outbox to the log.", func() float64 {
			if store.Stats().Leader {
				return 1
			}
			return 0
		}},
		{"onemap_mover_lag_seconds", "From a change's writing to its place in the log, the longest of the last batch; 0 when nothing waits.", func() float64 { return store.Stats().Lag.Seconds() }},
	} {
		if err := s.metrics.Gauge(g.name, g.help, g.read); err != nil {
			return err
		}
	}
	return s.metrics.Counter("onemap_mover_changes_total", "Changes that this node has moved to the log.", func() float64 { return float64(store.Stats().Moved) })
}

// feedLag is how many changes the feed is behind the log; -1 if the log can't tell.
func (s *server) feedLag() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lag, err := s.feed.Lag(ctx)
	if err != nil {
		return -1
	}
	return float64(lag)
}

// bound is west, south, east, north as orb has it.
func bound(b [4]float64) *orb.Bound {
	return &orb.Bound{Min: orb.Point{b[0], b[1]}, Max: orb.Point{b[2], b[3]}}
}

// mapSettings are what the pages show of the map as a whole.
func mapSettings(m *config.Map) api.Settings {
	s := api.DefaultSettings()
	s.Title = layers.Text{Zh: m.Title.Zh, En: m.Title.En}
	s.ReviewNumber = m.ReviewNumber
	s.Bounds, s.Center = m.Bounds, m.Center
	s.Zoom, s.MinZoom, s.MaxZoom = m.Zoom, m.MinZoom, m.MaxZoom
	s.Build = build()
	return s
}
