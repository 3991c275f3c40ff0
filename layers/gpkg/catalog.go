package gpkg

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"onemap/layers"
)

// catalog is what layers there are, at one version. It is immutable.
type catalog struct {
	version int64
	byID    map[string]*table
	byNum   map[int64]*table // also the dropped ones, which the log still speaks of
}

// sorted returns the tables in the order of their ids.
func (c *catalog) sorted() []*table {
	ts := make([]*table, 0, len(c.byID))
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		ts = append(ts, c.byID[id])
	}
	return ts
}

// with returns a catalog in which t stands for its layer.
func (c *catalog) with(t *table) *catalog {
	n := &catalog{version: c.version + 1, byID: maps.Clone(c.byID), byNum: maps.Clone(c.byNum)}
	n.byNum[t.num] = t
	if t.dropped {
		delete(n.byID, t.def.ID)
	} else {
		n.byID[t.def.ID] = t
	}
	return n
}

func loadCatalog(ctx context.Context, q querier, version int64) (*catalog, error) {
	c := &catalog{version: version, byID: map[string]*table{}, byNum: map[int64]*table{}}
	rows, err := q.QueryContext(ctx, `SELECT num, definition, fid_column, geom_column, base_version, base_time, dropped FROM onemap_layers`)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t := &table{def: &layers.Layer{}}
		var definition []byte
		if err := rows.Scan(&t.num, &definition, &t.fid, &t.geom, &t.baseVersion, &t.baseTime, &t.dropped); err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		if err := json.Unmarshal(definition, t.def); err != nil {
			return nil, fmt.Errorf("read the definition of layer %d: %w", t.num, err)
		}
		c.byNum[t.num] = t
		if !t.dropped {
			c.byID[t.def.ID] = t
		}
	}
	return c, rows.Err()
}

// state is the row of onemap_state.
type state struct {
	epoch             string
	position, trimmed layers.Position
	catalog           int64
}

func loadState(ctx context.Context, q querier) (state, error) {
	var s state
	err := q.QueryRowContext(ctx, `SELECT epoch, position, trimmed, catalog FROM onemap_state`).
		Scan(&s.epoch, &s.position, &s.trimmed, &s.catalog)
	if err != nil {
		return state{}, fmt.Errorf("read the state of the log: %w", err)
	}
	return s, nil
}
