package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASampleThatWasLoadedHalfIsFinishedByTheNextStartAndPlaysTheDrill(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads the whole sample")
	}
	data := t.TempDir()
	marker := filepath.Join(data, loadingFile)
	half := exec.Command("onemap", "serve", "--addr", "127.0.0.1:0", "--data", data, "--sample")
	if err := half.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(marker); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it never began to load")
		}
	}
	time.Sleep(time.Second)
	_ = half.Process.Signal(syscall.SIGKILL)
	_ = half.Wait()
	if _, err := os.Stat(marker); err != nil {
		t.Skip("the machine loads faster than the test can kill")
	}

	p := serve(t, data, "--sample")
	if _, err := os.Stat(marker); err == nil {
		t.Error("it is ready, but the mark of loading is still there")
	}
	checkSample(t, p)

	out := onemap(t, "simulate", "--data", data, "--reset", "--speed", "2000")
	if !strings.Contains(out, "Finished after") {
		t.Errorf("the drill said: %s", out)
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

// checkSample asks a server whether it has the whole sample.
func checkSample(t *testing.T, p *process) {
	t.Helper()
	_, body := p.get("/api/stats", "official")
	var stats struct {
		Layers []struct {
			ID    string `json:"id"`
			Count int    `json:"count"`
		} `json:"layers"`
	}
	if err := json.Unmarshal([]byte(body), &stats); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, l := range stats.Layers {
		counts[l.ID] = l.Count
	}
	if len(counts) < 20 || counts["divisions"] != 126 || counts["enterprises"] < 50_000 {
		t.Errorf("the sample is not whole: %v", counts)
	}
}
