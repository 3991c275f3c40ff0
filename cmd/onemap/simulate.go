package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onemap/internal/config"
	"onemap/internal/simulate"
	"onemap/layers"
)

type simulateCmd struct {
	settings
	Scenario string  `enum:"flood-drill" default:"flood-drill" help:"What to play: flood-drill (汛期演练), ten minutes from rain to falling waters."`
	Speed    float64 `default:"1" help:"How many times faster than the timeline."`
	Reset    bool    `help:"Put everything back to the calm before, first."`
	Loop     bool    `help:"Begin again at the end, until stopped."`
}

// Run plays the drill on the sample data, beside a running server or alone.
func (c *simulateCmd) Run(ctx context.Context, s *streams) error {
	if c.Speed <= 0 {
		return errors.New("--speed must be greater than 0")
	}
	conf, log, err := c.load(s, config.Flags{})
	if err != nil {
		return err
	}
	store, err := openStore(ctx, conf, false, log)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Playing the flood drill (汛期演练); nothing in it is real. Stop with Ctrl-C.")
	start := time.Now()
	err = simulate.Run(ctx, store, simulate.Options{Speed: c.Speed, Reset: c.Reset, Loop: c.Loop, Log: log, Now: time.Now})
	if layers.CodeOf(err) == layers.NotFound {
		err = fmt.Errorf("%w; the drill needs the sample data: onemap serve --sample", err)
	}
	if err = errors.Join(err, store.Close()); err == nil {
		fmt.Fprintf(s.out, "Finished after %s.\n", time.Since(start).Round(time.Second))
	}
	return err
}
