package postgis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
	"onemap/layers/postgis/journal"
)

// Head implements layers.Log.
func (s *Store) Head(ctx context.Context) (layers.Cursor, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	at, err := s.journal.Head(ctx)
	s.tell(at.Position)
	return at, s.problem(ctx, "read the head of the log", err)
}

// Wait implements layers.Log.
func (s *Store) Wait(ctx context.Context, after layers.Position) error {
	alive, cancel := s.alive(ctx)
	defer cancel()
	err := s.journal.Wait(alive, after)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return s.problem(alive, "wait for the log", err)
}

// moved waits until a committed transaction of ours is in the log. It also returns
// the head of the log then.
func (s *Store) moved(ctx context.Context, xid uint64) ([]journal.Placed, layers.Cursor, error) {
	const what = "the change is committed, but not in the log yet"
	placed, err := s.journal.Moved(ctx, xid)
	if err != nil {
		return nil, layers.Cursor{}, s.problem(ctx, what, err)
	}
	at, err := s.journal.Head(ctx)
	s.tell(at.Position)
	return placed, at, s.problem(ctx, what, err)
}

// Changes implements layers.Log.
func (s *Store) Changes(ctx context.Context, after layers.Cursor, limit int) ([]layers.Commit, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	entries, err := s.journal.Read(ctx, after, limit)
	if err != nil {
		return nil, s.problem(ctx, "read the log", err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	s.tell(entries[len(entries)-1].Position)
	// After the log, so that the definitions are no older than the changes.
	var c *catalogue
	if _, err := s.read(ctx, "read the definitions", "", func(known *catalogue, _ *pgx.Batch) error { c = known; return nil }); err != nil {
		return nil, err
	}
	var commits []layers.Commit
	var last layers.Position
	for _, e := range entries {
		if e.Last != last {
			commits = append(commits, layers.Commit{Time: e.Time.UTC(), Actor: e.Actor})
			last = e.Last
		}
		ch, err := c.change(e)
		if err != nil {
			return nil, layers.Errorf(layers.Internal, "log position %d: %w", e.Position, err)
		}
		commit := &commits[len(commits)-1]
		commit.Changes = append(commit.Changes, ch)
	}
	return commits, nil
}

func (c *catalogue) change(e journal.Entry) (layers.Change, error) {
	ch := layers.Change{Position: e.Position, Layer: e.Layer, Kind: e.Kind, ID: e.Key}
	t := c.tables[e.Layer] // nil if it was dropped since
	var err error
	if ch.Old, err = t.decode(e.Key, e.Old); err != nil {
		return ch, err
	}
	if ch.Old != nil {
		ch.Old.Version = e.OldVersion
	}
	if ch.New, err = t.decode(e.Key, e.New); err != nil {
		return ch, err
	}
	if ch.New != nil {
		ch.New.Version, ch.New.Updated = e.Position, e.Time.UTC()
	}
	return ch, nil
}

// decode reads a row image. Attributes that the layer no longer has are left out.
func (t *table) decode(id string, image *journal.Image) (*layers.Feature, error) {
	if image == nil {
		return nil, nil
	}
	f := &layers.Feature{ID: id, Geometry: decodeGeometry(image.Geometry), Properties: map[string]any{}}
	if t == nil {
		return f, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(image.Attributes, &raw); err != nil {
		return nil, fmt.Errorf("image of %q: %w", id, err)
	}
	if f.Num = t.numOf(id); t.num != "" {
		f.Num, _ = strconv.ParseInt(string(raw[t.num]), 10, 64)
	}
	for _, a := range t.layer.Schema {
		v := imageValue(a, raw[t.columns[a.Name]])
		if padded, ok := v.(string); ok && t.types[a.Name] == "bpchar" {
			v = strings.TrimRight(padded, " ") // as a cast to text does
		}
		if v != nil {
			f.Properties[a.Name] = v
		}
	}
	return f, nil
}

// imageValue reads a value as PostgreSQL writes it into JSON. What does not fit the
// type, because the column was of another one, is null.
func imageValue(a layers.Attribute, raw json.RawMessage) any {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if a.Type == layers.JSON {
		return raw
	}
	var v any
	if raw[0] == '"' {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil
		}
		v = text
	} else if raw[0] == 't' || raw[0] == 'f' {
		v = raw[0] == 't'
	} else {
		v = json.Number(raw)
	}
	got, err := a.Coerce(v)
	if err != nil {
		return nil
	}
	return got
}

// TrimTo removes the commits of the log that end at or before the position. The
// journal trims by itself, whole segments at a time; this is for an operator.
func (s *Store) TrimTo(ctx context.Context, position layers.Position) error {
	_, err := s.pool.Exec(ctx, `WITH gone AS (DELETE FROM onemap.log WHERE last <= $1 RETURNING last)
		UPDATE onemap.state SET floor = greatest(floor, (SELECT max(last) FROM gone))`, int64(position))
	return s.problem(ctx, "trim the log", err)
}
