package gpkg_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"onemap/layers"
)

func TestACallThatTheFileRefusesUndoesNoOtherCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "onemap.gpkg")
	s := open(t, path)
	at, err := s.DefineLayer(t.Context(), layers.Actor{}, hospitals())
	if err != nil {
		t.Fatal(err)
	}
	// A rule that onemap knows nothing of, so that a call fails after it has written.
	run(t, "sqlite3", path, `CREATE UNIQUE INDEX one_name ON hospitals(name)`)
	apply := func(edits ...layers.Edit) (layers.Receipt, error) {
		return s.Apply(context.Background(), layers.Actor{Name: "test"}, "hospitals", edits)
	}
	if _, err := apply(put("first", 108, 22, map[string]any{"name": "taken"})); err != nil {
		t.Fatal(err)
	}
	const callers, calls, size = 8, 25, 20
	var mu sync.Mutex
	refused, receipts := 0, map[string]layers.Position{}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for n := range calls {
				var edits []layers.Edit
				for i := range size {
					id := fmt.Sprintf("%d-%d-%d", c, n, i)
					edits = append(edits, put(id, 108, 22, map[string]any{"name": id}))
				}
				bad := (c+n)%5 == 0
				if bad { // of another form than the others, and so a statement of its own
					edits[size-1] = layers.Edit{Op: layers.Patch, ID: edits[0].ID, KeepGeometry: true, Properties: map[string]any{"name": "taken"}}
				}
				r, err := apply(edits...)
				mu.Lock()
				switch {
				case bad && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("edits[%d]", size-1))):
					t.Errorf("a call that breaks the rule: %v", err)
				case bad:
					refused++
				case err != nil:
					t.Errorf("a call that breaks nothing: %v", err)
				default:
					for i := range r.Results {
						receipts[r.Results[i].ID] = r.Results[i].Version
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if refused != callers*calls/5 {
		t.Fatalf("%d calls were refused", refused)
	}
	n := 0
	for f, err := range s.As(layers.Owner).Scan(t.Context(), "hospitals", layers.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; f.ID != "first" && receipts[f.ID] != f.Version {
			t.Errorf("%s is at version %d, its writer was told %d", f.ID, f.Version, receipts[f.ID])
		}
	}
	if want := 1 + (callers*calls-refused)*size; n != want || len(receipts) != want-1 {
		t.Errorf("%d features are there, %d were acknowledged", n, len(receipts)+1)
	}
	// The log has each of them once, call by call, without a gap.
	last := at.Position
	for {
		commits, err := s.Changes(t.Context(), layers.Cursor{Epoch: at.Epoch, Position: last}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(commits) == 0 {
			break
		}
		for _, c := range commits {
			if c.Actor == "test" && len(c.Changes) != size && c.Changes[0].ID != "first" {
				t.Errorf("a commit of %d changes", len(c.Changes))
			}
			for _, ch := range c.Changes {
				if last++; ch.Position != last || ch.ID != "first" && ch.Kind == layers.ChangePut && receipts[ch.ID] != ch.Position {
					t.Errorf("%+v after position %d", ch, last-1)
				}
			}
		}
	}
	sound(t, path)
}

func TestARefusedCallLeavesNothingAlsoIfTheFileUndoesEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "onemap.gpkg")
	s := open(t, path)
	if _, err := s.DefineLayer(t.Context(), layers.Actor{}, hospitals()); err != nil {
		t.Fatal(err)
	}
	run(t, "sqlite3", path, `CREATE TRIGGER a_rule BEFORE INSERT ON hospitals WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'against the rule'); END`)
	for _, n := range []int{2, 600} {
		var edits []layers.Edit
		for i := range n {
			edits = append(edits, layers.Edit{Op: layers.Create, ID: fmt.Sprintf("f%d", i), Properties: map[string]any{"name": "good"}})
		}
		edits[n-1].Properties = map[string]any{"name": "bad"}
		_, err := s.Apply(t.Context(), layers.Actor{Name: "test"}, "hospitals", edits)
		if err == nil || strings.Contains(err.Error(), "exists already") {
			t.Errorf("%d edits: %v", n, err)
		}
		if e, err := s.As(layers.Owner).Layer(t.Context(), "hospitals"); err != nil || e.Status.Count != 0 {
			t.Errorf("%d edits: %d features stay, %v", n, e.Status.Count, err)
		}
	}
	sound(t, path)
}
