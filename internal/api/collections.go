package api

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"time"

	"onemap/internal/crs"
	"onemap/internal/geojson"
	"onemap/layers"
)

// collection is a layer as OGC API Features describes it, with all that we know
// of it beside.
type collection struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Extent       *extent       `json:"extent,omitempty"`
	ItemType     string        `json:"itemType"`
	CRS          []string      `json:"crs"`
	StorageCRS   string        `json:"storageCrs"`
	Links        []link        `json:"links"`
	Layer        *layers.Layer `json:"layer"`
	Status       status        `json:"status"`
	TilesFrom    string        `json:"tilesFrom"`    // memory or store; see docs/tiles.md
	TilesMaxZoom int           `json:"tilesMaxZoom"` // the deepest zoom that a map needs
}

type extent struct {
	Spatial spatial `json:"spatial"`
}

type spatial struct {
	BBox [][4]float64 `json:"bbox"`
	CRS  string       `json:"crs"`
}

// status is how much a layer holds and whether it keeps its promise.
type status struct {
	Count      int64            `json:"count"`
	Updated    *string          `json:"updated"` // null: never
	Freshness  layers.Freshness `json:"freshness"`
	AgeSeconds int64            `json:"ageSeconds"` // 0 if never updated
}

func statusAt(e layers.Entry, now time.Time) status {
	s := status{Count: e.Status.Count, Freshness: e.Freshness(now), Updated: updated(e)}
	if s.Updated != nil {
		s.AgeSeconds = max(0, int64(now.Sub(e.Status.Updated).Seconds()))
	}
	return s
}

func updated(e layers.Entry) *string {
	if e.Status.Updated.IsZero() {
		return nil
	}
	t := geojson.Time(e.Status.Updated)
	return &t
}

func (a *api) describe(r *http.Request, e layers.Entry) collection {
	own := a.layerURL(r, e.ID)
	c := collection{
		ID: e.ID, Title: first(e.Title), Description: first(e.Abstract), Attribution: first(e.Source),
		ItemType: "feature", CRS: crs.URIs(), StorageCRS: crs84, Layer: e.Layer, Status: statusAt(e, a.Now()),
		TilesFrom: a.tilesFrom(e.ID), TilesMaxZoom: a.Tiles.SourceZoom(e.ID),
		Links: []link{
			{Href: own, Rel: "self", Type: mediaJSON, Title: first(e.Title)},
			{Href: own + "/items", Rel: "items", Type: mediaGeoJSON, Title: first(e.Title)},
			{Href: own + "/schema", Rel: relSchema, Type: mediaSchema, Title: "what features have"},
			{Href: own + "/queryables", Rel: relQueryables, Type: mediaSchema, Title: "what a filter may ask for"},
			{Href: own + "/queryables", Rel: relQueryablesDraft, Type: mediaJSON, Title: "the same for GDAL"},
			{Href: own + "/sortables", Rel: relSortables, Type: mediaSchema, Title: "what items may be sorted by"},
			{Href: own + "/styles", Rel: relStyles, Type: mediaJSON, Title: "how it wants to be drawn"},
			{Href: own + "/tiles", Rel: relTilesets, Type: mediaJSON, Title: "vector tiles"},
			{Href: a.base(r) + "/tiles/" + e.ID + ".json", Rel: "related", Type: mediaJSON, Title: "TileJSON"},
		},
	}
	c.Links = append(c.Links, a.downloadsOf(r, e.ID)...)
	if b := e.Status.Extent; b != nil {
		c.Extent = &extent{Spatial: spatial{BBox: [][4]float64{{b.Min[0], b.Min[1], b.Max[0], b.Max[1]}}, CRS: crs84}}
	}
	return c
}

func (a *api) tilesFrom(layer string) string {
	if a.Tiles.Kept(layer) {
		return "memory"
	}
	return "store"
}

// first is the text for readers who know one language only: OGC's members.
func first(t layers.Text) string {
	if t.Zh != "" {
		return t.Zh
	}
	return t.En
}

// catalogueTag changes with every change of data, definitions or freshness. It
// is weak: the age in an answer grows while the tag stays.
func (a *api) catalogueTag(c layers.Cursor, entries ...layers.Entry) string {
	h := fnv.New64a()
	for _, e := range entries {
		fmt.Fprint(h, e.ID, e.Freshness(a.Now()), a.tilesFrom(e.ID), a.Tiles.SourceZoom(e.ID), "\n")
	}
	return fmt.Sprintf(`W/"%s-%d-%x"`, c.Epoch, c.Position, h.Sum64())
}

func (a *api) collections(w http.ResponseWriter, r *http.Request) error {
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
	head.Position = position
	if notModified(w, r, a.catalogueTag(head, entries...)) {
		return nil
	}
	list := make([]collection, len(entries))
	for i, e := range entries {
		list[i] = a.describe(r, e)
		list[i].CRS = []string{"#/crs"} // of this document (/req/crs/fc-md-crs-list-global)
	}
	base := a.base(r)
	return writeJSON(w, http.StatusOK, struct {
		Links       []link       `json:"links"`
		CRS         []string     `json:"crs"`
		Collections []collection `json:"collections"`
	}{[]link{
		{Href: base + "/api/collections", Rel: "self", Type: mediaJSON, Title: "the layers"},
		{Href: base + "/api", Rel: "root", Type: mediaJSON, Title: a.Settings.Title.Zh},
	}, crs.URIs(), list})
}

func (a *api) collection(w http.ResponseWriter, r *http.Request) error {
	// The head before the layer: at worst the tag is older than the answer, and
	// the next question brings it again.
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	// Whether a layer is there comes before what is wrong with the question.
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return err
	}
	if err := noParams(r); err != nil {
		return err
	}
	if notModified(w, r, a.catalogueTag(head, e)) {
		return nil
	}
	return writeJSON(w, http.StatusOK, a.describe(r, e))
}
