package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// settings returns every setting of c by its dotted name, addressable.
func settings(c *Config) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			name := prefix + v.Type().Field(i).Tag.Get("yaml")
			if v.Field(i).Kind() == reflect.Struct {
				walk(name+".", v.Field(i))
			} else {
				all[name] = v.Field(i)
			}
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return all
}

// variable returns the environment variable of a setting: "map.reviewNumber" is
// ONEMAP_MAP_REVIEW_NUMBER.
func variable(setting string) string {
	var b strings.Builder
	b.WriteString("ONEMAP_")
	for _, r := range setting {
		switch {
		case r == '.':
			b.WriteByte('_')
		case unicode.IsUpper(r):
			b.WriteByte('_')
			b.WriteRune(r)
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// decodeYAML reads a settings file into c. Unlike yaml.Decoder.KnownFields it
// names the unknown key, its line and what may have been meant.
func decodeYAML(c *Config, text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 { // nothing but comments
		return nil
	}
	return decodeGroup(settings(c), "", doc.Content[0])
}

func decodeGroup(all map[string]reflect.Value, prefix string, group *yaml.Node) error {
	if group.Kind == yaml.ScalarNode && group.Tag == "!!null" { // "log:" with everything below it commented out
		return nil
	}
	if group.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %q must hold settings, not a value", group.Line, strings.TrimSuffix(prefix, "."))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(group.Content); i += 2 {
		key, value := group.Content[i], group.Content[i+1]
		name := prefix + key.Value
		if seen[name] {
			return fmt.Errorf("line %d: %q appears twice", key.Line, name)
		}
		seen[name] = true
		field, ok := all[name]
		switch {
		case ok:
			if err := value.Decode(field.Addr().Interface()); err != nil {
				return fmt.Errorf("line %d: %s: %q is not a %s", value.Line, name, value.Value, kind(field))
			}
		case isGroup(all, name+"."):
			if err := decodeGroup(all, name+".", value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("line %d: unknown setting %q%s", key.Line, name, didYouMean(all, name))
		}
	}
	return nil
}

func isGroup(all map[string]reflect.Value, prefix string) bool {
	for name := range all {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// readEnvironment sets what env names and returns the names that it does not
// know. Those are no error: an orchestrator may put its own ONEMAP_* variables
// there (Kubernetes does for a service of that name).
func readEnvironment(c *Config, env map[string]string) (unknown []string, err error) {
	all := settings(c)
	byVariable := map[string]string{}
	for name := range all {
		byVariable[variable(name)] = name
	}
	for _, v := range slices.Sorted(maps.Keys(env)) {
		name, ok := byVariable[v]
		switch {
		case v == "ONEMAP_CONFIG":
		case !ok:
			unknown = append(unknown, v)
		case all[name].Kind() == reflect.String:
			all[name].SetString(env[v])
		default:
			if err := yaml.Unmarshal([]byte(env[v]), all[name].Addr().Interface()); err != nil {
				return nil, fmt.Errorf("%s: %q is not a %s", v, env[v], kind(all[name]))
			}
		}
	}
	return unknown, nil
}

// kind names a setting's type for a person.
func kind(v reflect.Value) string {
	switch v.Interface().(type) {
	case bool:
		return "yes or no (true, false)"
	case string:
		return "text"
	case float64:
		return "number"
	case [2]float64:
		return "list of two numbers"
	case [4]float64:
		return "list of four numbers"
	}
	return "duration, such as 10s or 2m"
}

// didYouMean proposes the setting whose name is nearest, if one is near.
func didYouMean(all map[string]reflect.Value, name string) string {
	best, distance := "", 4
	for _, known := range slices.Sorted(maps.Keys(all)) {
		if d := editDistance(strings.ToLower(name), strings.ToLower(known)); d < distance {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
