package journal

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

//go:embed schema.sql
var schema string

//go:embed watch.sql
var watching string

//go:embed schema2.sql
var schema2 string

//go:embed schema3.sql
var schema3 string

// lockSpace is the first key of our advisory locks ("onem"); they are counted per
// database.
const lockSpace = 0x6f6e656d

const (
	lockSchema = 1 // somebody changes the schema
	lockMover  = 2 // held by the node that moves
)

// migrations bring schema onemap from the version that is their index to the next.
// They stay as they are once released.
var migrations = []string{schema + watching, schema2, schema3}

// Prepare makes schema onemap, or brings it up to date. Nodes that start at the
// same time wait for each other. It changes nothing if all is there, so it then
// needs no right to.
func Prepare(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", lockSpace, lockSchema); err != nil {
		return fmt.Errorf("prepare the journal: %w", err)
	}
	var version int
	var exists bool
	err := tx.QueryRow(ctx, "SELECT to_regclass('onemap.state') IS NOT NULL").Scan(&exists)
	if err == nil && exists {
		err = tx.QueryRow(ctx, "SELECT version FROM onemap.state").Scan(&version)
	}
	if err != nil {
		return fmt.Errorf("prepare the journal: %w", err)
	}
	if version > len(migrations) {
		return layers.Errorf(layers.Unavailable, "the database was prepared by a newer onemap (journal version %d, this one knows %d)", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		// The simple protocol takes many statements at once.
		if _, err := tx.Exec(ctx, migrations[version], pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("prepare the journal, version %d: %w", version+1, err)
		}
		if _, err := tx.Exec(ctx, "UPDATE onemap.state SET version = $1", version+1); err != nil {
			return fmt.Errorf("prepare the journal: %w", err)
		}
	}
	return nil
}
