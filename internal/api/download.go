package api

import (
	"context"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/twpayne/go-geom"

	"onemap/internal/formats"
	"onemap/layers"
)

// mostDownloads is how many answers may be read from the store at a time: fewer than
// the connections that it has.
const mostDownloads = 4

// sortedPage is how many features are read at once of what must be sorted.
const sortedPage = 1000

// itemOffers are the forms of items: GeoJSON in pages, then the formats for downloads.
func itemOffers(all []formats.Format) []offer {
	offers := []offer{offerGeoJSON}
	for _, f := range all {
		if f.Name != offerGeoJSON.name {
			offers = append(offers, offer{name: f.Name, media: f.Media, title: f.Title})
		}
	}
	return offers
}

// places reads how a CSV is to have places.
func (p *params) places(chosen offer) formats.Places {
	const name = "csv-geometry" // no attribute has a "-"
	if chosen.name != formats.CSV.Name {
		return formats.PlacesAuto
	}
	v, sent := p.one(name)
	if places := formats.Places(v); !sent || places == formats.PlacesLonLat || places == formats.PlacesWKT {
		return places
	}
	p.add(name, v, "not a way to write places", "lonlat (points only) or wkt")
	return formats.PlacesAuto
}

// download is an answer in a format that has no pages of its own.
type download struct {
	entry  layers.Entry
	format formats.Format
	places formats.Places
	show   presentation
	query  layers.Query
	chosen selected
	page   bool // as in GeoJSON; else everything
	values url.Values
}

// download answers with everything that is selected, or with a page of it. It reads
// and sends features one by one.
func (a *api) download(w http.ResponseWriter, r *http.Request, d download) error {
	reader := a.reader(r)
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	links := []link{
		{Href: a.layerURL(r, d.entry.ID), Rel: "collection", Type: mediaJSON},
		{Href: a.itemsURL(r, d.entry.ID, d.values, "", offerGeoJSON.name), Rel: "alternate", Type: mediaGeoJSON},
	}
	var features iter.Seq2[*layers.Feature, error]
	if d.page {
		page, err := query(r.Context(), reader, d.query, d.chosen)
		if err != nil {
			return cursorError(err)
		}
		head.Position = page.Position
		if page.Next != "" {
			links = append(links, link{Href: a.itemsURL(r, d.entry.ID, d.values, page.Next, d.format.Name), Rel: "next", Type: d.format.Media})
		}
		features = func(yield func(*layers.Feature, error) bool) {
			for _, f := range page.Features {
				if !yield(f, nil) {
					return
				}
			}
		}
	}
	o := formats.Options{Layer: d.show.layer, Updated: d.entry.Status.Updated, Now: a.Now(), CSV: d.places}
	if err := o.CheckCSV(); err != nil {
		return err
	}
	if !d.show.plain() {
		o.Transform = func(g geom.T) (geom.T, error) { return d.show.shape(g), nil }
	}
	h := w.Header()
	h.Set(positionHeader, head.String())
	h.Set("Content-Type", contentType(d.format))
	d.show.header(h)
	h.Set("Content-Disposition", disposition(d.entry.Layer, d.format))
	for _, l := range links {
		h.Add("Link", "<"+l.Href+`>; rel="`+l.Rel+`"; type="`+l.Type+`"`)
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return a.stream(w, r, func(ctx context.Context, s *spool) error {
		if !d.page {
			features = everything(ctx, reader, d.query, d.chosen)
		}
		_, err := d.format.Copy(ctx, s, o, features)
		return err
	})
}

// stream answers with what produce writes. If that fails there is a problem, or, when
// something was sent already, an answer that is visibly cut off.
func (a *api) stream(w http.ResponseWriter, r *http.Request, produce func(context.Context, *spool) error) error {
	select {
	case a.downloads <- struct{}{}:
	case <-r.Context().Done():
		return layers.Errorf(layers.Unavailable, "too many downloads at a time")
	}
	// The bound of a request as a whole is no longer this one's: each chunk has its own.
	if b, ok := r.Context().Value(boundedKey{}).(*bounded); ok {
		b.lift()
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := newSpool()
	var gone error
	var sending sync.WaitGroup
	sending.Go(func() {
		if gone = s.send(w); gone != nil {
			s.stop()
			cancel()
		}
	})
	done := false
	defer func() { // also after a panic
		if !done {
			s.stop()
		}
		s.end()
		sending.Wait()
		if err := s.free(); err != nil {
			a.Log.Warn("a temporary file is left", "error", err)
		}
		if gone != nil {
			panic(http.ErrAbortHandler) // nobody is there to read an answer
		}
	}()
	defer func() { <-a.downloads }()
	if err := produce(ctx, s); err != nil {
		return err
	}
	done = true
	return nil
}

// everything is all that is selected, without an order or in the one that is asked for.
func everything(ctx context.Context, reader layers.Reader, q layers.Query, s selected) iter.Seq2[*layers.Feature, error] {
	if q.Sort != "" {
		return inOrder(ctx, reader, q, s)
	}
	return func(yield func(*layers.Feature, error) bool) {
		east := s.Selection
		for f, err := range reader.Scan(ctx, q.Layer, layers.Range{Selection: s.Selection}) {
			if !yield(f, err) {
				return
			}
		}
		if s.east == nil {
			return
		}
		east.BBox = s.east
		for f, err := range reader.Scan(ctx, q.Layer, layers.Range{Selection: east}) {
			if err == nil && touches(f, *s.BBox) {
				continue // it was in the first box
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// inOrder follows the pages.
func inOrder(ctx context.Context, reader layers.Reader, q layers.Query, s selected) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		q.Limit, q.Count = sortedPage, false
		for {
			page, err := query(ctx, reader, q, s)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range page.Features {
				if !yield(f, nil) {
					return
				}
			}
			if q.After = page.Next; q.After == "" {
				return
			}
		}
	}
}

// contentType is a media type with what HTTP wants to know beside.
func contentType(f formats.Format) string {
	if strings.HasPrefix(f.Media, "text/") {
		return f.Media + "; charset=utf-8"
	}
	return f.Media
}

// disposition names the file that a browser makes: by the layer's title, and by its id
// for who knows no UTF-8 (RFC 6266).
func disposition(l *layers.Layer, f formats.Format) string {
	title := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, first(l.Title))
	return mime.FormatMediaType("attachment", map[string]string{"filename": l.ID + f.Suffix}) + "; filename*=UTF-8''" + url.PathEscape(title+f.Suffix)
}

// alternates are links to the same in the other formats.
func (a *api) alternates(r *http.Request, layer string, values url.Values) []link {
	var links []link
	for _, o := range a.itemOffers[1:] {
		links = append(links, link{Href: a.itemsURL(r, layer, values, "", o.name), Rel: "alternate", Type: o.media, Title: o.title})
	}
	return links
}

// itemsURL is the address of items by the same parameters, but with the cursor and the
// format.
func (a *api) itemsURL(r *http.Request, layer string, values url.Values, cursor, format string) string {
	v := url.Values{}
	for name, value := range values {
		if name != "csv-geometry" || format == formats.CSV.Name {
			v[name] = value
		}
	}
	v.Set("f", format)
	return self(a.layerURL(r, layer)+"/items", v, cursor)
}

// downloadsOf are links to a whole layer in each format. What isn't GeoJSON is a file
// (rel enclosure).
func (a *api) downloadsOf(r *http.Request, layer string) []link {
	var links []link
	for _, l := range a.alternates(r, layer, nil) {
		if l.Rel = "enclosure"; strings.Contains(l.Type, "json") {
			l.Rel = "items"
		}
		links = append(links, l)
	}
	return links
}

func (a *api) formatOf(o offer) formats.Format {
	return a.Formats[slices.IndexFunc(a.Formats, func(f formats.Format) bool { return f.Name == o.name })]
}
