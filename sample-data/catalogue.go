package sample

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"onemap/layers"
)

//go:embed catalogue
var catalogueFiles embed.FS

// published is the date of publication that all entries carry.
const published = "2026-03-01"

// common is catalogue/common.yaml.
type common struct {
	Departments map[string]map[string]any `yaml:"departments"`
	Attributes  map[string]map[string]any `yaml:"attributes"`
}

// Layers returns the definitions of the sample layers in the order in which
// Load fills them: the base map first. Each call returns fresh copies.
func Layers() []*layers.Layer {
	ls, err := readCatalogue()
	if err != nil {
		panic("sample: embedded catalogue: " + err.Error()) // a test reads it at every build
	}
	return ls
}

func readCatalogue() ([]*layers.Layer, error) {
	var shared common
	if err := readYAML("common.yaml", &shared); err != nil {
		return nil, err
	}
	var all []*layers.Layer
	for _, file := range []string{"base.yaml", "supervision.yaml", "water.yaml", "people.yaml", "enterprises.yaml"} {
		var doc struct {
			Layers []map[string]any `yaml:"layers"`
		}
		if err := readYAML(file, &doc); err != nil {
			return nil, err
		}
		for _, entry := range doc.Layers {
			l, err := shared.layer(entry)
			if err != nil {
				return nil, fmt.Errorf("%s: %v: %w", file, entry["id"], err)
			}
			all = append(all, l)
		}
	}
	return all, number(all)
}

func readYAML(name string, into any) error {
	raw, err := catalogueFiles.ReadFile(path.Join("catalogue", name))
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// layer completes an entry of the catalogue and reads it as what the API would
// serve, so that a misspelt member is an error.
func (c common) layer(entry map[string]any) (*layers.Layer, error) {
	id, _ := entry["department"].(string)
	dep, ok := c.Departments[id]
	if !ok {
		return nil, fmt.Errorf("unknown department %q", id)
	}
	dep["id"] = id
	entry["department"] = dep
	chief, steward := c.people(id)
	entry["chief"], entry["steward"] = chief, steward
	entry["published"] = published
	if entry["synthetic"] == true && entry["source"] == nil {
		entry["source"] = layers.Text{Zh: "演示数据，由程序生成，非真实情况", En: "Demo data made by a program, not real"}
	}
	entry["relatedCodes"] = entry["related"]
	delete(entry, "related")
	schema, _ := entry["schema"].([]any)
	for i, a := range schema {
		if name, ok := a.(string); ok {
			shared, ok := c.Attributes[name]
			if !ok {
				return nil, fmt.Errorf("unknown common attribute %q", name)
			}
			shared["name"] = name
			schema[i] = shared
		}
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	l := new(layers.Layer)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(l); err != nil {
		return nil, err
	}
	labelClasses(l)
	return l, l.Validate()
}

// people invents who answers for a department: 云长 and 数据联络人 with letters
// for names, so that nobody can take them for somebody.
func (c common) people(department string) (chief, steward layers.Person) {
	ids := make([]string, 0, len(c.Departments))
	for id := range c.Departments {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	letter := string(rune('A' + slices.Index(ids, department)))
	person := func(zh, en string) layers.Person {
		return layers.Person{Name: layers.Text{Zh: "示例" + zh + letter + "（演示）", En: "Sample " + en + " " + letter + " (demo)"}}
	}
	return person("云长", "Chief"), person("联络员", "Steward")
}

// labelClasses gives a class without a label the title of its value.
func labelClasses(l *layers.Layer) {
	a, _ := l.Schema.Attribute(l.Display.ColorBy)
	for i, c := range l.Display.Classes {
		for _, t := range a.Enum {
			if c.Label == (layers.Text{}) && c.Value == t.Value {
				l.Display.Classes[i].Label = t.Title
			}
		}
	}
}

// number gives every layer its code, and turns the layer ids in RelatedCodes into codes.
func number(all []*layers.Layer) error {
	codes := map[string]string{}
	for i, l := range all {
		codes[l.ID] = fmt.Sprintf("GX-DEMO-%s-%03d", strings.ToUpper(string(l.Department.Level[0])), i+1)
		l.Code = codes[l.ID]
	}
	for _, l := range all {
		for i, id := range l.RelatedCodes {
			if codes[id] == "" {
				return fmt.Errorf("%s: unknown related layer %q", l.ID, id)
			}
			l.RelatedCodes[i] = codes[id]
		}
	}
	return nil
}
