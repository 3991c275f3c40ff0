// Package telemetry is how the server is watched: structured logs, metrics in a
// registry of its own, and the health and readiness endpoints.
//
// Only cmd imports it; everything else is handed a *slog.Logger.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes text or JSON lines to w.
func NewLogger(w io.Writer, level slog.Level, format string) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, fmt.Errorf("unknown log format %q", format)
}
