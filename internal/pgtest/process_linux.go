package pgtest

import (
	"fmt"
	"os"
	osexec "os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// serverOwner says as whom PostgreSQL runs: it refuses root, so that a test run
// by root (in a container) uses the account of the Debian package. The uid is -1
// for ourselves.
func serverOwner() (*syscall.SysProcAttr, int, error) {
	// The server ends at once when the thread that started it does: see startBound.
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, -1, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, 0, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w; %s", err, remedy)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, 0, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, 0, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, int(uid), nil
}

// startBound starts the server so that it goes with us, even if we are killed.
// Linux binds a child to the *thread* that made it, so that one waits for it.
func startBound(cmd *osexec.Cmd, exited chan<- struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(exited)
		}
	}()
	return <-started
}
