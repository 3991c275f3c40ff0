package catalogue

import (
	"strings"
	"testing"
)

func TestEveryThemeHasAUniqueIdAndBothTitles(t *testing.T) {
	seen := map[string]bool{}
	var walk func(parent string, kind Kind, themes []Theme)
	walk = func(parent string, kind Kind, themes []Theme) {
		for _, th := range themes {
			if seen[th.ID] {
				t.Errorf("%s appears twice", th.ID)
			}
			seen[th.ID] = true
			if th.Title.Zh == "" || th.Title.En == "" {
				t.Errorf("%s: title %+v is not bilingual", th.ID, th.Title)
			}
			if parent != "" && (!strings.HasPrefix(th.ID, parent+"/") || th.Kind != kind) {
				t.Errorf("%s (%s) does not belong below %s (%s)", th.ID, th.Kind, parent, kind)
			}
			walk(th.ID, th.Kind, th.Children)
		}
	}
	walk("", "", Themes())
	if n := len(Leaves(Themes())); n != 20 {
		t.Errorf("%d leaves, the plan names 6 base libraries, 9 themes and 5 open categories", n)
	}
}
