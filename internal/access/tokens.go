package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"onemap/layers"
)

// FileName is the file with the tokens in the data directory.
const FileName = "tokens.json"

// minLength is the shortest token that an operator may write into the file, in
// bytes: below it, guessing begins to pay.
const minLength = 20

// Tokens are the server's secrets, one for each way to sign in.
type Tokens struct {
	secrets secrets
	known   []known
}

type secrets struct {
	Official string `json:"official"`
	Writer   string `json:"writer"`
	Wall     string `json:"wall"`
}

type known struct {
	sum      [sha256.Size]byte
	identity Identity
}

// Open reads the tokens in the data directory. At the first start it makes
// random ones, in a file that only its owner may read.
func Open(dir string) (*Tokens, error) {
	path := filepath.Join(dir, FileName)
	s, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(dir, path); err != nil {
			return nil, fmt.Errorf("making the tokens: %w", err)
		}
		s, err = read(path)
	}
	if err != nil {
		return nil, err
	}
	return newTokens(s, path)
}

func newTokens(s secrets, path string) (*Tokens, error) {
	t := &Tokens{secrets: s}
	seen := map[string]string{}
	for _, k := range []struct {
		name, token string
		identity    Identity
	}{
		{"official", s.Official, Identity{View: layers.Official}},
		{"writer", s.Writer, Identity{View: layers.Writer}},
		{"wall", s.Wall, Identity{View: layers.Official, Wall: true}},
	} {
		if len(k.token) < minLength {
			return nil, fmt.Errorf("%s: the token %q has %d characters, at least %d are needed; delete the file and the next start makes good ones", path, k.name, len(k.token), minLength)
		}
		if other, ok := seen[k.token]; ok {
			return nil, fmt.Errorf("%s: %q and %q are the same token; each needs its own", path, other, k.name)
		}
		seen[k.token] = k.name
		t.known = append(t.known, known{sha256.Sum256([]byte(k.token)), k.identity})
	}
	return t, nil
}

// Official returns the token of the official view.
func (t *Tokens) Official() string { return t.secrets.Official }

// Writer returns the token of the view that may write.
func (t *Tokens) Writer() string { return t.secrets.Writer }

// Wall returns the token of the wall.
func (t *Tokens) Wall() string { return t.secrets.Wall }

// read refuses a file that others may read: they may have done so already, and
// a quiet chmod would hide it.
func read(path string) (secrets, error) {
	f, err := os.Open(path)
	if err != nil {
		return secrets{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return secrets{}, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return secrets{}, fmt.Errorf("%s has mode %04o: others on this machine may have read the tokens; delete it (the next start makes new ones), or, if nobody else has an account here: chmod 600 %s", path, mode, path)
	}
	var s secrets
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return secrets{}, fmt.Errorf(`%s is not of the form {"official": "…", "writer": "…", "wall": "…"}: %w`, path, err)
	}
	return s, nil
}

// create makes the file whole or not at all. Of two processes that start at
// once one wins, and both read its file.
func create(dir, path string) error {
	f, err := os.CreateTemp(dir, ".tokens-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
		err = os.Rename(f.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func write(f *os.File) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(secrets{Official: random(), Writer: random(), Wall: random()}); err != nil {
		return err
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return err
	}
	return f.Sync()
}

// random returns 256 bits from the operating system.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it would end the process
	return base64.RawURLEncoding.EncodeToString(b)
}
