package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi/*.yaml
var openAPIFiles embed.FS

// openAPIDocument returns the API definition as JSON. It is written by hand, as
// YAML for people, a file per building block: api.yaml has what they share, the
// others add their paths and components. A test compares it with the routes and
// with real answers.
func openAPIDocument(s Settings) ([]byte, error) {
	doc, err := joinedYAML()
	if err != nil {
		return nil, err
	}
	info, ok := doc["info"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("openapi/api.yaml: no info")
	}
	if s.Title.Zh != "" {
		info["title"] = s.Title.Zh
	}
	if s.Build != "" {
		info["version"] = s.Build
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return b, nil
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

// serviceDescription is the API definition (/req/core/api-definition-op).
func (a *api) serviceDescription(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaOpenAPI)
	_, _ = w.Write(a.openAPI)
	return nil
}
