package gpkgread

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
)

// HandOver writes a copy of a GeoPackage that can be given away: one file without
// free pages, and not in WAL mode, in which it could not be opened where nothing
// can be written beside it. The copy must not exist yet.
func HandOver(ctx context.Context, from, to string) error {
	absolute, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: absolute}).EscapedPath()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	return nil
}
