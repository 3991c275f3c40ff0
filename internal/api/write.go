package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"

	"onemap/internal/access"
	"onemap/internal/geojson"
	"onemap/layers"
)

// maxEdits bounds one commit: longer ones would keep other writers waiting.
const maxEdits = layers.MaxLimit

// receipt tells a writer what was done. All of it is durable and visible.
type receipt struct {
	Cursor  layers.Cursor   `json:"cursor"`
	Results []receiptResult `json:"results"`
}

type receiptResult struct {
	ID      string          `json:"id"`
	Version layers.Position `json:"version"`
	Created bool            `json:"created"`
}

// writable finds the layer and asks whether the identity may write to it, in
// this order: a layer that it does not see does not exist.
func (a *api) writable(r *http.Request) (layers.Entry, error) {
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return e, err
	}
	if err := a.mayWrite(r); err != nil {
		return e, err
	}
	return e, noParams(r)
}

// create takes a Feature that must not exist yet (/req/create-replace-delete/insert),
// or a FeatureCollection whose features are created or replaced, all or none.
func (a *api) create(w http.ResponseWriter, r *http.Request) error {
	e, err := a.writable(r)
	if err != nil {
		return err
	}
	body, err := a.readBody(w, r, mediaGeoJSON, mediaJSON)
	if err != nil {
		return err
	}
	features, isCollection, err := geojson.ParseCollection(body)
	if err != nil {
		return err
	}
	if len(features) > maxEdits {
		return layers.Errorf(layers.TooLarge, "%d features in one request; at most %d, send them in several", len(features), maxEdits)
	}
	d := &decoder{}
	d.checkCRS(body)
	if isCollection {
		return a.createAll(w, r, e, d, features)
	}
	edit := d.edit(layers.Create, "", body)
	if err := d.err(); err != nil {
		return err
	}
	rc, err := a.apply(r, e, "", edit)
	if err != nil {
		return err
	}
	w.Header().Set("Location", a.featureURL(r, e.ID, rc.Results[0].ID))
	w.Header().Set("ETag", featureTag(rc.Cursor.Epoch, rc.Results[0].Version, e.Schema))
	return writeReceipt(w, http.StatusCreated, rc)
}

func (a *api) createAll(w http.ResponseWriter, r *http.Request, e layers.Entry, d *decoder, features []json.RawMessage) error {
	edits := d.collection(features)
	if err := d.err(); err != nil {
		return err
	}
	if len(edits) == 0 {
		head, err := a.Store.Head(r.Context())
		if err != nil {
			return err
		}
		return writeReceipt(w, http.StatusOK, layers.Receipt{Cursor: head})
	}
	rc, err := a.apply(r, e, "features", edits...)
	if err != nil {
		return err
	}
	return writeReceipt(w, http.StatusOK, rc)
}

// replace puts a feature in the place of another, or creates it.
func (a *api) replace(w http.ResponseWriter, r *http.Request) error {
	e, err := a.writable(r)
	if err != nil {
		return err
	}
	pre, err := preconditionOf(r)
	if err != nil {
		return err
	}
	body, err := a.readBody(w, r, mediaGeoJSON, mediaJSON)
	if err != nil {
		return err
	}
	id := pathParam(r, "feature")
	d := &decoder{}
	d.checkCRS(body)
	edit := d.edit(layers.Put, "", body)
	if edit.ID != "" && edit.ID != id {
		d.add("id", edit.ID, "not the id in the path", "the same id, or none")
	}
	if err := d.err(); err != nil {
		return err
	}
	edit.ID = id
	if pre.mustExist {
		edit.Op = layers.Replace
	}
	if pre.mustNot {
		edit.Op = layers.Create
	}
	rc, err := a.applyIf(r, e, pre, edit)
	if code := layers.CodeOf(err); err != nil && (pre.mustNot && code == layers.Conflict || pre.mustExist && code == layers.NotFound) {
		err = &layers.Error{Code: layers.Precondition, Message: "the feature's existence is not what the request's precondition says", Cause: err}
	}
	if err != nil {
		return err
	}
	w.Header().Set("ETag", featureTag(rc.Cursor.Epoch, rc.Results[0].Version, e.Schema))
	if rc.Results[0].Created {
		w.Header().Set("Location", a.featureURL(r, e.ID, id))
		return writeReceipt(w, http.StatusCreated, rc)
	}
	return writeReceipt(w, http.StatusOK, rc)
}

// remove deletes a feature (/req/create-replace-delete/delete).
func (a *api) remove(w http.ResponseWriter, r *http.Request) error {
	e, err := a.writable(r)
	if err != nil {
		return err
	}
	pre, err := preconditionOf(r)
	if err != nil {
		return err
	}
	rc, err := a.applyIf(r, e, pre, layers.Edit{Op: layers.Delete, ID: pathParam(r, "feature")})
	if err != nil {
		return err
	}
	w.Header().Set(positionHeader, rc.Cursor.String())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// applyIf applies one edit if its feature is as the precondition says. No
// feature has version 0, so the store checks it again, in its transaction.
func (a *api) applyIf(r *http.Request, e layers.Entry, pre precondition, edit layers.Edit) (layers.Receipt, error) {
	if len(pre.match) > 0 {
		f, err := a.current(r, e, pre, edit.ID)
		if err != nil {
			return layers.Receipt{}, err
		}
		edit.IfVersion = f.Version
	}
	return a.apply(r, e, "", edit)
}

// current reads a feature for which the precondition holds.
func (a *api) current(r *http.Request, e layers.Entry, pre precondition, id string) (*layers.Feature, error) {
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return nil, err
	}
	f, _, err := a.reader(r).Feature(r.Context(), e.ID, id)
	if err != nil {
		return nil, err
	}
	return f, pre.holds(head.Epoch, f)
}

// apply commits the edits and waits until tiles know of them. list is the name
// of the array in the body that held the features; "" if the body was one.
func (a *api) apply(r *http.Request, e layers.Entry, list string, edits ...layers.Edit) (layers.Receipt, error) {
	id := access.From(r.Context())
	rc, err := a.Store.Apply(r.Context(), layers.Actor{Name: id.Name()}, e.ID, edits)
	if err != nil {
		return rc, inBody(err, list)
	}
	a.Log.Info("edited", "layer", e.ID, "edits", len(edits), "by", id.Name(), "cursor", rc.Cursor.String())
	a.wait(r, rc.Cursor)
	return rc, nil
}

// wait returns when tiles know of a change, or after a moment.
func (a *api) wait(r *http.Request, at layers.Cursor) {
	if a.WaitFor == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitForTiles)
	defer cancel()
	if err := a.WaitFor(ctx, at.Position); err != nil {
		a.Log.Warn("tiles are behind a write", "cursor", at.String(), "err", err)
	}
}

func writeReceipt(w http.ResponseWriter, status int, rc layers.Receipt) error {
	out := receipt{Cursor: rc.Cursor, Results: make([]receiptResult, len(rc.Results))}
	for i, res := range rc.Results {
		out.Results[i] = receiptResult(res)
	}
	w.Header().Set(positionHeader, rc.Cursor.String())
	return writeJSON(w, status, out)
}

var (
	editPath   = regexp.MustCompile(`^edits\[\d+\]\.?`)
	editPrefix = regexp.MustCompile(`^edits\[\d+\]: `)
)

// inBody turns the core's paths ("edits[3].properties.level") into those of what
// the client sent: "features[3].properties.level", or "properties.level".
func inBody(err error, list string) error {
	var e *layers.Error
	if !errors.As(err, &e) {
		return err
	}
	rename := func(s string, path *regexp.Regexp) string {
		return path.ReplaceAllStringFunc(s, func(at string) string {
			if list == "" {
				return ""
			}
			return list + at[len("edits"):]
		})
	}
	out := *e
	out.Message = rename(e.Message, editPrefix)
	out.Violations = slices.Clone(e.Violations)
	for i := range out.Violations {
		out.Violations[i].Field = rename(out.Violations[i].Field, editPath)
	}
	return &out
}
