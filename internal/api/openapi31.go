package api

import "maps"

const mediaOpenAPI31 = "application/vnd.oai.openapi+json;version=3.1"

// asOpenAPI31 turns the OpenAPI 3.0 document into the same in 3.1, where schemas are
// JSON Schema 2020-12. Nothing is written twice: what 3.1 says in other words is
// found here. The document is changed in place.
func asOpenAPI31(doc map[string]any) map[string]any {
	doc["openapi"] = "3.1.1"
	if components, ok := doc["components"].(map[string]any); ok {
		schemas31(components["schemas"])
	}
	findSchemas(doc)
	return doc
}

// findSchemas looks for schemas below what is none. Every such place is a member
// "schema", of a parameter, a header or a media type.
func findSchemas(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			switch name {
			case "schema":
				schema31(child)
			case "schemas", "example", "examples": // seen to already, and data
			default:
				findSchemas(child)
			}
		}
	case []any:
		for _, child := range v {
			findSchemas(child)
		}
	}
}

func schema31(v any) {
	s, ok := v.(map[string]any)
	if !ok { // additionalProperties may be a boolean
		return
	}
	if s["nullable"] == true {
		if kind, ok := s["type"]; ok {
			s["type"] = []any{kind, "null"}
		}
		if values, ok := s["enum"].([]any); ok {
			s["enum"] = append(values, nil)
		}
	}
	delete(s, "nullable")
	if example, ok := s["example"]; ok {
		s["examples"] = []any{example}
		delete(s, "example")
	}
	for open, closed := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if s[open] == true {
			s[open] = s[closed]
			delete(s, closed)
		} else if s[open] == false {
			delete(s, open)
		}
	}
	if s["format"] == "binary" { // bytes are no string of JSON's
		maps.DeleteFunc(s, func(name string, _ any) bool { return name == "type" || name == "format" })
	}
	for _, name := range []string{"items", "not", "additionalProperties"} {
		schema31(s[name])
	}
	for _, name := range []string{"properties", "allOf", "oneOf", "anyOf"} {
		schemas31(s[name])
	}
}

// schemas31 does so with a list of schemas, or with schemas by name.
func schemas31(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			schema31(child)
		}
	case []any:
		for _, child := range v {
			schema31(child)
		}
	}
}
