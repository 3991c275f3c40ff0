package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"onemap/layers"
)

// Rejection is a row that did not fit, and why. The file of rejected rows has one
// a line.
type Rejection struct {
	Set        string             `json:"set"`
	Row        int64              `json:"row"`
	Reason     string             `json:"reason"`
	Violations []layers.Violation `json:"violations,omitempty"`
	Source     json.RawMessage    `json:"source"` // the row as it was
}

// String is one line for a person.
func (r *Rejection) String() string { return fmt.Sprintf("row %d: %s", r.Row, r.Reason) }

const firstRejections = 10

// rejects writes rejected rows to a file, which appears with the first of them.
type rejects struct {
	path string
	set  string

	mu    sync.Mutex
	file  *os.File
	n     int64
	first []Rejection
	err   error
}

func newRejects(path, set string) *rejects { return &rejects{path: path, set: set} }

// addLater keeps a failure to write for close, so that the reader goes on.
func (r *rejects) addLater(row Row, why error) {
	if err := r.add(row, why); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil {
			r.err = err
		}
	}
}

func (r *rejects) add(row Row, why error) error {
	rejection := Rejection{Set: r.set, Row: row.Number, Reason: reason(why), Source: row.Raw()}
	var e *layers.Error
	if errors.As(why, &e) {
		rejection.Violations = e.Violations
	}
	line, err := json.Marshal(rejection)
	if err != nil {
		return fmt.Errorf("keep a rejected row: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	if len(r.first) < firstRejections {
		r.first = append(r.first, rejection)
	}
	if r.file == nil {
		if r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
			return fmt.Errorf("keep a rejected row: %w", err)
		}
	}
	if _, err := r.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("keep a rejected row: %w", err)
	}
	return nil
}

// reason is what is wrong, without the general words before it.
func reason(err error) string {
	var e *layers.Error
	if !errors.As(err, &e) || len(e.Violations) == 0 {
		return err.Error()
	}
	var all []string
	for _, v := range e.Violations {
		all = append(all, v.String())
	}
	return strings.Join(all, "; ")
}

func (r *rejects) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		if err := r.file.Close(); err != nil && r.err == nil {
			r.err = fmt.Errorf("keep the rejected rows: %w", err)
		}
	}
	return r.err
}

// ForgetRejections removes the file that an earlier import of the same file left.
func ForgetRejections(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
