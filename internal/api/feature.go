package api

import (
	"net/http"

	"onemap/internal/geojson"
	"onemap/layers"
)

// feature is one feature (/req/core/f-op).
func (a *api) feature(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), a.reader(r)
	e, err := reader.Layer(ctx, pathParam(r, "layer"))
	if err != nil {
		return err
	}
	p := newParams(r)
	p.negotiate(r, offerGeoJSON)
	show := p.presentation(e.Layer)
	if err := p.err(); err != nil {
		return err
	}
	head, err := a.Store.Head(ctx)
	if err != nil {
		return err
	}
	f, position, err := reader.Feature(ctx, e.ID, pathParam(r, "feature"))
	if err != nil {
		return err
	}
	w.Header().Set(positionHeader, layers.Cursor{Epoch: head.Epoch, Position: position}.String())
	if notModified(w, r, show.tag(head.Epoch, f)) {
		return nil
	}
	w.Header().Set("Content-Type", mediaGeoJSON)
	show.header(w.Header())
	b := geojson.AppendFeature(nil, show.layer.Schema, show.of(f))
	own := a.layerURL(r, e.ID)
	b = appendNotice(b[:len(b)-1], e.Layer) // inside the feature's closing brace
	b = appendLinks(b, []link{
		{Href: a.featureURL(r, e.ID, f.ID), Rel: "self", Type: mediaGeoJSON, Title: f.Name(e.Schema)},
		{Href: own, Rel: "collection", Type: mediaJSON, Title: first(e.Title)},
	})
	_, _ = w.Write(append(b, '}', '\n'))
	return nil
}
