package gpkg

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// table is a layer and where its rows are. It is immutable.
type table struct {
	no    int64
	layer *layers.Layer
	fid   string // name of the integer primary key
	geom  string // name of the geometry column
}

func (t *table) rtree() string { return "rtree_" + t.layer.ID + "_" + t.geom }

// catalogue is an immutable snapshot of the layer definitions.
type catalogue struct {
	version int64 // grows with each change
	epoch   string
	tables  map[string]*table // by layer id
	names   map[int64]string  // by number, dropped layers too
	ids     []string          // sorted
}

func (c *catalogue) see(v layers.View, layer string) (*table, error) {
	t, ok := c.tables[layer]
	if !ok || !v.Sees(t.layer) {
		return nil, layers.Errorf(layers.NotFound, "there is no layer %q", layer)
	}
	return t, nil
}

// queryer is a connection, a transaction or a pool.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

func loadCatalogue(ctx context.Context, q queryer) (*catalogue, error) {
	c := &catalogue{tables: map[string]*table{}, names: map[int64]string{}}
	if err := q.QueryRowContext(ctx, "SELECT (SELECT value FROM onemap_meta WHERE key = 'epoch'), (SELECT value FROM onemap_meta WHERE key = 'catalogue')").Scan(&c.epoch, &c.version); err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, "SELECT no, id, definition, fid_column, geom_column, dropped FROM onemap_layer")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, id, definition, dropped := &table{}, "", "", false
		if err := rows.Scan(&t.no, &id, &definition, &t.fid, &t.geom, &dropped); err != nil {
			return nil, err
		}
		c.names[t.no] = id
		if dropped {
			continue
		}
		t.layer = &layers.Layer{}
		if err := json.Unmarshal([]byte(definition), t.layer); err != nil {
			return nil, layers.Errorf(layers.Internal, "definition of layer %s: %w", id, err)
		}
		c.tables[id] = t
		c.ids = append(c.ids, id)
	}
	slices.Sort(c.ids)
	return c, rows.Err()
}

// status reads what the store knows of a layer's content.
func (t *table) status(ctx context.Context, q queryer) (layers.Status, error) {
	var st layers.Status
	var updated sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT ifnull((SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?), 0),
		(SELECT updated FROM onemap_layer WHERE no = ?)`, t.layer.ID, t.no).Scan(&st.Count, &updated)
	if err != nil {
		return st, err
	}
	if updated.Valid {
		st.Updated = time.UnixMilli(updated.Int64).UTC()
	}
	st.Extent, err = t.extent(ctx, q)
	return st, err
}

// extent reads the root node of the R*Tree, whose cells bound everything. A
// cell is a 64-bit id and minx, maxx, miny, maxy as 32-bit floats, big endian.
func (t *table) extent(ctx context.Context, q queryer) (*orb.Bound, error) {
	var node []byte
	err := q.QueryRowContext(ctx, "SELECT data FROM "+quote(t.rtree()+"_node")+" WHERE nodeno = 1").Scan(&node)
	if errors.Is(err, sql.ErrNoRows) || err != nil && strings.Contains(err.Error(), "no such table") {
		return nil, nil // the table is being replaced by another process
	}
	if err != nil {
		return nil, err
	}
	const head, cell = 4, 24
	if len(node) < head {
		return nil, nil
	}
	n := int(binary.BigEndian.Uint16(node[2:]))
	if n == 0 || len(node) < head+n*cell {
		return nil, nil
	}
	f := func(at int) float64 { return float64(math.Float32frombits(binary.BigEndian.Uint32(node[at:]))) }
	var b orb.Bound
	for i := range n {
		at := head + i*cell + 8
		c := orb.Bound{Min: orb.Point{f(at), f(at + 8)}, Max: orb.Point{f(at + 4), f(at + 12)}}
		if i == 0 {
			b = c
		} else {
			b = b.Union(c)
		}
	}
	return &b, nil
}
