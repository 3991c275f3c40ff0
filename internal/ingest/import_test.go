package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onemap/internal/ingest"
	"onemap/layers"
	"onemap/layers/gpkg"
)

func openStore(t *testing.T) *gpkg.Store {
	t.Helper()
	s, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "a.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openSet(t *testing.T, text string) (*ingest.Set, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "points.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sets, _, err := ingest.Open(t.Context(), path, ingest.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	return sets[0], path + ".rejected.ndjson"
}

var define = layers.Layer{Title: layers.Text{Zh: "点"}, Sharing: layers.Unconditional, UpdateCycle: layers.Irregular}

func TestEveryRowOfAFileIsEitherWrittenOrKeptWithItsReason(t *testing.T) {
	const rows = 5000
	var b strings.Builder
	for i := range rows {
		lon := 108.0
		if i%100 == 7 {
			lon = 200 // nowhere
		}
		fmt.Fprintf(&b, `{"type":"Feature","geometry":{"type":"Point","coordinates":[%v,22]},"properties":{"n":%d}}`+"\n", lon, i)
	}
	set, rejectFile := openSet(t, b.String())
	store := openStore(t)
	for round := range 2 {
		if err := ingest.ForgetRejections(rejectFile); err != nil {
			t.Fatal(err)
		}
		shown := int64(0)
		r, err := ingest.Import(t.Context(), store, set, ingest.Options{Define: define, RejectFile: rejectFile, Progress: func(p ingest.Progress) { shown = p.Rows }})
		if err != nil {
			t.Fatal(err)
		}
		wantNew := int64(rows - rows/100)
		if round == 1 {
			wantNew = 0
		}
		if r.Rows != rows || r.Rejected != rows/100 || r.Written != rows-rows/100 || r.New != wantNew || len(r.First) != 10 || shown != rows {
			t.Errorf("round %d: %+v, shown %d", round, r, shown)
		}
		kept, err := os.ReadFile(rejectFile)
		if err != nil || strings.Count(string(kept), "\n") != rows/100 {
			t.Errorf("round %d: %d rejected rows are kept (%v)", round, strings.Count(string(kept), "\n"), err)
		}
	}
	f, _, err := store.As(layers.Owner).Feature(t.Context(), "points", "points-5000")
	if err != nil || f.Properties["n"] != int64(rows-1) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestAnImportThatIsStoppedSaysSo(t *testing.T) {
	set, rejectFile := openSet(t, strings.Repeat(`{"type":"Feature","geometry":null,"properties":{"n":1}}`+"\n", 20_000))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := ingest.Import(ctx, openStore(t), set, ingest.Options{Define: define, RejectFile: rejectFile, Progress: func(p ingest.Progress) {
		if p.Writing {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
