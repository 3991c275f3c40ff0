package api

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"onemap/layers"
	"onemap/tiles"
)

const (
	mediaJSON    = "application/json"
	mediaGeoJSON = "application/geo+json"
	mediaOpenAPI = "application/vnd.oai.openapi+json;version=3.0"
	mediaMVT     = "application/vnd.mapbox-vector-tile"
	mediaPatch   = "application/merge-patch+json"

	crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

	// gzipSuffix tells the compressed form of an answer from the plain one. Tiles
	// have other codings too, and a suffix for each.
	gzipSuffix = "-" + string(tiles.Gzip)
)

// link is a link of OGC API Common.
type link struct {
	Href  string `json:"href"`
	Rel   string `json:"rel"`
	Type  string `json:"type,omitempty"`
	Title string `json:"title,omitempty"`

	Templated bool `json:"templated,omitempty"` // Href is a URI template (RFC 6570)
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	return writeAs(w, status, mediaJSON, body)
}

func writeAs(w http.ResponseWriter, status int, media string, body any) error {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // it fails when the reader is gone
	return nil
}

// notModified answers 304 if the client has the representation already. The
// comparison is weak (RFC 9110, 13.1.2), and compressed or not does not count.
func notModified(w http.ResponseWriter, r *http.Request, etag string) bool {
	w.Header().Set("ETag", etag)
	for _, have := range entityTags(r.Header.Values("If-None-Match")) {
		if have == "*" || opaque(have) == opaque(etag) {
			w.Header().Set("ETag", have)
			if have == "*" {
				w.Header().Set("ETag", etag)
			}
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// entityTags splits the header's list; a tag may hold commas.
func entityTags(values []string) []string {
	var tags []string
	s := strings.Join(values, ",")
	for {
		s = strings.TrimLeft(s, ", \t")
		if s == "" {
			return tags
		}
		if s[0] == '*' {
			tags, s = append(tags, "*"), s[1:]
			continue
		}
		start := strings.IndexByte(s, '"')
		if start < 0 {
			return tags
		}
		end := strings.IndexByte(s[start+1:], '"')
		if end < 0 {
			return tags
		}
		end += start + 2
		tags, s = append(tags, s[:end]), s[end:]
	}
}

// opaque is what identifies a tag, without weakness and compression.
func opaque(tag string) string {
	tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
	tag = strings.Trim(tag, `"`)
	for _, c := range tiles.Codings {
		if plain, ok := strings.CutSuffix(tag, "-"+string(c)); ok {
			return plain
		}
	}
	return tag
}

// featureTag is a feature's entity tag: its version within the store's epoch,
// and the schema that it is written by.
func featureTag(epoch string, version layers.Position, s layers.Schema) string {
	h := fnv.New32a()
	for _, a := range s {
		_, _ = io.WriteString(h, a.Name+"\n")
	}
	return fmt.Sprintf(`"%s-%x"`, versionTag(epoch, version), h.Sum32())
}

// versionTag is the part of a feature's tag that If-Match compares. A client
// may build it from what it got over the live protocol.
func versionTag(epoch string, version layers.Position) string {
	return epoch + "-" + strconv.FormatInt(int64(version), 10)
}

// base returns scheme and host as the client knows them.
func (a *api) base(r *http.Request) string {
	scheme, host := "http", r.Host
	if a.secure(r) {
		scheme = "https"
	}
	if a.TrustProxy {
		if forwarded := firstOf(r.Header.Get("X-Forwarded-Host")); forwarded != "" {
			host = forwarded
		}
	}
	return (&url.URL{Scheme: scheme, Host: host}).String()
}

// secure reports whether the client came over HTTPS.
func (a *api) secure(r *http.Request) bool {
	if a.TrustProxy {
		if proto := firstOf(r.Header.Get("X-Forwarded-Proto")); proto != "" {
			return strings.EqualFold(proto, "https")
		}
	}
	return r.TLS != nil
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// pathParam returns a part of the path, unescaped. The router matches the
// escaped path when there is one, so that an id may hold a slash.
func pathParam(r *http.Request, name string) string {
	v := chi.URLParam(r, name)
	if r.URL.RawPath != "" {
		if plain, err := url.PathUnescape(v); err == nil {
			return plain
		}
	}
	return v
}

func (a *api) layerURL(r *http.Request, layer string) string {
	return a.base(r) + "/api/collections/" + layer
}

func (a *api) featureURL(r *http.Request, layer, id string) string {
	return a.layerURL(r, layer) + "/items/" + url.PathEscape(id)
}
