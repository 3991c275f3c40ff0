package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/paulmach/orb/encoding/mvt"
)

// inTheWorld counts the features of a layer in the tile of the world.
func (p *process) inTheWorld(layer string) (n int) {
	p.t.Helper()
	status, body := p.get("/tiles/"+layer+"/0/0/0", "")
	tile, err := mvt.Unmarshal([]byte(body))
	if status != 200 || err != nil {
		p.t.Fatalf("%d: %v", status, err)
	}
	for _, l := range tile {
		for _, f := range l.Features {
			count, merged := f.Properties["point_count"].(float64)
			if !merged {
				count = 1
			}
			n += int(count)
		}
	}
	return n
}

func TestAServerThatWasKilledReadsItsLayersFromTheDiskAndTheLogSince(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	const rows = 20_000
	add := func(from, to int) {
		onemap(t, "import", "--data", data, "--layer", "many", "--open", writeFile(t, "many.ndjson", points(from, to)))
	}
	read := func(p *process, features int, from string) {
		t.Helper()
		if want := fmt.Sprintf("layer=many features=%d from=%s", features, from); !strings.Contains(p.text(), want) {
			t.Errorf("the log does not say %s", want)
		}
		if n := p.inTheWorld("many"); n != features {
			t.Errorf("the world has %d features, not %d", n, features)
		}
	}
	add(0, rows)
	p := serve(t, data)
	read(p, rows, "store")
	file := filepath.Join(data, "tiles", "many.layer")
	p.until(10*time.Second, "on the disk", func() bool { _, err := os.Stat(file); return err == nil })
	if dir, err := os.Stat(filepath.Dir(file)); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("others may look at layers that are not for them: %v, %v", dir.Mode(), err)
	}
	add(rows, rows+10)
	_ = p.stop(syscall.SIGKILL)
	add(rows+10, rows+30)

	for _, want := range []int{rows + 30, rows + 31} { // after the kill, and after a farewell
		p = serve(t, data)
		read(p, want, "disk")
		add(want, want+1)
		p.until(5*time.Second, "showing one more", func() bool { return p.inTheWorld("many") == want+1 })
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if strings.Contains(p.text(), "level=WARN") {
			t.Errorf("the log is not clean:\n%s", p.text())
		}
	}

	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2]++
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	p = serve(t, data)
	read(p, rows+32, "store")
	if !strings.Contains(p.text(), "the file is damaged") {
		t.Error("it does not say that the file is damaged")
	}
}
