package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"onemap/layers"
	"onemap/tiles"
)

// maxTileLayers bounds how many layers one tile may hold.
const maxTileLayers = 64

// maxTileZoom is the last zoom of WebMercatorQuad that is served: 0.15 m a tile
// at the equator would follow.
const maxTileZoom = 24

// tileLayers reads the list of layers in the path.
func tileLayers(r *http.Request) ([]string, error) {
	ids := strings.Split(pathParam(r, "layers"), ",")
	if len(ids) > maxTileLayers {
		return nil, layers.Errorf(layers.Invalid, "%d layers in one tile; at most %d", len(ids), maxTileLayers)
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return nil, layers.Errorf(layers.Invalid, "the layer %q is named twice", shorten(id))
		}
	}
	return ids, nil
}

// tile is one vector tile of one or more layers, in XYZ numbering.
func (a *api) tile(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	ids, err := tileLayers(r)
	if err != nil {
		return err
	}
	z, x, y, err := tileAddress(pathParam(r, "z"), pathParam(r, "x"), pathParam(r, "y"))
	if err != nil {
		return err
	}
	coding, plain, err := codingOf(r)
	if err != nil {
		return err
	}
	t, err := a.Tiles.Tile(r.Context(), a.view(r), ids, z, x, y)
	if err != nil {
		return err
	}
	if notModified(w, r, t.ETag) {
		return nil
	}
	if len(t.Raw) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", mediaMVT)
	// The tile keeps its compressed forms; nobody compresses it again.
	h.Set(gzhttp.HeaderNoCompression, "1")
	if plain && t.Small() {
		coding = tiles.Identity
	}
	if coding != tiles.Identity {
		h.Set("Content-Encoding", string(coding))
		h.Set("ETag", strings.TrimSuffix(t.ETag, `"`)+"-"+string(coding)+`"`)
	}
	body := t.In(coding)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	return nil
}

// tileAddress reads z/x/y; the last may end in .mvt or .pbf.
func tileAddress(zs, xs, ys string) (z, x, y int, err error) {
	ys = strings.TrimSuffix(strings.TrimSuffix(ys, ".mvt"), ".pbf")
	for _, n := range []struct {
		text string
		to   *int
	}{{zs, &z}, {xs, &x}, {ys, &y}} {
		v, parseErr := strconv.ParseUint(n.text, 10, 31)
		if parseErr != nil {
			return 0, 0, 0, layers.Errorf(layers.NotFound, "%q is not a tile's number", shorten(n.text))
		}
		*n.to = int(v)
	}
	if z > maxTileZoom {
		return 0, 0, 0, layers.Errorf(layers.NotFound, "there are no tiles beyond zoom %d", maxTileZoom)
	}
	if x >= 1<<z || y >= 1<<z {
		return 0, 0, 0, layers.Errorf(layers.NotFound, "zoom %d has tiles from 0 to %d in each direction", z, 1<<z-1)
	}
	return z, x, y, nil
}

// tileJSON describes tiles for map libraries (TileJSON 3.0).
func (a *api) tileJSON(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	ids, err := tileLayers(r)
	if err != nil {
		return err
	}
	escaped := make([]string, len(ids))
	for i, id := range ids {
		escaped[i] = url.PathEscape(id)
	}
	doc, err := a.Tiles.TileJSON(r.Context(), a.view(r), ids, a.base(r)+"/tiles/"+strings.Join(escaped, ",")+"/{z}/{x}/{y}")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doc)
}
