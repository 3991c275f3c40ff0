package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"onemap/internal/config"
)

// mapSetting names what all nodes show of the map as a whole.
const mapSetting = "map"

// agree makes all nodes of a database show one map: what the settings of the first that
// starts say of it holds for those that start beside it. Who says nothing takes what held
// last. So a change of the file holds when all nodes have been stopped.
func (s *server) agree(ctx context.Context) error {
	if s.shared == nil {
		return nil
	}
	return s.shared.Alone(ctx, mapSetting, s.agreeOnMap)
}

func (s *server) agreeOnMap(ctx context.Context) error {
	first, err := s.shared.Join(ctx)
	if err != nil {
		return err
	}
	held, err := s.shared.Setting(ctx, mapSetting)
	if err != nil {
		return err
	}
	here, silent := s.conf.Map, s.conf.Map == config.Default().Map
	if held == "" || first && !silent {
		text, err := json.Marshal(here)
		if err == nil {
			_, err = s.shared.ChangeSetting(ctx, mapSetting, string(text))
		}
		return err
	}
	if err := json.Unmarshal([]byte(held), &s.conf.Map); err != nil {
		return fmt.Errorf("the map's settings in the database: %w", err)
	}
	if there := s.conf.Map; !silent && here != there {
		mine, theirs := differing(here, there)
		s.log.Warn("this node's settings of the map are not those of the nodes that run; theirs hold. To change them, stop all nodes and start this one first", "here", mine, "theirs", theirs)
	}
	return nil
}

// differing returns the settings in which two maps differ, as each has them.
func differing(a, b config.Map) (inA, inB string) {
	of := func(m config.Map) (fields map[string]any) {
		text, _ := json.Marshal(m) // text and numbers
		_ = json.Unmarshal(text, &fields)
		return fields
	}
	fa, fb := of(a), of(b)
	for name := range fa {
		if reflect.DeepEqual(fa[name], fb[name]) {
			delete(fa, name)
			delete(fb, name)
		}
	}
	ta, _ := json.Marshal(fa)
	tb, _ := json.Marshal(fb)
	return string(ta), string(tb)
}
