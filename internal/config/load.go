package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Flags are the settings that the command line gave; nil means not given.
type Flags struct {
	File     *string // --config
	Addr     *string
	Data     *string
	Store    *string
	Sample   *bool
	Simulate *bool
	LogLevel *string
}

// Loaded is the outcome of Load.
type Loaded struct {
	Config
	File    string   // the file that was read; empty if there is none
	Ignored []string // ONEMAP_* variables that name no setting
}

// Load puts the settings together. environ has the form of os.Environ.
func Load(flags Flags, environ []string) (*Loaded, error) {
	l := &Loaded{Config: Default()}
	env := ownVariables(environ)

	// Where the file is depends on flags and environment, which win over it.
	file, named := env["ONEMAP_CONFIG"], env["ONEMAP_CONFIG"] != ""
	if flags.File != nil {
		file, named = *flags.File, true
	}
	if !named {
		data := l.Data
		if v, ok := env["ONEMAP_DATA"]; ok {
			data = v
		}
		if flags.Data != nil {
			data = *flags.Data
		}
		file = filepath.Join(data, FileName)
	}
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := readFile(&l.Config, file, text, named); err != nil {
			return nil, err
		}
		l.File = file
	case !named && errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("the data directory %s is not a directory; choose another with --data", filepath.Dir(file))
	case named || !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the settings: %w", err)
	}

	if l.Ignored, err = readEnvironment(&l.Config, env); err != nil {
		return nil, err
	}
	flags.apply(&l.Config)
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

func readFile(c *Config, name string, text []byte, named bool) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	before := c.Data
	if err := decodeYAML(c, text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !named && c.Data != before {
		// The file was found through the data directory, so it can't move it.
		return fmt.Errorf("%s: data can't be set in the data directory's own file; use --data, ONEMAP_DATA or --config", name)
	}
	return nil
}

func ownVariables(environ []string) map[string]string {
	own := map[string]string{}
	for _, kv := range environ {
		// An empty variable is one that somebody could not unset.
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "ONEMAP_") && value != "" {
			own[name] = value
		}
	}
	return own
}

func (f *Flags) apply(c *Config) {
	set(&c.Addr, f.Addr)
	set(&c.Data, f.Data)
	set(&c.Store, f.Store)
	set(&c.Sample, f.Sample)
	set(&c.Simulate, f.Simulate)
	set(&c.Log.Level, f.LogLevel)
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
