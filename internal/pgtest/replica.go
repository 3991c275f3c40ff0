package pgtest

import (
	"fmt"
	"os"
	osexec "os/exec"
	"testing"
)

// Replica starts a server that streams what this one writes, and answers reads. It is
// removed after the test.
func (s *Server) Replica(t testing.TB) *Server {
	t.Helper()
	r := &Server{bin: s.bin, owner: s.owner, password: s.password}
	var err error
	if r.dir, r.lock, err = newDir(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the replica's log ends with:\n%s", r.logTail())
		}
		if err := r.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	if err := r.copyOf(s); err != nil {
		t.Fatalf("pgtest: make a replica: %v", err)
	}
	return r
}

func (s *Server) copyOf(primary *Server) error {
	_, uid, err := serverOwner()
	if err == nil && uid >= 0 {
		err = os.Chown(s.dir, uid, -1)
	}
	if err != nil {
		return err
	}
	cmd := osexec.Command(s.Bin("pg_basebackup"), "--pgdata", s.DataDir(), "--dbname", primary.URL(), "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	cmd.Dir, cmd.SysProcAttr, cmd.Env = s.dir, s.owner, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.run()
}
