package api

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"
)

func TestEveryExampleInTheAPIDefinitionIsOfItsSchema(t *testing.T) {
	var doc object
	start(t).get("/api/openapi-3.1.json").want(t, 200).into(t, &doc)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	const address = "https://example.org/openapi.json"
	if err := compiler.AddResource(address, doc); err != nil {
		t.Fatal(err)
	}
	seen := 0
	eachExample(doc, "", func(schema string, example any) {
		seen++
		s, err := compiler.Compile(address + "#" + schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(example); err != nil {
			t.Errorf("%s: the example %v: %v", schema, example, err)
		}
	})
	if seen < 10 {
		t.Errorf("the test looks at the wrong places: it sees %d examples", seen)
	}
}

// eachExample visits the examples of an OpenAPI 3.1 document with the places of
// their schemas: beside the schema, of a parameter or a body, or inside it.
func eachExample(v any, at string, visit func(schema string, example any)) {
	switch v := v.(type) {
	case object:
		if _, beside := v["schema"]; beside {
			if example, ok := v["example"]; ok {
				visit(at+"/schema", example)
			}
			named, _ := v["examples"].(object)
			for _, one := range named {
				visit(at+"/schema", one.(object)["value"])
			}
		}
		if inside, ok := v["examples"].([]any); ok {
			for _, example := range inside {
				visit(at, example)
			}
		}
		for name, child := range v {
			if name != "example" && name != "examples" {
				eachExample(child, at+"/"+pointer.Replace(name), visit)
			}
		}
	case []any:
		for i, child := range v {
			eachExample(child, at+"/"+strconv.Itoa(i), visit)
		}
	}
}

// pointer escapes a part of a JSON pointer in a URI's fragment.
var pointer = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
