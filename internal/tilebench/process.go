package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit of processor time in /proc: USER_HZ, which is 100 wherever Go runs.
const tick = 10 * time.Millisecond

// stat is what /proc tells of a process.
type stat struct {
	parent int
	cpu    time.Duration // its own
	ended  time.Duration // of its children that are gone
}

// statOf reads /proc/PID/stat, see proc(5).
func statOf(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	text := string(b)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from the third on: names have spaces
	if len(f) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	var n [15]int
	for _, i := range []int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.Atoi(f[i]); err != nil {
			return stat{}, err
		}
	}
	return stat{parent: n[1], cpu: time.Duration(n[11]+n[12]) * tick, ended: time.Duration(n[13]+n[14]) * tick}, nil
}

// cpu is the processor time of a process until now; 0 where there is no /proc.
func cpu(pid int) time.Duration {
	s, _ := statOf(pid)
	return s.cpu
}

// rss is the memory that a process has in RAM, in bytes; 0 where there is no /proc.
func rss(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if f := strings.Fields(string(b)); len(f) > 1 {
		pages, _ := strconv.Atoi(f[1])
		return pages * os.Getpagesize()
	}
	return 0
}

// database is the server that all tiles come from, if it runs on this machine.
type database struct{ postmaster int }

// findDatabase finds the process that all of PostgreSQL's descend from.
func findDatabase(ctx context.Context, url string) (database, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return database{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var pid int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return database{}, err
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if errors.Is(err, os.ErrNotExist) || strings.TrimSpace(string(name)) != "postgres" {
		return database{}, nil // elsewhere, or no Linux
	}
	s, err := statOf(pid)
	return database{s.parent}, err
}

// cpu is the processor time of all of the server's processes until now.
func (d database) cpu() time.Duration {
	if d.postmaster == 0 {
		return 0
	}
	own, _ := statOf(d.postmaster)
	sum := own.cpu + own.ended
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := statOf(pid); err == nil && s.parent == d.postmaster {
			sum += s.cpu
		}
	}
	return sum
}

// load1 is the machine's load average of the last minute, "?" where there is no /proc.
func load1() string {
	b, _ := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); len(f) > 0 {
		return f[0]
	}
	return "?"
}
