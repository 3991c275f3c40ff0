package postgis_test

import (
	"strings"
	"testing"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

func TestADatabaseThatCantHoldAMapIsRefusedInWords(t *testing.T) {
	for _, c := range []struct{ make, says string }{
		{"DROP EXTENSION postgis CASCADE", "CREATE EXTENSION postgis"},
		{"UPDATE pg_extension SET extversion = '3.2.7' WHERE extname = 'postgis'", "PostGIS 3.3 or newer; this database has 3.2.7"},
		{"UPDATE pg_extension SET extversion = '2.5' WHERE extname = 'postgis'", "postgis_extensions_upgrade"},
	} {
		url := pgtest.Database(t)
		sql(t, url, c.make)
		_, err := postgis.Open(t.Context(), url, postgis.Options{})
		if layers.CodeOf(err) != layers.Unavailable || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.make, err)
		}
	}
}

func TestAFailoverBeginsANewEpochAndPositionsGoOn(t *testing.T) {
	primary := pgtest.Cluster(t)
	url := primary.Database(t)
	second := primary.Replica(t)
	s, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	before := apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"n": 1}}).Cursor
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	primary.Stop(t, pgtest.Fast) // it sends what it has
	there := onReplica(url, primary, second)
	if !value[bool](t, there, "SELECT pg_promote()") {
		t.Fatal("the replica is not promoted")
	}
	// Somebody writes before anybody of us is there.
	sql(t, there, "UPDATE layers.l SET n = 2")
	s = open(t, there)
	recovers(t, s, "l")
	if f := one(t, s, "l"); f.Properties["n"] != int64(2) {
		t.Errorf("%+v", f)
	}
	after := apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "b", Properties: map[string]any{"n": 3}}).Cursor
	if after.Epoch == before.Epoch || after.Position <= before.Position {
		t.Errorf("it was %s and is %s", before, after)
	}
	if _, err := s.Changes(t.Context(), before, 10); layers.CodeOf(err) != layers.Expired {
		t.Errorf("who holds a position of the old timeline hears %v", err)
	}
}
