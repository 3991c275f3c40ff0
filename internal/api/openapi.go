package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPIYAML []byte

// openAPIDocument returns the API definition as JSON. It is written by hand, as
// YAML for people; a test compares it with the routes and with real answers.
func openAPIDocument(s Settings) ([]byte, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(openAPIYAML, &doc); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	info, ok := doc["info"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("openapi.yaml: no info")
	}
	if s.Title.Zh != "" {
		info["title"] = s.Title.Zh
	}
	if s.Build != "" {
		info["version"] = s.Build
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return b, nil
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
