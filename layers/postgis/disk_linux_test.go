package postgis_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"onemap/internal/pgtest"
	"onemap/layers"
)

// smallDisk is a directory with room for little, which the server owns.
func smallDisk(t *testing.T, server *pgtest.Server, size string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "onemap-small-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("mode=700,uid=%d,size=%s", owner(t, server.DataDir()), size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a disk that fills up needs the right to mount one: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", dir).Run() })
	return dir
}

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestAFullDiskIsNamedAndCostsNothingThatWasAcknowledged(t *testing.T) {
	server := pgtest.Cluster(t)
	url := server.Database(t)
	s := open(t, url)
	dir := smallDisk(t, server, "8m")
	define(t, s, layer("l", layers.Point, layers.Attribute{Name: "text", Type: layers.String}))
	sql(t, url, fmt.Sprintf("CREATE TABLESPACE small LOCATION '%s'", dir), "ALTER TABLE layers.l SET TABLESPACE small", "ALTER TABLE layers.l ALTER COLUMN text SET STORAGE PLAIN")
	long, kept := strings.Repeat("长", 2000), 0
	var full error
	for ; full == nil && kept < 10_000; kept++ {
		_, full = s.Apply(t.Context(), me, "l", []layers.Edit{{Op: layers.Put, ID: fmt.Sprint(kept), Properties: map[string]any{"text": long}}})
	}
	kept-- // the last was refused
	unavailable(t, full, "disk is full")
	recovers(t, s, "l") // to read is possible all the time
	sql(t, url, "CREATE TABLE other AS SELECT 1", "ALTER TABLE layers.l SET TABLESPACE pg_default")
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "after", Properties: map[string]any{"text": long}})
	e, err := s.As(layers.Owner).Layer(t.Context(), "l")
	if err != nil || e.Status.Count != int64(kept+1) {
		t.Errorf("%d were acknowledged, %d are there: %v", kept+1, e.Status.Count, err)
	}
}
