package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"onemap/layers"
	"onemap/tiles"
)

var ofMVT = []string{mediaMVT}

// tile is one vector tile of one or more layers, in XYZ numbering.
func (a *api) tile(w http.ResponseWriter, r *http.Request) error {
	ids, err := tiles.ParseLayers(pathParam(r, "layers"))
	if err != nil {
		return err
	}
	c, err := tiles.ParseZXY(pathParam(r, "z"), pathParam(r, "x"), pathParam(r, "y"))
	if err != nil {
		return err
	}
	return a.writeTile(w, r, newParams(r), ids, c)
}

// writeTile answers with a tile, whatever its address was.
func (a *api) writeTile(w http.ResponseWriter, r *http.Request, p *params, ids []string, c tiles.Coord) error {
	var at layers.Cursor
	var pinned bool
	if a.Reach != nil {
		at, pinned = p.version()
	}
	variant := p.variant()
	if err := p.err(); err != nil {
		return err
	}
	coding, plain, err := codingOf(r)
	if err != nil {
		return err
	}
	if pinned { // before the tile is read, or it might be older
		if err := a.reach(r.Context(), at); err != nil {
			return err
		}
	}
	t, err := a.Tiles.TileOf(r.Context(), a.view(r), ids, c, variant)
	if err != nil {
		return err
	}
	if pinned {
		forLong(w, r)
	}
	if notModified(w, r, t.ETag) {
		return nil
	}
	if len(t.Raw) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h := w.Header()
	h["Content-Type"] = ofMVT
	if plain && t.Small() {
		coding = tiles.Identity
	}
	if coding != tiles.Identity {
		h["Content-Encoding"] = []string{string(coding)}
		h["Etag"] = []string{strings.TrimSuffix(t.ETag, `"`) + "-" + string(coding) + `"`}
	}
	body := t.In(coding)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body)
	return nil
}

// tileJSON describes tiles for map libraries (TileJSON 3.0).
func (a *api) tileJSON(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r)
	p.negotiate(r, offerJSON)
	variant := p.variant()
	if err := p.err(); err != nil {
		return err
	}
	ids, err := tiles.ParseLayers(pathParam(r, "layers"))
	if err != nil {
		return err
	}
	doc, err := a.Tiles.TileJSON(r.Context(), a.view(r), ids, variant, a.base(r)+"/tiles/"+escapeAll(ids)+"/{z}/{x}/{y}")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doc)
}

// variant reads what tiles are to show of their layers.
func (p *params) variant() tiles.Variant {
	v, wrong := tiles.ParseVariant(p.one)
	for _, w := range wrong {
		p.add(w.Field, w.Value, w.Reason, w.Remedy)
	}
	if text, sent := p.one("datetime"); sent {
		if interval, err := parseDatetime(text); err != nil {
			p.addErr("datetime", text, err)
		} else if interval != nil {
			v = v.During(*interval)
		}
	}
	if e, query := p.filter(); e != nil {
		v = v.Where(tiles.Filter{Expr: e, Query: query})
	}
	return v
}

// escapeAll lists layers as a path has them.
func escapeAll(ids []string) string {
	escaped := make([]string, len(ids))
	for i, id := range ids {
		escaped[i] = url.PathEscape(id)
	}
	return strings.Join(escaped, ",")
}
