package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// contentTypes are the types of what Vite builds. They are fixed here because a
// machine's own table is often empty or wrong, and a browser refuses a module
// (.mjs) or a worker of another type.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// policy lets a page load from this server alone. MapLibre needs blob: images
// for icons, and its style attributes; the worker is a file of ours.
const policy = "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'self'"

// asset is one file ready to send. Text is kept compressed only: nearly every
// client takes it so, and the binary stays small.
type asset struct {
	body        []byte
	gzipped     bool
	contentType string
	etag        string
	page        bool
	immutable   bool
}

// Handler serves the pages of files: / is index.html, /wall is wall.html,
// /api/reference is reference.html, every other path the file of that name. A file
// "x.gz" is x, compressed.
func Handler(files fs.FS) (http.Handler, error) {
	assets, err := readAssets(files)
	if err != nil {
		return nil, err
	}
	for _, page := range []string{"/wall.html", "/reference.html"} {
		if _, built := assets[page]; !built {
			assets[page] = assets["/index.html"] // the placeholder speaks for all
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := r.URL.Path
		switch name {
		case "/":
			name = "/index.html"
		case "/wall", "/wall/":
			name = "/wall.html"
		case "/api/reference":
			name = "/reference.html"
		case "/favicon.ico": // asked for beside pages that name no icon
			name = "/favicon.svg"
		}
		a, ok := assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r)
	}), nil
}

func readAssets(files fs.FS) (map[string]*asset, error) {
	assets := map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		plain, gzipped := strings.CutSuffix(name, ".gz")
		sum := sha256.Sum256(body)
		contentType := contentTypes[path.Ext(plain)]
		if contentType == "" {
			contentType = mime.TypeByExtension(path.Ext(plain))
		}
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		assets["/"+plain] = &asset{
			body:        body,
			gzipped:     gzipped,
			contentType: contentType,
			etag:        `"` + hex.EncodeToString(sum[:12]) + `"`,
			page:        path.Ext(plain) == ".html",
			// Names under assets/ carry a hash or a version: another content gets another name.
			immutable: strings.HasPrefix(plain, "assets/"),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	if assets["/index.html"] == nil {
		return nil, fmt.Errorf("reading the pages: no index.html")
	}
	return assets, nil
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if a.page {
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
	}
	body := a.body
	if a.gzipped {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
		} else {
			plain, err := gunzip(a.body)
			if err != nil {
				http.Error(w, "the embedded file is damaged", http.StatusInternalServerError)
				return
			}
			body = plain
			h.Set("ETag", strings.TrimSuffix(a.etag, `"`)+`-plain"`) // another representation
		}
	}
	if notModified(r.Header.Values("If-None-Match"), h.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client went away: nobody is left to tell
}

func acceptsGzip(values []string) bool {
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding = strings.TrimSpace(coding); coding != "gzip" && coding != "*" {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return err != nil || weight > 0
	}
	return false
}

func notModified(values []string, etag string) bool {
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}

func gunzip(body []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
