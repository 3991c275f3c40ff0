package tiles

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Tile is what a tile's answer is made of, kept together so that none of it can
// belong to another state. It is immutable.
type Tile struct {
	Raw  []byte // the MVT message; empty if nothing is in the tile
	Gzip []byte // Raw, compressed; empty if Raw fits into one packet as it is
	ETag string // strong entity tag of Raw, with its quotes
}

// tileOverhead is what a cached tile costs beside its bytes, roughly.
const tileOverhead = 400

// worthPacking is the size from which a tile is compressed. Smaller ones are one
// packet on the wire either way, and most of a small tile is ids and coordinates,
// which hardly shrink.
const worthPacking = 1200

// packer makes tiles. It keeps its compressors, whose tables are a thousand
// times as large as a small tile.
type packer struct{ writers sync.Pool }

func (p *packer) pack(raw []byte) (*Tile, error) {
	sum := sha256.Sum256(raw)
	t := &Tile{Raw: raw, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`}
	if len(raw) < worthPacking {
		return t, nil
	}
	w, ok := p.writers.Get().(*gzip.Writer)
	if !ok {
		w, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // a tile is sent more often than it is made, but waited for when it is made
	}
	defer p.writers.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("compress a tile: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a tile: %w", err)
	}
	t.Gzip = bytes.Clone(b.Bytes())
	return t, nil
}

func (t *Tile) weight() int { return tileOverhead + len(t.Raw) + len(t.Gzip) }
