package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/gzip"
)

const (
	// yardstickCommand makes this program the server of the yardsticks: a process of its
	// own, as onemap is, so that both are measured alike.
	yardstickCommand = "yardstick"
	// yardstickStore is the variable with the URL of its database.
	yardstickStore = "TILEBENCH_STORE"
)

// serveYardstick answers /DATA/z/x/y from the database and /constant/BYTES from memory.
func serveYardstick(addr string) error {
	conf, err := pgxpool.ParseConfig(os.Getenv(yardstickStore))
	if err != nil {
		return err
	}
	conf.MaxConns = int32(max(8, 2*runtime.NumCPU()))
	pool, err := pgxpool.NewWithConfig(context.Background(), conf)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	for _, d := range datasets {
		p := &pushDown{pool: pool, sql: d.pushDown()}
		mux.HandleFunc("GET /"+d.name+"/{z}/{x}/{y}", p.serve)
	}
	bytes := make([]byte, 64<<20)
	if _, err := rand.Read(bytes); err != nil {
		return err
	}
	mux.HandleFunc("GET /constant/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n > len(bytes) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		send(w, bytes[:n])
	})
	return http.ListenAndServe(addr, mux)
}

// pushDown is the statement that has PostGIS make a tile. The envelope is computed once,
// not for each row, and no WHERE asks for the geometry that ST_AsMVT leaves out when it
// is null: it would be computed twice.
func (d dataset) pushDown() string {
	return fmt.Sprintf(`SELECT ST_AsMVT(tile, '%s', 4096, 'geom', 'id') FROM (
		SELECT id, %s, ST_AsMVTGeom(t.geom, b.edges, 4096, 64, true) AS geom
		FROM m.%s_m t, (SELECT ST_TileEnvelope($1, $2, $3) AS edges OFFSET 0) b WHERE t.geom && b.edges) tile`, d.name, d.columns, d.name)
}

// pushDown serves one table, with as little beside PostGIS as there can be.
type pushDown struct {
	pool *pgxpool.Pool
	sql  string
}

var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	return &packer{w: w}
}}

type packer struct {
	w *gzip.Writer
	b bytes.Buffer
}

func (p *pushDown) serve(w http.ResponseWriter, r *http.Request) {
	var at [3]int
	for i, name := range []string{"z", "x", "y"} {
		n, err := strconv.Atoi(r.PathValue(name))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		at[i] = n
	}
	packed := packers.Get().(*packer)
	defer packers.Put(packed)
	if err := p.make(r.Context(), at, packed); err != nil {
		fmt.Fprintln(os.Stderr, "push-down:", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if packed.b.Len() == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	send(w, packed.b.Bytes())
}

// make compresses the tile straight from the connection's buffer.
func (p *pushDown) make(ctx context.Context, at [3]int, packed *packer) error {
	packed.b.Reset()
	rows, err := p.pool.Query(ctx, p.sql, at[0], at[1], at[2]) // pgx prepares it, and asks for binary
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		raw := rows.RawValues()[0]
		if len(raw) == 0 {
			continue
		}
		packed.w.Reset(&packed.b)
		if _, err := packed.w.Write(raw); err != nil {
			return err
		}
		if err := packed.w.Close(); err != nil {
			return err
		}
	}
	return rows.Err()
}

func send(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/vnd.mapbox-vector-tile")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
