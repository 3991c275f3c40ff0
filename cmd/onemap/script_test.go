package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"onemap/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(withDatabase{m}, map[string]func(){"onemap": main})
}

// withDatabase stops the PostgreSQL that tests have started.
type withDatabase struct{ m *testing.M }

func (w withDatabase) Run() int { return pgtest.Main(w.m) }

func TestTheCommandLineDoesWhatTheScriptsSay(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true})
}

func TestTheCommandLineOnPostgreSQLDoesWhatTheScriptsSay(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/postgis", RequireExplicitExec: true, Setup: func(env *testscript.Env) error {
		env.Setenv("ONEMAP_STORE", pgtest.Database(t))
		return nil
	}})
}
