package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// report is everything that was measured.
type report struct {
	options
	began     string // load average
	ended     string
	results   map[cell]map[string][]result
	ready     time.Duration
	rssReady  int // bytes
	rssCold   int
	rssWarm   int
	metrics   []string
	moving    []movingResult
	untilSeen []time.Duration // from before an update until it is in a tile; sorted
}

func newReport(o options) *report {
	return &report{options: o, began: load1(), results: map[cell]map[string][]result{}}
}

func (r *report) add(c cell, server string, one result) {
	if r.results[c] == nil {
		r.results[c] = map[string][]result{}
	}
	r.results[c][server] = append(r.results[c][server], one)
	r.ended = load1()
}

// english puts commas into large numbers.
var english = message.NewPrinter(language.English)

// markdown is the report as docs/performance.md has it.
func (r *report) markdown() string {
	var b strings.Builder
	var what []string
	for _, d := range r.data {
		what = append(what, english.Sprintf("%s %d", d.name, r.rowsOf(d)))
	}
	fmt.Fprintf(&b, "%s, %d processors, load average %s at the start and %s at the end. Rows: %s. Median of %d, up to %d tiles a zoom, each figure %s to %s.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), r.began, r.ended, strings.Join(what, ", "), r.runs, r.tiles, min(r.least, r.most), r.most)
	r.coldTable(&b)
	r.warmTable(&b)
	r.movingTable(&b)
	fmt.Fprintf(&b, "onemap was ready %.1f s after its start with %d MB RSS; %d MB after the uncached tiles, %d MB when it keeps them all.\n",
		r.ready.Seconds(), r.rssReady>>20, r.rssCold>>20, r.rssWarm>>20)
	for _, line := range r.metrics {
		fmt.Fprintf(&b, "\n    %s\n", line)
	}
	return b.String()
}

func (r *report) cells(f func(cell, map[string]result)) {
	for _, d := range r.data {
		for _, z := range r.zooms {
			for _, n := range r.conns {
				medians := map[string]result{}
				for name, runs := range r.results[cell{d.name, z, n}] {
					medians[name] = median(runs)
				}
				f(cell{d.name, z, n}, medians)
			}
		}
	}
}

func (r *report) coldTable(b *strings.Builder) {
	var others []string
	for _, p := range r.peers {
		if !slices.Contains(others, p.name) {
			others = append(others, p.name)
		}
	}
	fmt.Fprint(b, "**Nothing cached.** Times in ms; kB a tile as sent / before compression; CPU in ms a tile: server + database; (cut): the time was over before each tile was asked for once, which are not the same tiles then.\n\n",
		"| data | z | conn. | push-down tiles/s | p50 / p99 | kB | CPU | onemap tiles/s | p50 / p99 | kB | CPU | ratio | bar |")
	for _, name := range others {
		fmt.Fprintf(b, " %s tiles/s | p50 / p99 | kB |", name)
	}
	fmt.Fprintln(b, "\n|"+strings.Repeat("---|", 13+3*len(others)))
	largest, cached, served := map[string]int{}, 0, 0
	var generator time.Duration
	r.cells(func(c cell, m map[string]result) {
		p, o := m[pushed], m[cold]
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s |%s\n", c.data, c.zoom, c.conns, columns(p, true), columns(o, true), ratio(o, p), verdict(c, o, p), peerColumns(m, others))
		largest[c.data] = max(largest[c.data], o.largest)
		cached, served, generator = cached+o.cached, served+o.served, generator+o.generator
	})
	fmt.Fprintln(b)
	for _, d := range r.data {
		english.Fprintf(b, "Largest tile of %s before compression: %.0f kB (≤ %d kB: %s). ", d.name, kB(largest[d.name]), barLargest/1000, met(largest[d.name] <= barLargest))
	}
	fmt.Fprintf(b, "Of these tiles of onemap %d of %d came from its cache; the load generator took %.3f ms of processor for one.\n\n", cached, served, ms(generator)/float64(max(1, served)))
}

func peerColumns(m map[string]result, names []string) string {
	var all strings.Builder
	for _, name := range names {
		if r, ok := m[name]; ok {
			all.WriteString(" " + columns(r, false) + " |")
		} else {
			all.WriteString(" | | |")
		}
	}
	return all.String()
}

// columns are a server's rate, times and bytes, and its processor time.
func columns(r result, withCPU bool) string {
	text := fmt.Sprintf("%s | %s | %s", rate(r), times(r), sizes(r))
	if withCPU {
		text += fmt.Sprintf(" | %s + %s", number(ms(r.each(r.server))), number(ms(r.each(r.database))))
	}
	return text
}

// rate is the tiles a second, and what is to be said of them.
func rate(r result) string {
	text := number(r.rate())
	if r.cut {
		text += " (cut)"
	}
	if r.failed > 0 {
		text += fmt.Sprintf(" (%d failed)", r.failed)
	}
	return text
}

func times(r result) string { return number(ms(r.p50)) + " / " + number(ms(r.p99)) }

func sizes(r result) string {
	n := float64(max(1, r.served))
	return fmt.Sprintf("%s / %s", number(kB(r.wire)/n), number(kB(r.raw)/n))
}

func (r *report) warmTable(b *strings.Builder) {
	fmt.Fprintf(b, "**Cached**, beside a handler of as many constant bytes, which no server can beat. Bar: ≥ %g %%.\n\n", 100*barCached)
	fmt.Fprint(b, "| data | z | conn. | constant bytes tiles/s | p50 / p99 | CPU | onemap tiles/s | p50 / p99 | CPU | kB | of the ceiling | bar |\n|"+strings.Repeat("---|", 12)+"\n")
	missed := 0
	r.cells(func(c cell, m map[string]result) {
		k, o := m[constant], m[warm]
		part := o.of(k)
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %.0f %% | %s |\n", c.data, c.zoom, c.conns,
			number(k.rate()), times(k), number(ms(k.each(k.server))), number(o.rate()), times(o), number(ms(o.each(o.server))), number(kB(o.wire)/float64(max(1, o.served))), 100*part, met(part >= barCached))
		missed += o.served - o.cached
	})
	fmt.Fprintf(b, "\n%d of these tiles were not in the cache.\n\n", missed)
}

// number has as many digits as say something.
func number(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return english.Sprintf("%.0f", v)
}

func ratio(a, b result) string {
	return number(a.of(b)) + " ×"
}

// The marks between which a file has the tables.
const begin, end = "<!-- tilebench -->\n", "<!-- /tilebench -->"

func writeBetween(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(old, []byte(begin))
	_, foot, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return fmt.Errorf("%s has no %q … %q", path, begin, end)
	}
	return os.WriteFile(path, slices.Concat(head, []byte(begin), []byte(text), []byte(end), foot), 0o644)
}
