package api

import (
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"onemap/layers"
)

// readBody returns the request's body as UTF-8, inflated if it was compressed.
// Both sizes are bounded: 50 kB can inflate to 50 MB.
func (a *api) readBody(w http.ResponseWriter, r *http.Request, media ...string) ([]byte, error) {
	sent, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(media, sent) {
		header := http.Header{}
		if r.Method == http.MethodPatch {
			header.Set("Accept-Patch", strings.Join(media, ", "))
		} else {
			header.Set("Accept-Post", strings.Join(media, ", "))
		}
		return nil, &httpError{http.StatusUnsupportedMediaType, "the Content-Type must be " + strings.Join(media, " or "), header}
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, a.MaxBody)
	switch coding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, a.bodyError(err)
		}
		body = z
	default:
		return nil, &httpError{http.StatusUnsupportedMediaType, "the Content-Encoding must be gzip or none", http.Header{"Accept-Encoding": {"gzip"}}}
	}
	b, err := io.ReadAll(io.LimitReader(body, a.MaxBody+1))
	if err != nil {
		return nil, a.bodyError(err)
	}
	if int64(len(b)) > a.MaxBody {
		return nil, a.bodyError(&http.MaxBytesError{Limit: a.MaxBody})
	}
	if !utf8.Valid(b) {
		return nil, invalid("the body is not UTF-8", layers.Violation{Field: "body", Reason: "bytes that are not UTF-8", Remedy: "convert it from its encoding, e.g. GB 18030"})
	}
	return withoutBOM(b), nil
}

func (a *api) bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return layers.Errorf(layers.TooLarge, "the body has more than %d bytes; send it in several parts", a.MaxBody)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return invalid("the body is not gzip, as its Content-Encoding says")
	}
	return &layers.Error{Code: layers.Invalid, Message: "the body ended too early", Cause: err}
}
