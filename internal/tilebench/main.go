// Command tilebench measures the tiles of a real onemap server by HTTP, beside two
// yardsticks on the same data in the same run: prepared ST_AsMVT on Web Mercator
// tables, the best that a tile server in front of PostGIS can do, and a handler of
// constant bytes, which no server can beat. See docs/performance.md.
//
//	go run ./internal/tilebench -zooms 6,14 -connections 8 -runs 1
//	go run ./internal/tilebench -database postgres://… -peer 'tegola=http://localhost:8082/maps/{data}/{z}/{x}/{y}.pbf'
//
// Nobody imports it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"onemap/internal/pgtest"
)

// options are what the flags say.
type options struct {
	database string
	part     int
	times    int
	onemap   string
	data     []dataset
	zooms    []int
	conns    []int
	runs     int
	tiles    int
	least    time.Duration
	most     time.Duration
	peers    []peer
	moves    int
	metrics  string
	write    string
}

// settings are of a database that has memory for its data, as in production.
var settings = []string{"shared_buffers='2GB'", "maintenance_work_mem='256MB'", "max_wal_size='8GB'"}

func main() {
	if len(os.Args) > 1 && os.Args[1] == yardstickCommand {
		exit(serveYardstick(os.Args[2]))
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bench := func(url string) error {
		r, err := run(ctx, url, o)
		if r == nil {
			return err
		}
		text := r.markdown()
		fmt.Println(text)
		if err != nil || o.write == "" {
			return err
		}
		return writeBetween(o.write, text)
	}
	if o.database != "" {
		exit(bench(o.database))
	}
	exit(pgtest.WithDatabase(bench, settings...))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tilebench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (options, error) {
	o := options{data: datasets}
	f := flag.NewFlagSet("tilebench", flag.ExitOnError)
	f.StringVar(&o.database, "database", "", "`URL` of a database to load the data into, if it has none, and to keep; without it one is made and thrown away, on ONEMAP_TEST_PG or a server of its own")
	f.IntVar(&o.part, "part", 1, "1000: only a thousandth of the data")
	f.IntVar(&o.times, "times", 1, "10: ten times as many points")
	f.StringVar(&o.onemap, "onemap", "", "onemap's `binary`; without it, it is built")
	names := f.String("data", "pts,polys,lines", "what to measure")
	zooms := f.String("zooms", "6,8,10,12,14", "zooms, at most 14")
	conns := f.String("connections", "1,8,32", "connections at a time")
	f.IntVar(&o.runs, "runs", 3, "how often each figure is taken; the median counts")
	f.IntVar(&o.tiles, "tiles", 500, "tiles of each zoom at most, random ones that are not empty")
	f.DurationVar(&o.least, "least", time.Second, "ask for all tiles again until a figure has taken so long")
	f.DurationVar(&o.most, "most", 20*time.Second, "ask for no more tiles when a figure has taken so long")
	f.Func("peer", "another tile server, as NAME=`URL` or NAME/DATA=URL with {z}, {x}, {y} and {data}; may be repeated", func(s string) error {
		p, err := parsePeer(s)
		o.peers = append(o.peers, p)
		return err
	})
	f.IntVar(&o.moves, "moves", 0, "also measure the points while so many a second move, such as 10000")
	f.StringVar(&o.metrics, "metrics", "onemap_tile_layers", "also print the server's metrics whose names begin so, once it is ready")
	f.StringVar(&o.write, "write", "", "put the tables into this Markdown `file`, between its marks")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.data, err = chosen(*names); err != nil {
		return o, err
	}
	if o.zooms, err = numbers(*zooms, deepest); err != nil {
		return o, fmt.Errorf("-zooms: %w", err)
	}
	if o.conns, err = numbers(*conns, 10_000); err != nil {
		return o, fmt.Errorf("-connections: %w", err)
	}
	if o.runs < 1 || o.tiles < 1 || o.part < 1 || o.times < 1 {
		return o, fmt.Errorf("-runs, -tiles, -part and -times are at least 1")
	}
	return o, nil
}

// rowsOf returns how many rows of a data set there are.
func (o *options) rowsOf(d dataset) int {
	if d.name == points.name {
		return d.rows * o.times / o.part
	}
	return d.rows / o.part
}

func chosen(list string) ([]dataset, error) {
	var all []dataset
	for name := range strings.SplitSeq(list, ",") {
		d, ok := datasetOf(name)
		if !ok {
			return nil, fmt.Errorf("-data: there is no %q", name)
		}
		all = append(all, d)
	}
	return all, nil
}

func numbers(list string, most int) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return nil, fmt.Errorf("%q is not a number from 1 to %d", text, most)
		}
		all = append(all, n)
	}
	return all, nil
}
