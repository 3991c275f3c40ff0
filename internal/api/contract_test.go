package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/responses"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"onemap/internal/formats"
)

// contract is the API definition as the judge of answers. It is stricter than the
// document says: an object may not hold members that its schema does not describe.
type contract struct {
	paths  *v3.Paths
	bodies responses.ResponseBodyValidator
}

func contractOf(t testing.TB, document string) *contract {
	t.Helper()
	var doc object
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatal(err)
	}
	closeObjects(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	model, err := modelOf(t, b).BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	return &contract{model.Model.Paths, responses.NewResponseBodyValidator(&model.Model, config.WithFormatAssertions())}
}

func modelOf(t testing.TB, document []byte) libopenapi.Document {
	t.Helper()
	model, err := libopenapi.NewDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// closeObjects forbids what is not described, in every schema that describes members.
func closeObjects(v any) {
	switch v := v.(type) {
	case object:
		kind, _ := v["type"].(string)
		kinds, _ := v["type"].([]any)
		isObject := kind == "object" || len(kinds) > 0 && kinds[0] == "object"
		if _, described := v["properties"].(object); isObject && described && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, child := range v {
			closeObjects(child)
		}
	case []any:
		for _, child := range v {
			closeObjects(child)
		}
	}
}

// judge says what is wrong with an answer of a route, written as in the document:
// "GET /api/collections".
func (c *contract) judge(route string, a answer) error {
	_, path, _ := strings.Cut(route, " ")
	item, ok := c.paths.PathItems.Get(path)
	if !ok {
		return fmt.Errorf("%s is not documented", route)
	}
	if media := a.Header.Get("Content-Type"); media == formats.Sequence.Media || media == formats.Lines.Media {
		// Documents one after the other, which the library can't read.
		described, ok := item.Get.Responses.Codes.Get(fmt.Sprint(a.StatusCode))
		if !ok || described.Content.GetOrZero(media) == nil {
			return fmt.Errorf("%s: %d as %s is not documented", route, a.StatusCode, media)
		}
		return nil
	}
	// What the library makes of a body is its own business.
	response := *a.Response
	response.Body = io.NopCloser(strings.NewReader(a.body))
	if ok, errs := c.bodies.ValidateResponseBodyWithPathItem(a.Request, &response, item, path); !ok {
		return fmt.Errorf("%s: %d: %s\n%s", route, a.StatusCode, reasons(errs), shorten(a.body))
	}
	return nil
}

// check fails the test if an answer is not what the document says.
func (c *contract) check(t testing.TB, route string, a answer) {
	t.Helper()
	if err := c.judge(route, a); err != nil {
		t.Error(err)
	}
}

func reasons(errs []*errors.ValidationError) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "%s: %s", e.Message, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n\tat %s: %s", s.KeywordLocation, s.Reason)
		}
	}
	return b.String()
}

func TestTheAPIDefinitionIsValidInBothVersions(t *testing.T) {
	s := start(t)
	for path, version := range map[string]string{"/api/openapi.json": "3.0", "/api/openapi-3.1.json": "3.1"} {
		a := s.get(path).want(t, 200)
		if got := a.Header.Get("Content-Type"); got != "application/vnd.oai.openapi+json;version="+version {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		v, errs := validator.NewValidator(modelOf(t, []byte(a.body)))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if ok, errs := v.ValidateDocument(); !ok {
			t.Errorf("%s: %s", path, reasons(errs))
		}
	}
}

func TestTheJudgeFindsWhatTheDefinitionForbids(t *testing.T) {
	s := start(t)
	const route = "GET /api/collections/{layer}/items"
	good := s.get(hospitals+"?limit=2").want(t, 200)
	for _, path := range []string{"/api/openapi.json", "/api/openapi-3.1.json"} {
		c := contractOf(t, s.get(path).body)
		c.check(t, route, good)
		for _, change := range [][2]string{
			{`"type":"Feature",`, `"type":"feature",`},    // not of the enumeration
			{`"type":"Feature",`, ``},                     // required
			{`"onemap":{`, `"onemap":{"secret":1,`},       // not described
			{`"numberMatched":5`, `"numberMatched":-5`},   // too small
			{`"numberMatched":5`, `"numberMatched":"5"`},  // of another type
			{`"numberMatched":5`, `"numberMatched":null`}, // not nullable
			{`"features":[`, `"features":[7,`},            // an item of another type
			{`"timeStamp":"2`, `"timeStamp":"in 2`},       // of another format
		} {
			bad := answer{good.Response, strings.Replace(good.body, change[0], change[1], 1)}
			if bad.body == good.body || c.judge(route, bad) == nil {
				t.Errorf("%s: %s instead of %s is taken", path, change[1], change[0])
			}
		}
		html := *good.Response
		html.Header = http.Header{"Content-Type": {"text/xml"}}
		if c.judge(route, answer{&html, good.body}) == nil {
			t.Errorf("%s: another media type is taken", path)
		}
		teapot := *s.get("/signin").Response
		teapot.StatusCode = http.StatusTeapot
		if c.judge("GET /signin", answer{&teapot, ""}) == nil {
			t.Errorf("%s: a status that is not documented is taken", path)
		}
		if c.judge("GET /api/nothing", good) == nil {
			t.Errorf("%s: a route that is not documented is taken", path)
		}
	}
}
