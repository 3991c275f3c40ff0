package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"onemap/internal/access"
	"onemap/layers"
)

// attachment is how a request asks for a table.
type attachment struct {
	Table       string       `json:"table"`
	Layer       layers.Layer `json:"layer"`
	Key         string       `json:"key"`
	Geometry    string       `json:"geometry"`
	PollSeconds float64      `json:"pollSeconds"`
	Version     string       `json:"version"`
	Look        bool         `json:"look"`
}

// attached is how a table is published.
type attached struct {
	layers.Attached
	PollSeconds float64 `json:"pollSeconds"` // 0: each write is captured
}

func attachedOf(a layers.Attached) attached {
	if a.Advice == nil {
		a.Advice = []layers.Advice{}
	}
	return attached{a, a.Poll.Seconds()}
}

// attacher returns the store for who may attach, if tables can be attached to it.
func (a *api) attacher(r *http.Request) (layers.Attacher, error) {
	if err := a.mayWrite(r); err != nil {
		return nil, err
	}
	if err := noParams(r); err != nil {
		return nil, err
	}
	store, ok := a.Store.(layers.Attacher)
	if !ok {
		return nil, &httpError{status: http.StatusNotImplemented, detail: "this server keeps its layers in the embedded store, where departments have no tables; start it with --store postgres://…"}
	}
	return store, nil
}

// attachments lists the tables behind the layers that the view sees.
func (a *api) attachments(w http.ResponseWriter, r *http.Request) error {
	store, err := a.attacher(r)
	if err != nil {
		return err
	}
	all, err := store.Attachments(r.Context())
	if err != nil {
		return err
	}
	list := []attached{}
	for _, one := range all {
		if a.view(r).Sees(one.Layer) {
			list = append(list, attachedOf(one))
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		Attachments []attached `json:"attachments"`
	}{list})
}

// attach publishes a table, or says what that would be.
func (a *api) attach(w http.ResponseWriter, r *http.Request) error {
	store, err := a.attacher(r)
	if err != nil {
		return err
	}
	body, err := a.readBody(w, r, mediaJSON)
	if err != nil {
		return err
	}
	asked, err := parseAttachment(body)
	if err != nil {
		return err
	}
	want := layers.Attachment{Table: asked.Table, Layer: asked.Layer, Key: asked.Key, Geometry: asked.Geometry, Version: asked.Version,
		Poll: time.Duration(asked.PollSeconds * float64(time.Second))}
	if asked.Look {
		found, err := store.Survey(r.Context(), want)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, attachedOf(found))
	}
	by := access.From(r.Context()).Name()
	found, at, err := store.Attach(r.Context(), layers.Actor{Name: by}, want)
	if err != nil {
		return err
	}
	a.Log.Info("attached", "layer", found.Layer.ID, "table", found.Table, "by", by, "cursor", at.String())
	a.wait(r, at)
	w.Header().Set("Location", a.layerURL(r, found.Layer.ID))
	w.Header().Set(positionHeader, at.String())
	return writeJSON(w, http.StatusCreated, attachedOf(found))
}

func parseAttachment(body []byte) (attachment, error) {
	var asked attachment
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		wrong := layers.Violation{Field: "body", Reason: strings.TrimPrefix(err.Error(), "json: "),
			Remedy: `for example {"table": "water.gauges", "layer": {"id": "gauges", "title": {"zh": "水位站"}}}`}
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) { // its own words are of Go's types
			wrong.Field, wrong.Reason = cmp.Or(kind.Field, "body"), "of another type: "+kind.Value
		}
		return asked, invalid("the body is not an attachment", wrong)
	}
	switch {
	case asked.Table == "":
		return asked, invalid("the body is not an attachment", layers.Violation{Field: "table", Reason: "missing", Remedy: "name a table or view, as SQL does: water.gauges"})
	case asked.PollSeconds < 0 || asked.PollSeconds > 86400:
		return asked, invalid("the body is not an attachment", layers.Violation{Field: "pollSeconds", Reason: "out of range", Remedy: "0 to 86400"})
	}
	return asked, nil
}

// detach takes an attached layer off the map.
func (a *api) detach(w http.ResponseWriter, r *http.Request) error {
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return err
	}
	store, err := a.attacher(r)
	if err != nil {
		return err
	}
	by := access.From(r.Context()).Name()
	at, err := store.Detach(r.Context(), layers.Actor{Name: by}, e.ID)
	if err != nil {
		return err
	}
	a.Log.Info("detached", "layer", e.ID, "by", by, "cursor", at.String())
	a.wait(r, at)
	w.Header().Set(positionHeader, at.String())
	w.WriteHeader(http.StatusNoContent)
	return nil
}
