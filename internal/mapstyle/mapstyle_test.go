package mapstyle

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"onemap/layers"
)

func TestThePaletteIsTheExplorers(t *testing.T) {
	source, err := os.ReadFile("../../web/src/style/theme.ts")
	if err != nil {
		t.Fatal(err)
	}
	_, day, ok := strings.Cut(string(source), "const day: Theme")
	if !ok {
		t.Fatal("theme.ts has no day")
	}
	_, day, _ = strings.Cut(day, "palette: {")
	day, _, _ = strings.Cut(day, "}")
	found := regexp.MustCompile(`(\w+): '(#[0-9a-f]{6})'`).FindAllStringSubmatch(day, -1)
	for _, c := range found {
		if Palette[c[1]] != c[2] {
			t.Errorf("%s is %s in the explorer, %s here", c[1], c[2], Palette[c[1]])
		}
	}
	if len(found) != len(Palette) {
		t.Errorf("the explorer has %d colours, we have %d", len(found), len(Palette))
	}
}

func TestAColourIsChosenByClass(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name    string
		display layers.Display
		want    string
	}{
		{"none", layers.Display{}, `"#1f6fc9"`},
		{"a name", layers.Display{Color: "red"}, `"#c8283a"`},
		{"no name", layers.Display{Color: "mauve"}, `"#64758a"`},
		{"values", layers.Display{ColorBy: "s", Classes: []layers.Class{{Value: "a", Color: "red"}, {Value: true, Color: "green"}, {Value: "a", Color: "blue"}}},
			`["match",["to-string",["get","s"]],"a","#c8283a","true","#1b8554","#1f6fc9"]`},
		{"ranges", layers.Display{ColorBy: "n", Classes: []layers.Class{{Min: at(5), Color: "red"}, {Color: "green"}}},
			`["case",["==",["get","n"],null],"#1f6fc9",["step",["to-number",["get","n"],0],"#1b8554",5,"#c8283a"]]`},
		{"one range", layers.Display{ColorBy: "n", Classes: []layers.Class{{Min: at(5), Color: "red"}}}, `["case",["==",["get","n"],null],"#1f6fc9","#c8283a"]`},
		{"ranges that begin alike", layers.Display{ColorBy: "n", Classes: []layers.Class{{Min: at(5), Color: "red"}, {Min: at(5), Color: "green"}}}, `["case",["==",["get","n"],null],"#1f6fc9","#c8283a"]`},
	} {
		if got, _ := json.Marshal(colorOf(c.display)); string(got) != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
