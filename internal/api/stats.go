package api

import (
	"net/http"

	"onemap/internal/geojson"
	"onemap/layers"
)

type layerStatus struct {
	ID string `json:"id"`
	status
	TilesMaxZoom int `json:"tilesMaxZoom"`
}

// stats is the state of every layer, small enough to be asked for every few
// seconds by every wall.
func (a *api) stats(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	entries, position, err := a.reader(r).Layers(r.Context())
	if err != nil {
		return err
	}
	now := a.Now()
	list := make([]layerStatus, len(entries))
	for i, e := range entries {
		list[i] = layerStatus{e.ID, statusAt(e, now), a.Tiles.SourceZoom(e.ID)}
	}
	return writeJSON(w, http.StatusOK, struct {
		Time     string        `json:"time"`
		Position layers.Cursor `json:"position"`
		Layers   []layerStatus `json:"layers"`
	}{geojson.Time(now), layers.Cursor{Epoch: head.Epoch, Position: position}, list})
}
