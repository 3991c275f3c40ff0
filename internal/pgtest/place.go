package pgtest

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// findPostgres returns the directory of the newest PostgreSQL that onemap runs
// on: as Debian lays it out, else by PATH.
func findPostgres() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // 0 for what is no version
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range dirs {
		// Several versions may be installed, and PostGIS not for each of them.
		control := filepath.Join("/usr/share/postgresql", strconv.Itoa(version(dir)), "extension/postgis.control")
		if version(dir) >= minServer/10000 && exists(filepath.Join(dir, "initdb")) && exists(control) {
			return dir, nil
		}
	}
	if initdb, err := osexec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	return "", fmt.Errorf("this test needs PostgreSQL %d or newer with PostGIS, and found none; %s", minServer/10000, remedy)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A cluster's directory is locked as long as its test binary lives. The kernel
// drops the lock of a killed one, and so the next finds out what to throw away.
const dirPattern = "onemap-pgtest-"

func newDir() (string, *os.File, error) {
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return "", nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return dir, lock, nil
}

// sweep removes what killed test binaries left behind. It leaves alone what it
// may not touch and what is so young that its lock may not be held yet.
func sweep() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPattern+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || !strings.HasPrefix(filepath.Base(dir), dirPattern) || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir) // another binary may be at it too
		}
		lock.Close()
	}
}
