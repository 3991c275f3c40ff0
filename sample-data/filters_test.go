package sample

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onemap/internal/cql2"
	"onemap/layers"
)

func TestTheFiltersOfTheDocsFitTheSample(t *testing.T) {
	doc, err := os.ReadFile("../docs/cql2.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := func(id string) *layers.Layer {
		all := Layers()
		i := slices.IndexFunc(all, func(l *layers.Layer) bool { return l.ID == id })
		if i < 0 {
			t.Fatalf("the sample has no layer %s", id)
		}
		return all[i]
	}
	n := 0
	for _, block := range regexp.MustCompile("(?s)```(cql2|json) (\\S+)\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		encoding, layer, text := block[1], sample(block[2]), strings.TrimSpace(block[3])
		var filters []cql2.Expr
		if encoding == "json" {
			e, err := cql2.ParseJSON([]byte(text))
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			filters = append(filters, e)
		} else {
			for line := range strings.Lines(text) {
				e, err := cql2.ParseText(line)
				if err != nil {
					t.Errorf("%s: %v", line, err)
					continue
				}
				filters = append(filters, e)
			}
		}
		for _, e := range filters {
			n++
			if _, err := layer.Filter(e); err != nil {
				t.Errorf("%s does not fit %s: %v", cql2.Text(e), layer.ID, err)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d filters were found", n)
	}
	hospitals := sample("hospitals")
	for _, row := range regexp.MustCompile("(?m)^\\| `(.*)` \\| ((?:column|args).*) \\|$").FindAllStringSubmatch(string(doc), -1) {
		e, err := cql2.ParseText(row[1])
		if strings.HasPrefix(row[1], "{") {
			e, err = cql2.ParseJSON([]byte(row[1]))
		}
		if err == nil {
			_, err = cql2.Compile(e, hospitals.Queryables(), nil)
		}
		before, after, _ := strings.Cut(row[2], ", …")
		if err == nil || !strings.HasPrefix(err.Error(), before) || !strings.HasSuffix(err.Error(), after) {
			t.Errorf("%s: the error is %v, and the docs say %s", row[1], err, row[2])
		}
		n++
	}
	if n < 19 {
		t.Errorf("only %d examples were found", n)
	}
}
