package api

import (
	"context"
	"encoding/json"
	"net/http"

	"onemap/internal/geojson"
	"onemap/layers"
)

// joinLimit is how many features of one layer a join shows: an address or an
// enterprise has a handful, a division may have thousands.
const joinLimit = 100

var joinRoles = map[string]layers.Role{
	"credit_code": layers.RoleCreditCode,
	"division":    layers.RoleDivision,
	"address":     layers.RoleAddress,
}

type joined struct {
	Layer         *layers.Layer     `json:"layer"`
	Status        status            `json:"status"`
	NumberMatched int64             `json:"numberMatched"`
	Features      []json.RawMessage `json:"features"`
}

// join is what all departments know of one enterprise, place or division
// (一企一图): the features of every layer that have the value as their join key.
func (a *api) join(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	role, ok := joinRoles[pathParam(r, "role")]
	value := pathParam(r, "value")
	if !ok {
		return layers.Errorf(layers.NotFound, "layers are joined by credit_code, division or address")
	}
	ctx, reader := r.Context(), a.reader(r)
	entries, _, err := reader.Layers(ctx)
	if err != nil {
		return err
	}
	now := a.Now()
	answers, err := askEach(ctx, entries, func(ctx context.Context, e layers.Entry) (*joined, error) {
		key, ok := e.Schema.ByRole(role)
		if !ok {
			return nil, nil
		}
		v, err := key.Coerce(value)
		if err != nil {
			return nil, nil // no feature has such a key
		}
		page, err := reader.Query(ctx, layers.Query{
			Layer: e.ID, Limit: joinLimit, Count: true,
			Selection: layers.Selection{Filters: []layers.Filter{{Attribute: key.Name, Value: v}}},
		})
		if err != nil || len(page.Features) == 0 {
			return nil, err
		}
		j := &joined{Layer: e.Layer, Status: statusAt(e, now), NumberMatched: page.Matched}
		for _, f := range page.Features {
			j.Features = append(j.Features, geojson.AppendFeature(nil, e.Schema, f))
		}
		return j, nil
	})
	if err != nil {
		return err
	}
	found := []*joined{}
	for _, j := range answers {
		if j != nil {
			found = append(found, j)
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		Role   layers.Role `json:"role"`
		Value  string      `json:"value"`
		Layers []*joined   `json:"layers"`
	}{role, value, found})
}
