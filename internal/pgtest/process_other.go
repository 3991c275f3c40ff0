//go:build !linux

package pgtest

import (
	osexec "os/exec"
	"syscall"
)

// serverOwner: elsewhere the server runs as whoever runs the tests.
func serverOwner() (*syscall.SysProcAttr, int, error) { return nil, -1, nil }

// startBound starts the server; a killed test binary leaves it behind.
func startBound(cmd *osexec.Cmd, exited chan<- struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	return nil
}
