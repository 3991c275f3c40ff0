package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code classifies an Error. Each protocol maps codes to its own status once.
type Code string

const (
	Invalid      Code = "invalid"      // the input is wrong; Violations say where
	NotFound     Code = "not_found"    // no such layer or feature, or not for this reader
	Conflict     Code = "conflict"     // it exists already
	Precondition Code = "precondition" // the version is not the one the caller named
	Forbidden    Code = "forbidden"    // known reader, not allowed
	Unauthorized Code = "unauthorized" // a token is needed
	Unavailable  Code = "unavailable"  // try again later
	Expired      Code = "expired"      // the position is outside the log or the lineage
	TooLarge     Code = "too_large"    // over a limit that the message names
	Internal     Code = "internal"     // our fault
)

// Error is what callers of a store get. The message is for the person who sent
// the input; the wrapped cause is for the log.
type Error struct {
	Code       Code
	Message    string
	Violations []Violation
	Cause      error
}

// Violation is one thing wrong with an input: which field, why, and the remedy.
type Violation struct {
	Field  string `json:"field"`            // JSON path or parameter name, e.g. "properties.level"
	Value  string `json:"value,omitempty"`  // what was sent, shortened
	Reason string `json:"reason"`           // what is wrong with it
	Remedy string `json:"remedy,omitempty"` // what would be accepted
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, v := range e.Violations {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(v.String())
	}
	return b.String()
}

func (v Violation) String() string {
	s := v.Field + ": " + v.Reason
	if v.Remedy != "" {
		s += " (" + v.Remedy + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an Error with a formatted message. A %w argument becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// CodeOf returns the code of the first Error in err's chain, or Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// violations collects what is wrong with one input, so that the sender hears
// everything at once.
type violations []Violation

func (vs *violations) add(field, value, reason, remedy string) {
	*vs = append(*vs, Violation{Field: field, Value: short(value), Reason: reason, Remedy: remedy})
}

// short returns the beginning of what was sent: an error must not be as long.
func short(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// shown writes a value as its sender did, and its beginning only.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return short(s)
	}
	b, err := json.Marshal(v)
	if err != nil { // of a kind that no JSON holds: NaN, from a database
		return short(fmt.Sprint(v))
	}
	return short(string(b))
}

func (vs violations) err(message string) error {
	if len(vs) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: message, Violations: vs}
}
