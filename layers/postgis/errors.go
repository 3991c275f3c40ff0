package postgis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"onemap/layers"
)

var errClosed = &layers.Error{Code: layers.Unavailable, Message: "the store is closed"}

// SQLSTATEs that mean something of their own.
const (
	undefinedTable    = "42P01"
	undefinedColumn   = "42703"
	undefinedFunction = "42883"
	undefinedObject   = "42704"
	notSupported      = "0A000" // a cached plan whose result has other types now
	duplicateTable    = "42P07"
	noPrivilege       = "42501"
	invalidParameter  = "22023"
	uniqueViolation   = "23505"
	deadlock          = "40P01"
	queryCanceled     = "57014"
	diskFull          = "53100"
	tooManyClients    = "53300"
	readOnly          = "25006"
)

// problem says what an error of the database means to whoever asked.
func (s *Store) problem(ctx context.Context, what string, err error) error {
	var known *layers.Error
	var pg *pgconn.PgError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case s.run.Err() != nil:
		return errClosed
	case ctx.Err() != nil:
		return fail(layers.Unavailable, "the request ended before the answer", context.Cause(ctx))
	case errors.As(err, &pg):
		code, why := classify(pg)
		return fail(code, what+": "+why, err)
	}
	// No answer at all: the connection could not be made, or broke.
	return fail(layers.Unavailable, what+": the database does not answer", err)
}

// readProblem is problem for what reads a layer's rows. Of an attached table or view, an
// error may come of what it holds or computes, and quote that: so it is not repeated.
func (s *Store) readProblem(ctx context.Context, what string, t *table, err error) error {
	if t != nil && !t.managed && rowFault(err) {
		return fail(layers.Unavailable, what+": "+badRows, err)
	}
	return s.problem(ctx, what, err)
}

const badRows = "the department's table or view has rows that can't be read; SELECT * FROM it in psql says which"

// rowFault tells whether an error is one of data, a constraint or a function.
func rowFault(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "22", "23", "38", "39", "P0":
		return true
	}
	return false
}

// fail keeps the cause out of the message, which people outside may read.
func fail(code layers.Code, message string, cause error) error {
	return &layers.Error{Code: code, Message: message, Cause: cause}
}

func classify(pg *pgconn.PgError) (layers.Code, string) {
	switch pg.Code {
	case undefinedTable, undefinedColumn, undefinedFunction, undefinedObject, notSupported:
		return layers.Unavailable, "the table was dropped or altered in the database"
	case noPrivilege:
		return layers.Unavailable, "the database role lacks a right that it needs"
	case queryCanceled:
		return layers.Unavailable, "the database cancelled the statement; it may have run into its time limit"
	case diskFull:
		return layers.Unavailable, "the database's disk is full"
	case tooManyClients:
		return layers.Unavailable, "the database has no connection left"
	case readOnly:
		return layers.Unavailable, "the database is read-only just now"
	case duplicateTable:
		return layers.Conflict, "there is a table of that name already, which is not a layer"
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "57": // connection, operator intervention
		return layers.Unavailable, "the database is restarting or has cut the connection"
	case "53":
		return layers.Unavailable, "the database is out of resources"
	case "40", "55":
		return layers.Unavailable, "others hold locks that are needed"
	case "22", "23":
		return layers.Invalid, "the database refuses a value: " + strings.TrimSpace(pg.Message)
	case "58", "XX":
		return layers.Unavailable, "the database has trouble of its own"
	}
	return layers.Internal, fmt.Sprintf("the database refuses a statement (%s)", pg.Code)
}

func isCode(err error, codes ...string) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	for _, c := range codes {
		if pg.Code == c {
			return true
		}
	}
	return false
}
