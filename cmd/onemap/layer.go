package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"onemap/layers"
)

type layerCmd struct {
	List   layerListCmd   `cmd:"" help:"List the layers with their state."`
	Show   layerShowCmd   `cmd:"" help:"Print a layer's definition, in the form that define takes."`
	Define layerDefineCmd `cmd:"" help:"Create layers or change their definitions."`
	Drop   layerDropCmd   `cmd:"" help:"Remove a layer and all its features."`

	Attach   layerAttachCmd   `cmd:"" help:"Publish a table or view of the PostgreSQL database as a layer, without copying it."`
	Detach   layerDetachCmd   `cmd:"" help:"Take an attached layer off the map. Its table stays as it is."`
	Attached layerAttachedCmd `cmd:"" help:"List the attached tables, and what could be better about them."`
}

type layerListCmd struct {
	settings
	JSON bool `name:"json" help:"As JSON, a layer a line."`
}

// Run lists the catalogue.
func (c *layerListCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, false, func(store layers.Store) error {
		entries, _, err := store.As(layers.Owner).Layers(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return listJSON(s.out, entries)
		}
		if len(entries) == 0 {
			fmt.Fprintln(s.out, "There are no layers yet. Bring some in with `onemap import`, or start with `onemap serve --sample`.")
			return nil
		}
		now := time.Now()
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tFEATURES\tGEOMETRY\tSHARING\tCYCLE\tSTATE\tUPDATED\tTITLE") // the title last: Chinese is twice as wide
		for _, e := range entries {
			updated := "never"
			if !e.Status.Updated.IsZero() {
				updated = e.Status.Updated.In(layers.Beijing).Format("2006-01-02 15:04")
			}
			sharing := string(e.Sharing)
			if e.Open {
				sharing = "open"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, thousands(e.Status.Count), e.Geometry, sharing, e.UpdateCycle, e.Freshness(now), updated, title(e.Title))
		}
		return w.Flush()
	})
}

func listJSON(out io.Writer, entries []layers.Entry) error {
	w := json.NewEncoder(out)
	for _, e := range entries {
		line := struct {
			ID        string           `json:"id"`
			Title     layers.Text      `json:"title"`
			Count     int64            `json:"count"`
			Updated   time.Time        `json:"updated,omitzero"`
			Freshness layers.Freshness `json:"freshness"`
		}{e.ID, e.Title, e.Status.Count, e.Status.Updated, e.Freshness(time.Now())}
		if err := w.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func title(t layers.Text) string {
	if t.Zh != "" {
		return t.Zh
	}
	return t.En
}

type layerShowCmd struct {
	settings
	Layer string `arg:"" help:"Id of the layer."`
}

// Run prints a definition.
func (c *layerShowCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, false, func(store layers.Store) error {
		e, err := store.As(layers.Owner).Layer(ctx, c.Layer)
		if err != nil {
			return err
		}
		w := json.NewEncoder(s.out)
		w.SetIndent("", "  ")
		w.SetEscapeHTML(false)
		return w.Encode(e.Layer)
	})
}

type layerDefineCmd struct {
	settings
	File string `arg:"" help:"YAML or JSON with one definition or a list of them; - reads from the terminal. \"onemap layer show\" prints one to start from."`
}

// Run defines the layers of a file.
func (c *layerDefineCmd) Run(ctx context.Context, s *streams) error {
	text, err := readAll(s, c.File)
	if err != nil {
		return err
	}
	definitions, err := parseDefinitions(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return c.withStore(ctx, s, true, func(store layers.Store) error {
		for _, l := range definitions {
			if _, err := store.DefineLayer(ctx, operator(s), l); err != nil {
				return fmt.Errorf("layer %q: %w", l.ID, err)
			}
			fmt.Fprintf(s.out, "%s: defined, %d attributes\n", l.ID, len(l.Schema))
		}
		return nil
	})
}

func readAll(s *streams, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.in)
	}
	return os.ReadFile(file)
}

// parseDefinitions reads YAML, of which JSON is a part, and refuses members that
// no definition has. All definitions are checked before any is used.
func parseDefinitions(text []byte) ([]*layers.Layer, error) {
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	list, ok := doc.([]any)
	if !ok {
		list = []any{doc}
	}
	var all []*layers.Layer
	for _, one := range list {
		raw, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("not a definition: %w", err)
		}
		l := &layers.Layer{}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(l); err != nil {
			return nil, fmt.Errorf("not a definition: %s", strings.TrimPrefix(err.Error(), "json: "))
		}
		if err := l.Validate(); err != nil {
			return nil, fmt.Errorf("%q: %w", l.ID, err)
		}
		all = append(all, l)
	}
	return all, nil
}

type layerDropCmd struct {
	settings
	Layer string `arg:"" help:"Id of the layer."`
	Yes   bool   `short:"y" help:"Do not ask."`
}

// Run drops a layer, after asking.
func (c *layerDropCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, false, func(store layers.Store) error {
		e, err := store.As(layers.Owner).Layer(ctx, c.Layer)
		if err != nil {
			return err
		}
		if !c.Yes {
			fmt.Fprintf(s.err, "Drop layer %s (%s) with its %s features? There is no way back. Type the layer's id: ", e.ID, title(e.Title), thousands(e.Status.Count))
			answer, _ := bufio.NewReader(s.in).ReadString('\n')
			if strings.TrimSpace(answer) != e.ID {
				return errors.New("nothing was dropped")
			}
		}
		if _, err := store.DropLayer(ctx, operator(s), c.Layer); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: dropped, with %s features\n", e.ID, thousands(e.Status.Count))
		return nil
	})
}

// withStore runs a command on the store.
func (f *settings) withStore(ctx context.Context, s *streams, create bool, do func(layers.Store) error) error {
	conf, log, err := f.loadQuietly(s)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, conf, create, log)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}
