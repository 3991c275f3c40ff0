package gpkg

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"onemap/layers"
)

var errClosed = &layers.Error{Code: layers.Unavailable, Message: "the store is closed"}

// storeError makes of what SQLite says what a caller of the store can use.
func storeError(doing string, err error) error {
	var known *layers.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, driver.ErrBadConn), strings.Contains(err.Error(), "sql: database is closed"):
		return errClosed
	case isCode(err, sqlite3.SQLITE_INTERRUPT):
		return context.Canceled
	case isCode(err, sqlite3.SQLITE_BUSY), isCode(err, sqlite3.SQLITE_LOCKED):
		return &layers.Error{Code: layers.Unavailable, Message: "another program keeps the file locked", Cause: err}
	case isCode(err, sqlite3.SQLITE_FULL):
		return &layers.Error{Code: layers.Unavailable, Message: "the disk is full", Cause: err}
	case missing(err):
		return &layers.Error{Code: layers.Unavailable, Message: "another program is replacing the layer", Cause: err}
	}
	return &layers.Error{Code: layers.Internal, Message: "can't " + doing, Cause: err}
}

// isCode compares SQLite's primary result codes.
func isCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

// missing reports whether a table or column was not there: another program dropped
// it a moment ago.
func missing(err error) bool {
	return isCode(err, sqlite3.SQLITE_ERROR) && (strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column"))
}

func notFound(layer string) error {
	return layers.Errorf(layers.NotFound, "there is no layer %q", layer)
}
