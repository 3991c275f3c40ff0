package api

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
)

// mostTagged is the largest answer, in bytes, that is held back to be tagged.
const mostTagged = 1 << 20

// tag gives JSON answers that have no ETag one of their content, so that whoever has
// the answer is not sent it again. Features and tiles have tags of their versions.
func tag(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || ofTile(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldWriter{ResponseWriter: w}
		next.ServeHTTP(held, r)
		held.end(r)
	})
}

// describeTags adds to the API definition what tag adds to the answers, for every GET
// of JSON that does not speak of it itself.
func describeTags(doc map[string]any) {
	ref := func(to string) map[string]any { return map[string]any{"$ref": "#/components/" + to} }
	paths, _ := doc["paths"].(map[string]any)
	for _, item := range paths {
		get, _ := item.(map[string]any)["get"].(map[string]any)
		answers, _ := get["responses"].(map[string]any)
		ok, _ := answers["200"].(map[string]any)
		content, _ := ok["content"].(map[string]any)
		if content[mediaJSON] == nil || answers["304"] != nil {
			continue
		}
		answers["304"] = ref("responses/notModified")
		parameters, _ := get["parameters"].([]any)
		get["parameters"] = append(parameters, ref("parameters/ifNoneMatch"))
		headers, _ := ok["headers"].(map[string]any)
		if headers == nil {
			headers = map[string]any{}
			ok["headers"] = headers
		}
		headers["ETag"] = ref("headers/etag")
	}
}

// heldWriter holds an answer back as long as it may get a tag.
type heldWriter struct {
	http.ResponseWriter
	body    bytes.Buffer
	holding bool
	began   bool
}

func (w *heldWriter) WriteHeader(status int) {
	w.began = true
	h := w.Header()
	if status == http.StatusOK && h.Get("Content-Type") == mediaJSON && h.Get("ETag") == "" {
		w.holding = true
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *heldWriter) Write(b []byte) (int, error) {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
	if !w.holding {
		return w.ResponseWriter.Write(b)
	}
	if w.body.Len()+len(b) <= mostTagged {
		return w.body.Write(b)
	}
	w.holding = false
	w.ResponseWriter.WriteHeader(http.StatusOK)
	if _, err := w.ResponseWriter.Write(w.body.Bytes()); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// end tags and sends what is held.
func (w *heldWriter) end(r *http.Request) {
	if !w.holding {
		return
	}
	sum := sha256.Sum256(w.body.Bytes())
	w.Header().Del("Content-Type") // a 304 has none
	if notModified(w.ResponseWriter, r, fmt.Sprintf(`"%x"`, sum[:12])) {
		return
	}
	w.Header().Set("Content-Type", mediaJSON)
	_, _ = w.ResponseWriter.Write(w.body.Bytes())
}

// begun reports whether part of an answer is out. What is only held is dropped.
func begun(w http.ResponseWriter) bool {
	if held, ok := w.(*heldWriter); ok {
		if held.holding {
			*held = heldWriter{ResponseWriter: held.ResponseWriter}
		}
		w = held.ResponseWriter
	}
	sw, ok := w.(*statusWriter)
	return ok && sw.status != 0
}

// Unwrap lets http.ResponseController set deadlines.
func (w *heldWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
