package simulate

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"onemap/layers"
)

// Options say how to play the drill.
type Options struct {
	Speed float64 // seconds of the drill in a second; 0 means 1
	Reset bool    // write the whole initial state first, over whatever is there
	Loop  bool    // begin again at the end, until the context is done
	Log   *slog.Logger
	Now   func() time.Time
}

// Run plays the drill. It returns nil at its end, when everything is as it was,
// and the context's error if that ends first. Without Reset it writes only what
// the drill changes, after removing what an interrupted drill left behind.
func Run(ctx context.Context, store layers.Store, o Options) error {
	p, err := newPlayer(ctx, store, &o)
	if err != nil {
		return err
	}
	start := o.Now()
	clock := func(second float64) time.Time {
		return start.Add(time.Duration(second / o.Speed * float64(time.Second)))
	}
	if err := p.begin(ctx, o.Reset, clock); err != nil {
		return err
	}
	// A tick is a second of the drill, but at most five a second are written.
	every := min(max(time.Duration(float64(time.Second)/o.Speed), 200*time.Millisecond), time.Second)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for second := 0.0; o.Loop || second < Duration; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		second = o.Now().Sub(start).Seconds() * o.Speed
		if !o.Loop {
			second = min(second, Duration)
		}
		p.announce(second)
		if err := p.write(ctx, p.scenario.At(second, clock)); err != nil {
			return err
		}
	}
	return nil
}

// Reset puts everything back as it was before the drill.
func Reset(ctx context.Context, store layers.Store, o Options) error {
	p, err := newPlayer(ctx, store, &o)
	if err != nil {
		return err
	}
	now := o.Now()
	return p.begin(ctx, true, func(second float64) time.Time { return now.Add(time.Duration(second) * time.Second) })
}

// player writes the scenario to a store.
type player struct {
	scenario *Scenario
	store    layers.Store
	log      *slog.Logger
	last     map[string]map[string]layers.Edit // what was written, by layer and id
	phase    string
}

func newPlayer(ctx context.Context, store layers.Store, o *Options) (*player, error) {
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Speed < 0 {
		return nil, layers.Errorf(layers.Invalid, "the drill's speed is %v, it must be positive", o.Speed)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := NewScenario()
	if err != nil {
		return nil, err
	}
	reader := store.As(layers.Owner)
	for _, id := range s.Layers() {
		if _, err := reader.Layer(ctx, id); layers.CodeOf(err) == layers.NotFound {
			return nil, layers.Errorf(layers.NotFound, "the drill needs layer %s: load the sample data first", id)
		} else if err != nil {
			return nil, err
		}
	}
	return &player{scenario: s, store: store, log: o.Log, last: map[string]map[string]layers.Edit{}}, nil
}

// begin brings the store to the drill's first second.
func (p *player) begin(ctx context.Context, everything bool, clock Clock) error {
	if err := p.removeLeftovers(ctx); err != nil {
		return err
	}
	initial := p.scenario.At(0, clock)
	if everything {
		return p.write(ctx, initial)
	}
	for layer, edits := range initial {
		p.remember(layer, edits)
	}
	return nil
}

// removeLeftovers deletes what an interrupted drill created: at the first second
// nothing of it exists.
func (p *player) removeLeftovers(ctx context.Context) error {
	for _, layer := range []string{"hazard-zones", "hotline-incidents"} {
		var gone []layers.Edit
		for f, err := range p.store.As(layers.Owner).Scan(ctx, layer, layers.Range{}) {
			if err != nil {
				return fmt.Errorf("simulate: look for an interrupted drill in %s: %w", layer, err)
			}
			if strings.HasPrefix(f.ID, "drill-") {
				gone = append(gone, layers.Edit{Op: layers.Delete, ID: f.ID})
			}
		}
		if err := p.delete(ctx, layer, gone); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) remember(layer string, edits []layers.Edit) {
	p.last[layer] = make(map[string]layers.Edit, len(edits))
	for _, e := range edits {
		p.last[layer][e.ID] = e
	}
}

// write brings the store from what was written last to the state: one commit a
// layer, and one more where features vanish.
func (p *player) write(ctx context.Context, state State) error {
	for _, layer := range p.scenario.Layers() {
		var puts, gone []layers.Edit
		now := map[string]bool{}
		for _, e := range state[layer] {
			now[e.ID] = true
			if before, ok := p.last[layer][e.ID]; !ok || !same(before, e) {
				puts = append(puts, e)
			}
		}
		for id := range p.last[layer] {
			if !now[id] {
				gone = append(gone, layers.Edit{Op: layers.Delete, ID: id})
			}
		}
		slices.SortFunc(gone, func(a, b layers.Edit) int { return strings.Compare(a.ID, b.ID) })
		if err := p.delete(ctx, layer, gone); err != nil {
			return err
		}
		if err := p.apply(ctx, layer, puts); err != nil {
			return err
		}
		p.remember(layer, state[layer])
	}
	return nil
}

// same reports whether two edits put the same feature. A geometry that did not
// change is mostly the same value.
func same(a, b layers.Edit) bool {
	if a.Geometry != b.Geometry && !slices.Equal(a.Geometry.FlatCoords(), b.Geometry.FlatCoords()) {
		return false
	}
	return reflect.DeepEqual(a.Properties, b.Properties)
}

// delete deletes features; one that somebody else has deleted is no matter.
func (p *player) delete(ctx context.Context, layer string, gone []layers.Edit) error {
	err := p.apply(ctx, layer, gone)
	if err == nil || layers.CodeOf(err) != layers.NotFound {
		return err
	}
	for _, e := range gone {
		if err := p.apply(ctx, layer, []layers.Edit{e}); err != nil && layers.CodeOf(err) != layers.NotFound {
			return err
		}
	}
	return nil
}

// apply commits edits, and tries again for as long as the store is busy.
func (p *player) apply(ctx context.Context, layer string, edits []layers.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		_, err := p.store.Apply(ctx, layers.Actor{Name: "simulate"}, layer, edits)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if layers.CodeOf(err) != layers.Unavailable {
			return fmt.Errorf("simulate: write %s: %w", layer, err)
		}
		p.log.Debug("store is busy, the drill waits", "layer", layer, "pause", pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// announce logs what comes now.
func (p *player) announce(second float64) {
	t := moment{second: second}.phase()
	name := ""
	for _, c := range chapters {
		if t >= c.from {
			name = c.name
		}
	}
	if name != p.phase {
		p.phase = name
		p.log.Info("flood drill", "second", int(t), "chapter", name)
	}
}

// chapters tell the drill's story.
var chapters = []struct {
	from float64
	name string
}{
	{0, "calm"},
	{10, "rain over the upper Liujiang and Hongshui"},
	{100, "upper gauges over their marks, first calls"},
	{230, "the crest runs down to the Xunjiang"},
	{380, "the crest passes Wuzhou, the upper rivers fall"},
	{500, "recovery"},
	{585, "incidents are filed, all is as before"},
}
