package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a process that serves tiles.
type server struct {
	cmd    *exec.Cmd
	url    string
	ready  time.Duration // from its start until it said that it is ready
	exited chan struct{}
}

// longestStart bounds the loading of all layers.
const longestStart = 10 * time.Minute

// start runs a program and waits until it is ready. args takes the address that it is to
// listen on. It ends with ctx.
func start(ctx context.Context, env []string, program string, args func(addr string) []string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	s := &server{cmd: exec.CommandContext(ctx, program, args(addr)...), url: "http://" + addr, exited: make(chan struct{})}
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), env...), os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 20 * time.Second
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	for time.Since(began) < longestStart {
		if r, err := http.Get(s.url + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				s.ready = time.Since(began)
				return s, nil
			}
		}
		select {
		case <-s.exited:
			return nil, fmt.Errorf("%s ended before it was ready: %s", filepath.Base(program), s.cmd.ProcessState)
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s was not ready after %s", filepath.Base(program), longestStart)
}

// stop ends the process and waits until it is gone.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // unless it is gone
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// startYardstick runs this program once more.
func startYardstick(ctx context.Context, db string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, []string{yardstickStore + "=" + db}, self, func(addr string) []string { return []string{yardstickCommand, addr} })
}

// onemap is the program under measurement, its data directory and its database.
type onemap struct {
	binary, dir string
	env         []string
}

// build makes onemap as it is shipped, unless it is given, and attaches the tables.
func build(ctx context.Context, dir, db string, o options) (*onemap, error) {
	m := &onemap{binary: o.onemap, dir: dir, env: []string{"ONEMAP_STORE=" + db, "ONEMAP_DATA=" + dir, "ONEMAP_LOG_LEVEL=warn"}}
	if m.binary == "" {
		m.binary = filepath.Join(dir, "onemap")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", m.binary, "onemap/cmd/onemap")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build onemap: %w\n%s", err, out)
		}
	}
	for _, d := range o.data {
		cmd := exec.CommandContext(ctx, m.binary, "layer", "attach", "public."+d.name, "--layer", d.name, "--open")
		cmd.Env = append(os.Environ(), m.env...)
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "already") { // a database that was kept
			return nil, fmt.Errorf("attach %s: %w\n%s", d.name, err, out)
		}
	}
	return m, nil
}

// serve starts a server that keeps so many MiB of tiles.
func (m *onemap) serve(ctx context.Context, cache int) (*server, error) {
	return start(ctx, append(m.env, "ONEMAP_TILES_CACHE="+strconv.Itoa(cache)), m.binary, func(addr string) []string { return []string{"serve", "--addr", addr} })
}

// metrics returns the lines of /metrics that begin so.
func (s *server) metrics(prefix string) ([]string, error) {
	r, err := http.Get(s.url + "/metrics")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(b)) {
		if prefix != "" && strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found, nil
}

// metric is the value of a metric without labels.
func (s *server) metric(name string) (float64, error) {
	lines, err := s.metrics(name + " ")
	if err != nil {
		return 0, err
	}
	if len(lines) != 1 {
		return 0, errors.New("the server has no metric " + name)
	}
	return strconv.ParseFloat(strings.TrimPrefix(lines[0], name+" "), 64)
}

// settle waits until the server has heard of every change: until nothing more comes from
// the database, and tiles know what came.
func (s *server) settle(ctx context.Context) error {
	for before := -1.0; ctx.Err() == nil; time.Sleep(500 * time.Millisecond) {
		moved, err := s.metric("onemap_mover_changes_total")
		if err != nil {
			return err
		}
		lag, err := s.metric("onemap_feed_lag_changes")
		if err != nil {
			return err
		}
		if moved == before && lag == 0 {
			return nil
		}
		before = moved
	}
	return ctx.Err()
}
