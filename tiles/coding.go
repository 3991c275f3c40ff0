package tiles

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Coding is a content coding of a tile's bytes, by its name in HTTP (RFC 9110, 8.4.1).
type Coding string

const (
	Identity Coding = "identity"
	Gzip     Coding = "gzip"
	Brotli   Coding = "br"
	Zstd     Coding = "zstd"
)

// Codings are those that make tiles smaller, the best first. With the levels below they
// come to much the same size, so the one that browsers read fastest leads.
var Codings = []Coding{Zstd, Brotli, Gzip}

// Levels, by BenchmarkCodings. A tile is compressed while somebody waits for it, and a
// change throws it away: gzip at level 6 takes twice the time for an eighth less.
const (
	gzipLevel   = 2
	brotliLevel = 1
	zstdLevel   = zstd.SpeedFastest
)

// packer compresses tiles. It keeps its compressors, whose tables are a thousand
// times as large as a small tile, and has no more of them than processors.
type packer struct {
	turns   chan struct{}
	writers map[Coding]*sync.Pool
	zstd    *zstd.Encoder
}

type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

func newPacker() (*packer, error) {
	p := &packer{turns: make(chan struct{}, runtime.GOMAXPROCS(0)), writers: map[Coding]*sync.Pool{
		Gzip: {New: func() any {
			w, _ := gzip.NewWriterLevel(nil, gzipLevel) // fails for levels that don't exist
			return w
		}},
		Brotli: {New: func() any { return brotli.NewWriterV2(nil, brotliLevel) }},
	}}
	var err error
	// Outlines have hardly two bytes that repeat, and by default are left as they are.
	if p.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithAllLitEntropyCompression(true)); err != nil {
		return nil, fmt.Errorf("make a compressor: %w", err)
	}
	return p, nil
}

func (p *packer) compress(raw []byte, c Coding) []byte {
	p.turns <- struct{}{}
	defer func() { <-p.turns }()
	if c == Zstd {
		return bytes.Clone(p.zstd.EncodeAll(raw, make([]byte, 0, len(raw)/2)))
	}
	pool := p.writers[c]
	w := pool.Get().(compressor)
	defer pool.Put(w)
	var b bytes.Buffer // writing to it does not fail
	w.Reset(&b)
	_, _ = w.Write(raw)
	_ = w.Close()
	return bytes.Clone(b.Bytes())
}
