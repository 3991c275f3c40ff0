package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"onemap/internal/crs"
	"onemap/internal/formats"
	"onemap/internal/geojson"
	"onemap/layers"
)

const standardLimit = 10 // /req/core/fc-limit-definition

// items is one page of a layer's features (/req/core/fc-op).
func (a *api) items(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), a.reader(r)
	e, err := reader.Layer(ctx, pathParam(r, "layer"))
	if err != nil {
		return err
	}
	p := newParams(r)
	chosen := p.negotiate(r, a.itemOffers...)
	q := layers.Query{Layer: e.ID, Sort: p.sort(e.Schema), Limit: p.limit(standardLimit, layers.MaxLimit), Count: p.flag("number-matched", true)}
	q.After, _ = p.one("cursor")
	places := p.places(chosen)
	show := p.presentation(e.Layer)
	if q.SkipGeometry = show.bare; show.crs != crs.CRS84 && slices.Contains(onlyCRS84, chosen.name) {
		p.add("crs", p.values.Get("crs"), "this format is written in CRS84 alone", "leave it out, or f=geojson")
	}
	joined, err := p.within(ctx, reader)
	if err != nil {
		return err
	}
	s := p.selection(e.Layer, joined)
	q.Selection = s.Selection
	if err := p.err(); err != nil {
		return err
	}
	if chosen.name != offerGeoJSON.name {
		return a.download(w, r, download{entry: e, format: a.formatOf(chosen), places: places, show: show, query: q, chosen: s,
			page: p.values.Has("limit") || p.values.Has("cursor"), values: p.values})
	}
	// The head before the reading: an epoch that ends in between shows as a
	// position of the old one, which resets whoever resumes from it.
	head, err := a.Store.Head(ctx)
	if err != nil {
		return err
	}
	if notModified(w, r, headTag(head, a.view(r), chosen, r.URL.RawQuery)) {
		return nil
	}
	page, err := query(ctx, reader, q, s)
	if err != nil {
		w.Header().Del("ETag")
		return cursorError(err)
	}
	head.Position = page.Position
	w.Header().Set(positionHeader, head.String())
	w.Header().Set("Content-Type", mediaGeoJSON)
	show.header(w.Header())
	own := a.layerURL(r, e.ID)
	links := []link{
		{Href: self(own+"/items", p.values, ""), Rel: "self", Type: mediaGeoJSON, Title: "this document"},
		{Href: own, Rel: "collection", Type: mediaJSON, Title: first(e.Title)},
	}
	if page.Next != "" {
		links = append(links, link{Href: self(own+"/items", p.values, page.Next), Rel: "next", Type: mediaGeoJSON, Title: "the next page"})
	}
	links = append(links, a.alternates(r, e.ID, p.values)...)
	return a.writeFeatures(w, show, page, links)
}

// onlyCRS84 are the formats whose files say by themselves where their coordinates are.
var onlyCRS84 = []string{"gpkg", formats.Shapefile.Name, formats.CSV.Name}

func self(path string, values url.Values, cursor string) string {
	v := url.Values{}
	for name, value := range values {
		v[name] = value
	}
	if cursor != "" {
		v.Set("cursor", cursor)
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// cursorError names the parameter by which the client knows the cursor.
func cursorError(err error) error {
	var e *layers.Error
	if errors.As(err, &e) && e.Code == layers.Invalid {
		out := *e
		out.Violations = append([]layers.Violation(nil), e.Violations...)
		for i := range out.Violations {
			if f := &out.Violations[i].Field; strings.EqualFold(*f, "after") {
				*f = "cursor"
			}
		}
		return &out
	}
	return err
}

// writeFeatures streams a FeatureCollection.
func (a *api) writeFeatures(w http.ResponseWriter, show presentation, page layers.Page, links []link) error {
	const flush = 64 << 10
	b := make([]byte, 0, flush+16<<10)
	b = append(b, `{"type":"FeatureCollection","timeStamp":`...)
	b = geojson.AppendString(b, geojson.Time(a.Now()))
	if page.Matched >= 0 {
		b = append(b, `,"numberMatched":`...)
		b = strconv.AppendInt(b, page.Matched, 10)
	}
	b = append(b, `,"numberReturned":`...)
	b = strconv.AppendInt(b, int64(len(page.Features)), 10)
	b = appendNotice(b, show.layer)
	b = appendLinks(b, links)
	b = append(b, `,"features":[`...)
	for i, f := range page.Features {
		if i > 0 {
			b = append(b, ',')
		}
		b = geojson.AppendFeature(append(b, '\n'), show.layer.Schema, show.of(f))
		if len(b) >= flush {
			if _, err := w.Write(b); err != nil {
				return nil // the reader is gone
			}
			b = b[:0]
		}
	}
	_, _ = w.Write(append(b, "\n]}\n"...))
	return nil
}

// appendNotice says that what is invented is so.
func appendNotice(b []byte, l *layers.Layer) []byte {
	n := formats.Notice(l)
	if n == "" {
		return b
	}
	return geojson.AppendString(append(b, `,"notice":`...), n)
}

func appendLinks(b []byte, links []link) []byte {
	b = append(b, `,"links":[`...)
	for i, l := range links {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"href":`...)
		b = geojson.AppendString(b, l.Href)
		b = append(b, `,"rel":`...)
		b = geojson.AppendString(b, l.Rel)
		b = append(b, `,"type":`...)
		b = geojson.AppendString(b, l.Type)
		b = append(b, `,"title":`...)
		b = geojson.AppendString(b, l.Title)
		b = append(b, '}')
	}
	return append(b, ']')
}

// The boxes of a bbox across the antimeridian, as its cursors name them.
const (
	westBox = "w." // the one on the antimeridian's western side, read first
	eastBox = "e."
)

// query reads a page; a bbox across the antimeridian is read box by box. A
// feature that touches both boxes is among the first one's, and the pages are
// not counted: two counts don't add up.
func query(ctx context.Context, reader layers.Reader, q layers.Query, s selected) (layers.Page, error) {
	if s.east == nil {
		return reader.Query(ctx, q)
	}
	q.Count = false
	if after, ok := strings.CutPrefix(q.After, eastBox); ok {
		return queryEast(ctx, reader, q, s, after)
	}
	after, ok := strings.CutPrefix(q.After, westBox)
	if q.After != "" && !ok {
		return layers.Page{}, invalid("not a cursor", layers.Violation{
			Field: "cursor", Value: shorten(q.After), Reason: "not a cursor of this query", Remedy: "follow the next link as it is"})
	}
	q.After = after
	page, err := reader.Query(ctx, q)
	if err != nil {
		return page, err
	}
	switch {
	case page.Next != "":
		page.Next = westBox + page.Next
	case len(page.Features) == q.Limit:
		page.Next = eastBox
	default:
		q.Limit -= len(page.Features)
		rest, err := queryEast(ctx, reader, q, s, "")
		if err != nil {
			return page, err
		}
		page.Features, page.Next = slices.Concat(page.Features, rest.Features), rest.Next
	}
	return page, nil
}

func queryEast(ctx context.Context, reader layers.Reader, q layers.Query, s selected, after string) (layers.Page, error) {
	q.After, q.BBox = after, s.east
	page, err := reader.Query(ctx, q)
	if err != nil {
		return page, err
	}
	if page.Next != "" {
		page.Next = eastBox + page.Next
	}
	page.Features = slices.DeleteFunc(slices.Clone(page.Features), func(f *layers.Feature) bool { return touches(f, *s.BBox) })
	return page, nil
}

func touches(f *layers.Feature, box orb.Bound) bool {
	b, ok := layers.BoundOf(f.Geometry)
	return ok && b.Intersects(box)
}
