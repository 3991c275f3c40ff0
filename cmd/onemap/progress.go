package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"onemap/internal/ingest"
)

// progressBar is one line on a terminal; anywhere else it shows nothing.
type progressBar struct {
	w       io.Writer // nil if there is no terminal
	started time.Time // of this pass
	shown   time.Time
	writing bool
}

func newProgressBar(w io.Writer) *progressBar {
	b := &progressBar{started: time.Now()}
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		b.w = w
	}
	return b
}

const barWidth = 30 // characters

func (b *progressBar) show(p ingest.Progress) {
	if b.w == nil {
		return
	}
	now := time.Now()
	if p.Writing && !b.writing {
		b.writing, b.started = true, now
	}
	if now.Sub(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = now
	rate := float64(p.Rows) / max(now.Sub(b.started).Seconds(), 0.001)
	if !p.Writing {
		fmt.Fprintf(b.w, "\r\x1b[K%s: reading, %s rows, %s rows/s", p.Layer, thousands(p.Rows), thousands(int64(rate)))
		return
	}
	done := float64(p.Rows) / float64(max(p.Total, 1))
	full := int(done * barWidth)
	fmt.Fprintf(b.w, "\r\x1b[K%s [%s%s] %3.0f %%  %s of %s rows, %s rows/s", p.Layer,
		strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100, thousands(p.Rows), thousands(p.Total), thousands(int64(rate)))
}

// clear removes the line.
func (b *progressBar) clear() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// thousands formats a count as 12,345.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
