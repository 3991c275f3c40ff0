// Command with runs a command while a throw-away PostgreSQL with PostGIS runs,
// whose URL it finds in a variable:
//
//	go run ./internal/pgtest/with ONEMAP_E2E_STORE npm run e2e
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"onemap/internal/pgtest"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: with VARIABLE COMMAND…")
		os.Exit(2)
	}
	var failed *exec.ExitError // the command's own, which it has explained
	err := pgtest.With(func(url string) error {
		cmd := exec.Command(os.Args[2], os.Args[3:]...)
		cmd.Env = append(os.Environ(), os.Args[1]+"="+url)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := cmd.Run(); !errors.As(err, &failed) {
			return err
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if failed != nil {
		os.Exit(max(failed.ExitCode(), 1))
	}
}
