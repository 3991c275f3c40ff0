package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// document is a JSON object with its members in their order, which says what matters.
type document []member

type member struct {
	name  string
	value any // string, json.Number, bool, nil, []any or document
}

func (o document) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (o document) text(name string) string {
	s, _ := o.get(name).(string)
	return s
}

func cmpOr(all ...string) string { return cmp.Or(all...) }

// parseOrdered reads a JSON document; one that is no object becomes the member of one.
func parseOrdered(raw []byte) (document, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(document); ok {
		return o, nil
	}
	return document{{"", v}}, nil
}

func parseValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := document{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, member{name.(string), v})
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

func objectsOf(v any) (all []document) {
	list, _ := v.([]any)
	for _, one := range list {
		if o, ok := one.(document); ok {
			all = append(all, o)
		}
	}
	return all
}

func linksOf(o document) (all []link) {
	for _, one := range objectsOf(o.get("links")) {
		l := link{Href: one.text("href"), Rel: one.text("rel"), Type: one.text("type"), Title: one.text("title")}
		l.Rel = strings.TrimPrefix(l.Rel, "http://www.opengis.net/def/rel/ogc/1.0/")
		l.Title = cmpOr(l.Title, l.Href)
		all = append(all, l)
	}
	return all
}

// valueOf shows any value; title names members.
func valueOf(v any, title func(string) string) htmlValue {
	switch v := v.(type) {
	case nil:
		return htmlValue{Text: "—"}
	case bool:
		if v {
			return htmlValue{Text: "是 true"}
		}
		return htmlValue{Text: "否 false"}
	case string:
		if u, err := url.Parse(v); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			return htmlValue{Text: v, Link: v}
		}
		return htmlValue{Text: v}
	case json.Number:
		return htmlValue{Text: v.String(), Number: true}
	case document:
		if zh := v.text("zh"); zh != "" && len(v) <= 2 { // a bilingual text
			return htmlValue{Text: strings.TrimSuffix(zh+" · "+v.text("en"), " · ")}
		}
		return members(v, title)
	case []any:
		return listOf(v, title)
	}
	return htmlValue{Text: fmt.Sprint(v)}
}

func members(o document, title func(string) string) htmlValue {
	var t htmlValue
	for _, m := range o {
		t.Rows = append(t.Rows, htmlRow{title(m.name), []htmlValue{valueOf(m.value, title)}})
	}
	if t.Rows == nil {
		t.Text = "—"
	}
	return t
}

// listOf shows a list: objects as a table, what is plain in a line.
func listOf(list []any, title func(string) string) htmlValue {
	var columns []string
	var words []string
	for _, one := range list {
		o, isObject := one.(document)
		for _, m := range o {
			if m.name != "links" && !slices.Contains(columns, m.name) {
				columns = append(columns, m.name)
			}
		}
		if !isObject {
			words = append(words, valueOf(one, title).Text)
		}
	}
	if len(words) == len(list) {
		sep := "，"
		if len(list) > 0 && strings.HasPrefix(words[0], "http") {
			var t htmlValue
			for _, word := range words {
				t.Items = append(t.Items, htmlValue{Text: strings.TrimPrefix(strings.TrimPrefix(word, "http://www.opengis.net/def/crs/"), "http://www.opengis.net/spec/"), Link: word})
			}
			return t
		}
		return htmlValue{Text: cmpOr(strings.Join(words, sep), "—")}
	}
	// What is wide, such as a layer's definition, has a page of its own.
	columns = slices.DeleteFunc(columns, func(name string) bool {
		return len(columns) > 4 && slices.Contains([]string{"layer", "crs", "storageCrs", "extent", "attribution", "itemType", "description"}, name)
	})
	t := htmlValue{}
	for _, name := range columns {
		t.Columns = append(t.Columns, title(name))
	}
	for _, one := range list {
		o, _ := one.(document)
		var cells []htmlValue
		for _, name := range columns {
			v := valueOf(o.get(name), title)
			if v.Rows != nil {
				v = htmlValue{Text: inline(v)} // a table within a table is not read
			}
			if links := linksOf(o); name == "id" && len(links) > 0 {
				v.Link = links[0].Href
			}
			cells = append(cells, v)
		}
		t.Rows = append(t.Rows, htmlRow{"", cells})
	}
	return t
}

// inline is a table as a line of text.
func inline(v htmlValue) string {
	if v.Rows == nil {
		return v.Text
	}
	var parts []string
	for _, row := range v.Rows {
		for i, cell := range row.Cells {
			name := row.Name
			if name == "" && i < len(v.Columns) {
				name = v.Columns[i]
			}
			if text := inline(cell); text != "" && text != "—" {
				parts = append(parts, strings.TrimPrefix(name+": "+text, ": "))
			}
		}
	}
	return strings.Join(parts, "；")
}

// featureTable shows features, a row each.
func featureTable(at string, features []document, title func(string) string) htmlValue {
	if len(features) == 0 {
		return htmlValue{Text: "没有符合条件的要素。No features."}
	}
	var names []string
	for _, f := range features {
		properties, _ := f.get("properties").(document)
		for _, m := range properties {
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
		}
	}
	t := htmlValue{Columns: []string{"id"}}
	for _, name := range names {
		t.Columns = append(t.Columns, title(name))
	}
	for _, f := range features {
		id := fmt.Sprint(f.get("id"))
		cells := []htmlValue{{Text: id, Link: path.Join(at, url.PathEscape(id))}}
		properties, _ := f.get("properties").(document)
		for _, name := range names {
			cells = append(cells, valueOf(properties.get(name), title))
		}
		t.Rows = append(t.Rows, htmlRow{"", cells})
	}
	return t
}
