package main

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed peer-data.sql
var peerData string

// dataset is one table of the data, which is a layer of the same name in onemap.
type dataset struct {
	name    string
	rows    int    // of the whole data
	columns string // attributes, as a tile shows them
}

var points = dataset{"pts", 1_000_000, "name, category, dept, status, value, cnt, updated"}

var datasets = []dataset{
	points,
	{"polys", 100_000, "name, landuse, county, score, nverts"},
	{"lines", 50_000, "name, class, lanes, nverts"},
}

// load makes the tables unless they are there.
func (o *options) load(ctx context.Context, db string) error {
	conn, err := pgx.Connect(ctx, db) // one, because the seed of random() belongs to the session
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('m.lines_m') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if !there {
		statements := append([]string{"CREATE EXTENSION IF NOT EXISTS postgis", "SET bench.part = " + strconv.Itoa(o.part), "SET bench.times = " + strconv.Itoa(o.times)}, strings.Split(peerData, ";\n")...)
		for _, sql := range statements { // one by one: VACUUM refuses company
			if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				return fmt.Errorf("load the data: %w\n%s", err, sql)
			}
		}
	}
	for _, d := range datasets {
		var rows int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM m."+d.name+"_m").Scan(&rows); err != nil {
			return err
		}
		if rows != o.rowsOf(d) {
			return fmt.Errorf("%s has %d rows, not %d: give an empty database", d.name, rows, o.rowsOf(d))
		}
	}
	return nil
}

type coord struct{ z, x, y int }

// deepest is the zoom whose tiles are looked for in the database; those above follow.
const deepest = 14

// tilesWithin returns the tiles of zoom 14 that a vertex of the data lies in.
func tilesWithin(ctx context.Context, db string, d dataset) ([]coord, error) {
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT DISTINCT floor((ST_X(v) + $1) / $2)::int, floor(($1 - ST_Y(v)) / $2)::int
		FROM (SELECT (ST_DumpPoints(geom)).geom AS v FROM m.`+d.name+`_m) vertices`, mercator, 2*mercator/(1<<deepest))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (coord, error) {
		c := coord{z: deepest}
		return c, row.Scan(&c.x, &c.y)
	})
}

// mercator is half the width of the Web Mercator world, in metres.
const mercator = 20037508.342789244

// choose returns up to n tiles of zoom z that are not empty, each once, and the same
// ones whenever it is asked.
func choose(deep []coord, z, n int) []coord {
	up := deepest - z
	all := make([]coord, len(deep))
	for i, c := range deep {
		all[i] = coord{z, c.x >> up, c.y >> up}
	}
	slices.SortFunc(all, func(a, b coord) int { return (a.x-b.x)<<deepest + a.y - b.y })
	all = slices.Compact(all)
	rnd := rand.New(rand.NewPCG(42, uint64(z)))
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

func datasetOf(name string) (dataset, bool) {
	i := slices.IndexFunc(datasets, func(d dataset) bool { return d.name == name })
	if i < 0 {
		return dataset{}, false
	}
	return datasets[i], true
}
