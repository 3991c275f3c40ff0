package api

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi/*.yaml
var openAPIFiles embed.FS

// definition is the API definition in one version of OpenAPI, ready to send.
type definition struct {
	media string
	body  []byte
	etag  string
}

// definitions returns the API definition in OpenAPI 3.0 and 3.1. It is written by
// hand, as YAML for people, a file per building block: api.yaml has what they share,
// the others add their paths and components. Tests compare it with the routes and
// with real answers.
func definitions(s Settings) (v30, v31 definition, err error) {
	doc, err := joinedYAML()
	if err != nil {
		return v30, v31, err
	}
	info, ok := doc["info"].(map[string]any)
	if !ok {
		return v30, v31, fmt.Errorf("openapi/api.yaml: no info")
	}
	if s.Title.Zh != "" {
		info["title"] = s.Title.Zh
	}
	if s.Build != "" {
		info["version"] = s.Build
	}
	describeTags(doc)
	describePages(doc)
	describeForGDAL(doc)
	if v30, err = newDefinition(mediaOpenAPI, doc); err != nil {
		return v30, v31, err
	}
	v31, err = newDefinition(mediaOpenAPI31, asOpenAPI31(doc))
	return v30, v31, err
}

func newDefinition(media string, doc map[string]any) (definition, error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return definition{}, fmt.Errorf("openapi: %w", err)
	}
	return definition{media, body, fmt.Sprintf(`"%x"`, sha256.Sum256(body))}, nil
}

// joinedYAML joins the files to one document.
func joinedYAML() (map[string]any, error) {
	files, err := openAPIFiles.ReadDir("openapi")
	if err != nil {
		return nil, err
	}
	doc := map[string]any{}
	for _, f := range files {
		raw, err := openAPIFiles.ReadFile("openapi/" + f.Name())
		if err != nil {
			return nil, err
		}
		var part map[string]any
		if err := yaml.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("openapi/%s: %w", f.Name(), err)
		}
		if err := join(doc, part); err != nil {
			return nil, fmt.Errorf("openapi/%s: %w", f.Name(), err)
		}
	}
	return doc, nil
}

// join adds the members of one object to another. What both have must be objects,
// which are joined alike.
func join(to, from map[string]any) error {
	for name, v := range from {
		have, twice := to[name]
		if !twice {
			to[name] = v
			continue
		}
		a, isObject := have.(map[string]any)
		b, both := v.(map[string]any)
		if !isObject || !both {
			return fmt.Errorf("%s is in another file too", name)
		}
		if err := join(a, b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// serve answers with the API definition (/req/core/api-definition-op).
func (d definition) serve(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	if notModified(w, r, d.etag) {
		return nil
	}
	w.Header().Set("Content-Type", d.media)
	_, _ = w.Write(d.body)
	return nil
}
