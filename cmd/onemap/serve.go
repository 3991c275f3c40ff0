package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"onemap/internal/access"
	"onemap/internal/api"
	"onemap/internal/config"
	"onemap/internal/dispatch"
	"onemap/internal/feed"
	"onemap/internal/formats"
	"onemap/internal/live"
	"onemap/internal/telemetry"
	"onemap/layers"
	"onemap/tiles"
	"onemap/web"
)

type serveCmd struct {
	settings
	Addr     *string `placeholder:"HOST:PORT" help:"Where to listen (default 127.0.0.1:8080, which is this machine alone)."`
	Sample   *bool   `help:"Fill an empty store with the sample data of Guangxi."`
	Simulate *bool   `help:"Keep a simulated flood drill running on the sample data."`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	conf, log, err := c.load(s, config.Flags{Addr: c.Addr, Sample: c.Sample, Simulate: c.Simulate})
	if err != nil {
		return err
	}
	if len(conf.Ignored) > 0 {
		log.Warn("environment variables that name no setting are ignored", "names", conf.Ignored)
	}
	listener, err := listen(conf.Addr) // before the data is touched
	if err != nil {
		return err
	}
	defer listener.Close()
	store, err := openStore(ctx, conf, true, log)
	if err != nil {
		return err
	}
	srv, err := newServer(ctx, conf, log, store, listener.Addr())
	if err == nil {
		srv.out = s.out
		srv.greet(ctx)
		err = srv.run(ctx, listener)
	}
	if err = errors.Join(err, store.Close()); err == nil {
		fmt.Fprintln(s.out, "Stopped.")
	}
	return err
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	return l, nil
}

// server is the object graph. Everything that runs is started by run and ends
// with it.
type server struct {
	conf    *config.Loaded
	log     *slog.Logger
	store   layers.Store
	shared  shared // the store again, if several nodes may have it; else nil
	tokens  *access.Tokens
	tiles   *tiles.Service
	hub     *live.Hub
	feed    *feed.Feed
	scenes  *dispatch.Rotation
	metrics *telemetry.Metrics
	ready   *telemetry.Readiness
	http    *http.Server
	url     string    // for people on this machine
	out     io.Writer // where people are told
}

// shared is what a store for several nodes offers beside layers.
type shared interface {
	Alone(ctx context.Context, task string, f func(context.Context) error) error
	Join(ctx context.Context) (first bool, err error)
	Setting(ctx context.Context, name string) (string, error)
	ChangeSetting(ctx context.Context, name, value string) (before string, err error)
}

// What /readyz waits for.
const (
	stepSample = "sample data"
	stepTiles  = "layers in memory"
)

func newServer(ctx context.Context, conf *config.Loaded, log *slog.Logger, store layers.Store, addr net.Addr) (*server, error) {
	s := &server{conf: conf, log: log, store: store, url: localURL(addr), out: io.Discard}
	s.shared, _ = store.(shared)
	err := s.agree(ctx)
	if err != nil {
		return nil, fmt.Errorf("agree with other nodes: %w", err)
	}
	if s.metrics, err = telemetry.NewMetrics(build()); err != nil {
		return nil, err
	}
	if s.tokens, err = access.Open(conf.Data); err != nil {
		return nil, fmt.Errorf("open the tokens: %w", err)
	}
	s.ready = telemetry.NewReadiness(stepTiles)
	if conf.Sample {
		s.ready = telemetry.NewReadiness(stepSample, stepTiles)
	}
	if s.tiles, err = tiles.New(store, tiles.Options{
		CacheBytes: orNone(conf.Tiles.Cache, tiles.NoCache), Memory: orNone(conf.Tiles.Memory, tiles.NoMemory),
		Bounds: bound(conf.Map.Bounds), PushDown: conf.Tiles.PushDown, Log: log, Progress: s.loaded,
		Redrawn: func(layer string) { s.hub.Redraw(layer) },
		WaitFor: func(ctx context.Context, p layers.Position) error { return s.feed.WaitFor(ctx, p) },
		Dir:     filepath.Join(conf.Data, "tiles"), Cursor: func() layers.Cursor { return s.feed.Cursor() },
	}); err != nil {
		return nil, err
	}
	s.hub = live.NewHub(live.Options{Store: store, Identify: s.tokens.Identify, Log: log, Now: time.Now, Build: build()})
	s.feed = feed.New(store, log, s.tiles, s.hub) // in this order: tiles are fresh before anybody hears
	// From here on nothing that is read can change unnoticed.
	if err := s.feed.Start(ctx); err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	scenes, err := dispatch.Scenes()
	if err != nil {
		return nil, err
	}
	s.scenes = dispatch.New(scenes, func(message any) { s.hub.Broadcast("wall", message) }, time.Now)
	if err := s.measure(); err != nil {
		return nil, err
	}
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// run starts everything that runs, and ends it in order: no new requests, sockets
// told to come back, running requests finished, then the feed. The caller closes
// the store.
func (s *server) run(ctx context.Context, listener net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInner()
	g.Go(func() error { return quietly(s.feed.Run(inner)) })
	g.Go(func() error { return quietly(s.tiles.Run(ctx)) })
	g.Go(func() error { return quietly(s.hub.Run(ctx)) })
	g.Go(func() error { return quietly(s.scenes.Run(ctx)) })
	g.Go(func() error { return quietly(s.fill(ctx)) })
	g.Go(func() error {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		s.log.Info("stopping")
		s.ready.Stopping()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.conf.Shutdown)
		defer cancel()
		err := s.http.Shutdown(wait)
		if errors.Is(err, context.DeadlineExceeded) {
			s.log.Warn("requests that still ran were cut off", "waited", s.conf.Shutdown)
			err = s.http.Close()
		}
		stopInner()
		return err
	})
	return g.Wait()
}

// quietly takes a stop that was asked for as the success that it is.
func quietly(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// orNone is a setting in MiB as tiles has it, in bytes, where 0 is the default.
func orNone(mib, none int64) int64 {
	if mib == 0 {
		return none
	}
	return mib << 20
}

// loaded tells how far the first load of the layers is.
func (s *server) loaded(done, of int, layer string, features int, from string) {
	if layer == "" {
		s.ready.Done(stepTiles)
		return
	}
	if from != "" {
		s.log.Info("layer in memory", "layer", layer, "features", features, "from", from, "done", done, "of", of)
	}
	s.ready.Progress(stepTiles, fmt.Sprintf("%d of %d", done, of))
}

func (s *server) handler() (http.Handler, error) {
	apiHandler, err := api.New(api.Deps{
		Store: s.store, Tiles: s.tiles, Tokens: s.tokens, Settings: mapSettings(&s.conf.Map),
		Scenes: func() any { return s.scenes.Scenes() }, Log: s.log, Now: time.Now,
		Formats: formats.All(createGeoPackage), WaitFor: s.feed.WaitFor, Reach: s.feed.Reach, TrustProxy: s.conf.TrustProxy,
	})
	if err != nil {
		return nil, err
	}
	pages, err := web.Handler(web.FS())
	if err != nil {
		return nil, err
	}
	return s.routes(apiHandler, pages), nil
}
