package api

import (
	"net/http"

	"onemap/layers"
)

const mediaSchema = "application/schema+json"

var offerSchema = offer{name: "json", media: mediaSchema, also: []string{"schema", mediaJSON}, title: "JSON Schema"}

// The rels of OGC API Features parts 3 and 5.
const (
	relQueryables = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
	relSortables  = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
	relSchema     = "http://www.opengis.net/def/rel/ogc/1.0/schema"
)

// jsonSchema is a schema of JSON Schema 2020-12, with OGC's annotations.
type jsonSchema struct {
	Schema      string                 `json:"$schema,omitempty"`
	ID          string                 `json:"$id,omitempty"`
	Title       string                 `json:"title,omitempty"`
	TitleEn     string                 `json:"x-onemap-titleEn,omitempty"`
	Description string                 `json:"description,omitempty"`
	Type        string                 `json:"type,omitempty"`
	Format      string                 `json:"format,omitempty"`
	Enum        []string               `json:"enum,omitempty"`
	EnumTitles  map[string]layers.Text `json:"x-onemap-enumTitles,omitempty"`
	MaxLength   int                    `json:"maxLength,omitempty"`
	Minimum     *float64               `json:"minimum,omitempty"`
	Maximum     *float64               `json:"maximum,omitempty"`
	Unit        string                 `json:"x-ogc-unit,omitempty"`
	Role        string                 `json:"x-ogc-role,omitempty"`
	OnemapRole  layers.Role            `json:"x-onemap-role,omitempty"`
	Sequence    int                    `json:"x-ogc-propertySeq,omitempty"`
	Required    []string               `json:"required,omitempty"`
	Properties  map[string]*jsonSchema `json:"properties,omitempty"`
	Additional  *bool                  `json:"additionalProperties,omitempty"`
	Queryables  []queryableDraft       `json:"queryables,omitempty"`
}

// typed is the JSON type of each type of ours, and its format.
var typed = map[layers.DataType][2]string{
	layers.String: {"string"}, layers.Integer: {"integer"}, layers.Number: {"number"}, layers.Boolean: {"boolean"},
	layers.DateType: {"string", "date"}, layers.DateTime: {"string", "date-time"},
}

// geometryFormats are the formats of geometries (OGC 23-058, 7.6).
var geometryFormats = map[layers.GeometryType]string{
	layers.Point: "geometry-point", layers.LineString: "geometry-linestring", layers.Polygon: "geometry-polygon",
	layers.MultiPoint: "geometry-point-or-multipoint", layers.MultiLineString: "geometry-linestring-or-multilinestring",
	layers.MultiPolygon: "geometry-polygon-or-multipolygon", layers.AnyGeometry: "geometry-any",
}

func schemaOf(a layers.Attribute) *jsonSchema {
	s := &jsonSchema{Title: first(a.Title), TitleEn: a.Title.En, Description: first(a.Note), MaxLength: a.MaxLength, Minimum: a.Min, Maximum: a.Max, Unit: a.Unit, OnemapRole: a.Role}
	s.Type, s.Format = typed[a.Type][0], typed[a.Type][1] // JSON may be of any type
	if a.Role == layers.RoleTime {
		s.Role = "primary-instant"
	}
	for _, term := range a.Enum {
		s.Enum = append(s.Enum, term.Value)
		if term.Title != (layers.Text{}) {
			if s.EnumTitles == nil {
				s.EnumTitles = map[string]layers.Text{}
			}
			s.EnumTitles[term.Value] = term.Title
		}
	}
	return s
}

// described is the schema of a layer's attributes as a resource of its own: those that
// are taken, and with them the id and the geometry under their names.
func (a *api) described(r *http.Request, l *layers.Layer, name, id, geometry string, take func(layers.Attribute) bool) *jsonSchema {
	s := &jsonSchema{
		Schema: "https://json-schema.org/draft/2020-12/schema", ID: a.layerURL(r, l.ID) + "/" + name, Type: "object",
		Title: first(l.Title), TitleEn: l.Title.En, Description: first(l.Abstract), Properties: map[string]*jsonSchema{}, Additional: new(bool),
	}
	add := func(name string, p *jsonSchema) {
		p.Sequence = len(s.Properties) + 1
		s.Properties[name] = p
	}
	if id != "" {
		add(id, &jsonSchema{Title: "标识", TitleEn: "Id", Type: "string", Role: "id"})
	}
	if geometry != "" {
		add(geometry, &jsonSchema{Title: "位置", TitleEn: "Geometry", Format: geometryFormats[l.Geometry], Role: "primary-geometry"})
	}
	for _, one := range l.Schema {
		if take(one) {
			add(one.Name, schemaOf(one))
		}
	}
	return s
}

func isComparable(a layers.Attribute) bool { return a.Type != layers.JSON }

// queryables lists what a filter may ask for (/req/queryables/queryables-response).
func (a *api) queryables(w http.ResponseWriter, r *http.Request) error {
	return a.schemaDocument(w, r, func(l *layers.Layer) *jsonSchema {
		s := a.described(r, l, "queryables", "id", layers.GeometryQueryable, isComparable)
		s.Queryables = queryablesOfGDAL(l)
		return s
	})
}

// sortables lists what items may be sorted by (/req/sorting/sortables-response).
func (a *api) sortables(w http.ResponseWriter, r *http.Request) error {
	return a.schemaDocument(w, r, func(l *layers.Layer) *jsonSchema {
		return a.described(r, l, "sortables", "", "", isComparable)
	})
}

// layerSchema says what features have (/req/returnables-and-receivables/schema-response):
// what is returned, and of that what can be written.
func (a *api) layerSchema(w http.ResponseWriter, r *http.Request) error {
	return a.schemaDocument(w, r, func(l *layers.Layer) *jsonSchema {
		s := a.described(r, l, "schema", "id", "geometry", func(layers.Attribute) bool { return true })
		for _, one := range l.Schema {
			if one.Required {
				s.Required = append(s.Required, one.Name)
			}
		}
		return s
	})
}

func (a *api) schemaDocument(w http.ResponseWriter, r *http.Request, describe func(*layers.Layer) *jsonSchema) error {
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return err
	}
	p := newParams(r)
	p.negotiate(r, offerSchema)
	if err := p.err(); err != nil {
		return err
	}
	if notModified(w, r, a.catalogueTag(head, e)) {
		return nil
	}
	media := mediaSchema
	if accepted := mediaRanges(r.Header.Values("Accept")); accepted.weigh(offer{media: mediaJSON}) > accepted.weigh(offer{media: mediaSchema}) {
		media = mediaJSON // GDAL takes no other
	}
	return writeAs(w, http.StatusOK, media, describe(e.Layer))
}
