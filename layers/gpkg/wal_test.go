package gpkg_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"onemap/layers"
)

func TestTheWALStaysBoundedUnderWritesWithoutAPause(t *testing.T) {
	s, path, _ := filled(t)
	var most int64
	for start := time.Now(); time.Since(start) < 4*time.Second; {
		var edits []layers.Edit
		for k := range 1000 {
			edits = append(edits, put(fmt.Sprint("f", k), 108, 22, map[string]any{"name": fmt.Sprint(time.Now().UnixNano()), "extra": map[string]any{"long": fmt.Sprintf("%0900d", k)}}))
		}
		if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", edits); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path + "-wal"); err == nil {
			most = max(most, info.Size())
		}
	}
	t.Logf("at most %d MiB", most>>20)
	if most > 128<<20 {
		t.Errorf("the WAL grew to %d MiB", most>>20)
	}
}
