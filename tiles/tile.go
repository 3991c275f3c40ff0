package tiles

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"
	"sync/atomic"
)

// Tile is what a tile's answer is made of, kept together so that none of it can
// belong to another state. Nobody changes it, but it grows by the codings that
// are asked for.
type Tile struct {
	Raw  []byte // the MVT message; empty if nothing is in the tile
	ETag string // strong entity tag of Raw, with its quotes

	packer *packer
	forms  [3]form // in the order of Codings
	size   atomic.Int64
	grew   func() // tells the cache, if the tile is in one
}

// form is the tile in one coding, from when somebody asks for it.
type form struct {
	once  sync.Once
	bytes []byte
}

// tileOverhead is what a cached tile costs beside its bytes, roughly.
const tileOverhead = 500

// smallTile is what fits into one packet with the headers of its answer, in bytes.
const smallTile = 1200

func (p *packer) pack(raw []byte) *Tile {
	sum := sha256.Sum256(raw)
	t := &Tile{Raw: raw, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`, packer: p}
	t.size.Store(int64(len(raw)))
	return t
}

// Small reports that compressing the tile is not worth it. Such a tile is one packet
// on the wire either way, and most of it is ids and coordinates, which hardly shrink.
func (t *Tile) Small() bool { return len(t.Raw) < smallTile }

// In returns the tile's bytes in a coding. Whoever asks first waits while it is
// compressed, and so do those who ask meanwhile; after that it is there.
func (t *Tile) In(c Coding) []byte {
	i := slices.Index(Codings, c)
	if i < 0 || len(t.Raw) == 0 {
		return t.Raw
	}
	p := &t.forms[i]
	p.once.Do(func() {
		p.bytes = t.packer.compress(t.Raw, c)
		t.size.Add(int64(len(p.bytes)))
		if t.grew != nil {
			t.grew()
		}
	})
	return p.bytes
}

func (t *Tile) weight() int64 { return tileOverhead + t.size.Load() }
