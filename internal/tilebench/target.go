package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/paulmach/orb/encoding/mvt"
)

// target is a server of tiles.
type target struct {
	name string
	pid  int // 0: not ours, so that its processor time is not known
	tile func(d dataset, c coord) string
}

// peer is a tile server of somebody else's.
type peer struct{ name, data, template string }

func parsePeer(s string) (peer, error) {
	name, template, ok := strings.Cut(s, "=")
	name, data, _ := strings.Cut(name, "/")
	for _, part := range []string{"http://", "{z}", "{x}", "{y}"} {
		ok = ok && strings.Contains(template, part)
	}
	if !ok || name == "" {
		return peer{}, fmt.Errorf("%q is not NAME=http://…/{z}/{x}/{y}", s)
	}
	if _, known := datasetOf(data); data != "" && !known {
		return peer{}, fmt.Errorf("there is no data set %q", data)
	}
	return peer{name, data, template}, nil
}

// peersOf are the other servers that have the data set.
func peersOf(peers []peer, d dataset) []target {
	var all []target
	for _, p := range peers {
		if p.data == "" || p.data == d.name {
			all = append(all, target{name: p.name, tile: func(d dataset, c coord) string {
				return strings.NewReplacer("{data}", d.name, "{z}", strconv.Itoa(c.z), "{x}", strconv.Itoa(c.x), "{y}", strconv.Itoa(c.y)).Replace(p.template)
			}})
		}
	}
	return all
}

// check decodes a tile with something in it: what is fast because it is wrong must not
// be in the table.
func (t target) check(d dataset, tiles []coord) error {
	for _, c := range tiles {
		n, err := features(t.tile(d, c))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s: nothing is in any of %d tiles of %s, of which the first is %s", t.name, len(tiles), d.name, t.tile(d, tiles[0]))
}

// features is how many are in a tile.
func features(url string) (int, error) {
	r, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", url, err)
	}
	if r.StatusCode == http.StatusNoContent {
		return 0, nil
	}
	if r.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, r.Status)
	}
	layers, err := mvt.Unmarshal(b)
	if err != nil {
		return 0, fmt.Errorf("%s is no vector tile: %w", url, err)
	}
	n := 0
	for _, l := range layers {
		n += len(l.Features)
	}
	return n, nil
}
