package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/gzhttp"

	"onemap/internal/access"
	"onemap/internal/formats"
	"onemap/layers"
	"onemap/tiles"
)

// Deps is what the API works with.
type Deps struct {
	Store    layers.Store
	Tiles    *tiles.Service
	Tokens   *access.Tokens
	Settings Settings
	Scenes   func() any       // the wall's scenes; nil: there are none
	Formats  []formats.Format // of features, for downloads
	Log      *slog.Logger
	Now      func() time.Time

	// WaitFor returns when tiles and live sessions know every change up to the
	// position, so that who has written sees it in the next tile. May be nil.
	WaitFor func(context.Context, layers.Position) error

	// Reach returns when tiles have every change up to a place in the log, or
	// Expired if that is no place of it. Without it tiles take no ?v=.
	Reach func(context.Context, layers.Cursor) error

	// TrustProxy believes X-Forwarded-Proto and X-Forwarded-Host. Set it only
	// behind a proxy that overwrites them.
	TrustProxy bool

	// Timeout bounds a request as a whole, but not the sending of downloads; 0 is a
	// minute.
	Timeout time.Duration

	// MaxBody is the largest request body in bytes, after inflating; 0 is 32 MiB.
	MaxBody int64
}

const (
	defaultMaxBody = 32 << 20
	defaultTimeout = time.Minute
	// waitForTiles bounds how long a write waits for the feed: the write is
	// durable and visible already, only tiles may be a moment behind.
	waitForTiles = 2 * time.Second
)

type api struct {
	Deps
	openAPI, openAPI31 definition

	cross  *http.CrossOriginProtection
	routes chi.Routes
	pages  *access.Pages

	itemOffers []offer
	downloads  chan struct{} // a place for each that reads the store

	contexts sync.Pool // of *chi.Context: as chi keeps them, but trace reads them afterwards
}

// New returns the handler of all routes below /api and /tiles, and of /signin
// and /signout.
func New(d Deps) (http.Handler, error) {
	a, mux, err := build(d)
	if err != nil {
		return nil, err
	}
	compress, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.SuffixETag(gzipSuffix), gzhttp.CompressionLevel(3))
	if err != nil {
		return nil, err
	}
	plain := a.trace(mux)
	compressed := compress(plain)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ofTile(r.URL.Path) {
			plain(w, r)
		} else {
			compressed(w, r)
		}
	}), nil
}

// ofTile reports whether a path is a tile's: below /tiles/ stand its layers or its
// matrix set and three numbers. Tiles keep their compressed forms, and nobody
// compresses them again.
func ofTile(path string) bool {
	at := strings.LastIndex(path, "/tiles/")
	return at >= 0 && strings.Count(path[at:], "/") >= 5
}

func build(d Deps) (*api, *chi.Mux, error) {
	if d.Store == nil || d.Tiles == nil || d.Tokens == nil {
		return nil, nil, errors.New("api: a store, tiles and tokens are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Timeout <= 0 {
		d.Timeout = defaultTimeout
	}
	if d.MaxBody <= 0 {
		d.MaxBody = defaultMaxBody
	}
	a := &api{Deps: d, cross: http.NewCrossOriginProtection(), itemOffers: itemOffers(d.Formats), downloads: make(chan struct{}, mostDownloads)}
	a.contexts.New = func() any { return chi.NewRouteContext() }
	var err error
	if a.pages, err = access.NewPages(d.Tokens, a.secure); err != nil {
		return nil, nil, err
	}
	if a.openAPI, a.openAPI31, err = definitions(d.Settings); err != nil {
		return nil, nil, err
	}
	mux := chi.NewRouter()
	mux.Use(a.headers, stripSlash, middleware.GetHead, a.identify, a.readable, tag)
	mux.NotFound(a.handle(notFound))
	mux.MethodNotAllowed(a.handle(a.methodNotAllowed))
	a.routes = mux
	a.mount(mux)
	return a, mux, nil
}

// mount is the table of contents of the API.
func (a *api) mount(r chi.Router) {
	r.Get("/api", a.handle(a.landing))
	r.Get("/api/conformance", a.handle(a.conformance))
	r.Get("/api/openapi.json", a.handle(a.openAPI.serve))
	r.Get("/api/openapi-3.1.json", a.handle(a.openAPI31.serve))

	r.Get("/api/collections", a.handle(a.collections))
	r.Get("/api/collections/{layer}", a.handle(a.collection))
	r.Get("/api/collections/{layer}/schema", a.handle(a.layerSchema))
	r.Get("/api/collections/{layer}/queryables", a.handle(a.queryables))
	r.Get("/api/collections/{layer}/sortables", a.handle(a.sortables))
	r.Get("/api/collections/{layer}/items", a.handle(a.items))
	r.Post("/api/collections/{layer}/items", a.handle(a.create))
	r.Get("/api/collections/{layer}/items/{feature}", a.handle(a.feature))
	r.Put("/api/collections/{layer}/items/{feature}", a.handle(a.replace))
	r.Patch("/api/collections/{layer}/items/{feature}", a.handle(a.patch))
	r.Delete("/api/collections/{layer}/items/{feature}", a.handle(a.remove))
	r.Get("/api/collections/{layer}/aggregate", a.handle(a.aggregate))

	r.Get("/api/attachments", a.handle(a.attachments))
	r.Post("/api/attachments", a.handle(a.attach))
	r.Delete("/api/attachments/{layer}", a.handle(a.detach))

	r.Get("/api/search", a.handle(a.search))
	r.Get("/api/divisions/{code}", a.handle(a.division))
	r.Get("/api/join/{role}/{value}", a.handle(a.join))

	r.Get("/api/themes", a.handle(a.themes))
	r.Get("/api/stats", a.handle(a.stats))
	r.Get("/api/session", a.handle(a.session))
	r.Get("/api/settings", a.handle(a.settings))
	r.Get("/api/scenes", a.handle(a.scenes))

	r.Get("/api/collections/_records", a.handle(a.recordCollection))
	r.Get("/api/collections/_records/items", a.handle(a.records))
	r.Get("/api/collections/_records/items/{record}", a.handle(a.record))

	r.Get("/api/styles", a.handle(a.styles))
	r.Get("/api/styles/{style}", a.handle(a.style))
	r.Get("/api/styles/{style}/metadata", a.handle(a.styleMetadata))
	r.Get("/api/collections/{layer}/styles", a.handle(a.collectionStyles))

	r.Get("/api/collections/{layer}/tiles", a.handle(a.collectionTilesets))
	r.Get("/api/collections/{layer}/tiles/{tileMatrixSetId}", a.handle(a.collectionTileset))
	r.Get("/api/collections/{layer}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", a.handle(a.collectionTile))
	r.Get("/api/tiles", a.handle(a.datasetTilesets))
	r.Get("/api/tiles/{tileMatrixSetId}", a.handle(a.datasetTileset))
	r.Get("/api/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", a.handle(a.datasetTile))
	r.Get("/api/tileMatrixSets", a.handle(a.tileMatrixSets))
	r.Get("/api/tileMatrixSets/{tileMatrixSetId}", a.handle(a.tileMatrixSet))

	r.Get("/tiles/{layers}.json", a.handle(a.tileJSON))
	r.Get("/tiles/{layers}/{z}/{x}/{y}", a.handle(a.tile))

	r.Get("/signin", a.pages.SignIn)
	r.Post("/signin", a.pages.SignIn)
	r.Post("/signout", a.pages.SignOut)
}

// reader returns what the asking identity may see.
func (a *api) reader(r *http.Request) layers.Reader {
	return a.Store.As(a.view(r))
}

func (a *api) view(r *http.Request) layers.View { return access.From(r.Context()).View }
