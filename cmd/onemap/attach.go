package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"onemap/layers"
)

type layerAttachCmd struct {
	settings
	Table string `arg:"" help:"Table, view or materialized view, as SQL names it: water.gauges."`

	Layer    string        `placeholder:"ID" help:"Id of the layer. Without it: like the table's name."`
	Key      string        `placeholder:"COLUMN" help:"Column that identifies a row. Without it: the primary key."`
	Geometry string        `placeholder:"COLUMN" help:"Geometry column. Without it: the only one."`
	Columns  []string      `placeholder:"NAME,…" help:"Publish only these attributes. Without it: all that an attribute can hold."`
	Poll     time.Duration `placeholder:"TIME" help:"Compare the rows so often instead of capturing each write. Views can't be had otherwise; their default is 10s."`
	Version  string        `placeholder:"COLUMN" help:"Column that grows with every change of a row; makes polling cheap."`
	Look     bool          `help:"Only say what would be published."`

	newLayer
}

// Run publishes a table.
func (c *layerAttachCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, true, func(store layers.Store) error {
		into, err := attacher(store)
		if err != nil {
			return err
		}
		a := layers.Attachment{Table: c.Table, Layer: c.definition(), Key: c.Key, Geometry: c.Geometry, Poll: c.Poll, Version: c.Version}
		a.Layer.ID = c.Layer
		for _, name := range c.Columns {
			a.Layer.Schema = append(a.Layer.Schema, layers.Attribute{Name: name})
		}
		var found layers.Attached
		did := "would be attached"
		if c.Look {
			found, err = into.Survey(ctx, a)
		} else {
			found, _, err = into.Attach(ctx, operator(s), a)
			did = "attached"
		}
		if err != nil {
			return err
		}
		printAttached(s, found, did)
		return nil
	})
}

// attacher is the store, if departments' tables can be in its database.
func attacher(store layers.Store) (layers.Attacher, error) {
	a, ok := store.(layers.Attacher)
	if !ok {
		return nil, fmt.Errorf("the embedded store has no tables of departments; name a PostgreSQL database with --store, or bring files in with `onemap import`")
	}
	return a, nil
}

func printAttached(s *streams, a layers.Attached, did string) {
	fmt.Fprintf(s.out, "%s: %s %s %s\n\n", a.Layer.ID, a.Kind, a.Table, did)
	how := "each write is captured"
	if a.Poll > 0 {
		how = fmt.Sprintf("rows are compared every %s", a.Poll)
		if a.Version != "" {
			how += ", by column " + a.Version
		}
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "title\t%s\nkey\t%s\ngeometry\t%s, %s, EPSG:%d\nchanges\t%s\n", title(a.Layer.Title), a.Key, a.Geometry, a.Layer.Geometry, a.SRID, how)
	for i, attribute := range a.Layer.Schema {
		label := ""
		if i == 0 {
			label = "attributes"
		}
		fmt.Fprintf(w, "%s\t%s %s", label, attribute.Name, attribute.Type)
		if t := title(attribute.Title); t != "" {
			fmt.Fprintf(w, "\t%s", t)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	for _, advice := range a.Advice {
		fmt.Fprintf(s.out, "\nnote: %s\n", advice.Reason)
		if advice.Statement != "" {
			fmt.Fprintf(s.out, "      %s;\n", advice.Statement)
		}
	}
}

type layerDetachCmd struct {
	settings
	Layer string `arg:"" help:"Id of the layer."`
}

// Run takes an attached layer off the map. The table stays, so nobody need be asked.
func (c *layerDetachCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, false, func(store layers.Store) error {
		from, err := attacher(store)
		if err != nil {
			return err
		}
		if _, err := from.Detach(ctx, operator(s), c.Layer); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: detached; its table is as it was\n", c.Layer)
		return nil
	})
}

type layerAttachedCmd struct{ settings }

// Run lists what is attached.
func (c *layerAttachedCmd) Run(ctx context.Context, s *streams) error {
	return c.withStore(ctx, s, false, func(store layers.Store) error {
		from, err := attacher(store)
		if err != nil {
			return err
		}
		all, err := from.Attachments(ctx)
		if err != nil {
			return err
		}
		for i, a := range all {
			if i > 0 {
				fmt.Fprintln(s.out)
			}
			printAttached(s, a, "is attached")
		}
		if len(all) == 0 {
			fmt.Fprintln(s.out, "No table is attached. Publish one with `onemap layer attach schema.table`.")
		}
		return nil
	})
}
