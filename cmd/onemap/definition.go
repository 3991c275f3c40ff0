package main

import (
	"time"

	"onemap/layers"
)

// newLayer is what a command says of a layer that does not exist yet.
type newLayer struct {
	Title      string   `group:"A new layer:" placeholder:"TEXT" help:"Title. Without it: the name of the file or table."`
	Department string   `group:"A new layer:" placeholder:"NAME" help:"Department that provides it."`
	Theme      []string `group:"A new layer:" placeholder:"ID" help:"Id in the theme tree; can be repeated."`
	Sharing    string   `group:"A new layer:" enum:"unconditional,conditional,none" default:"conditional" help:"unconditional, conditional (the default) or none."`
	Open       bool     `group:"A new layer:" help:"Open to society; then sharing is unconditional."`
	Cycle      string   `group:"A new layer:" enum:"realtime,daily,weekly,monthly,quarterly,yearly,irregular" default:"irregular" help:"Promised update cycle: realtime, daily, weekly, monthly, quarterly, yearly or irregular (the default)."`
}

func (f *newLayer) definition() layers.Layer {
	l := layers.Layer{
		Title: layers.Text{Zh: f.Title}, Themes: f.Theme, Sharing: layers.Sharing(f.Sharing), Open: f.Open, UpdateCycle: layers.UpdateCycle(f.Cycle),
		Department: layers.Unregistered, Published: time.Now().In(layers.Beijing).Format(time.DateOnly),
	}
	if f.Department != "" {
		l.Department = layers.Department{ID: layers.ProposeID("department", f.Department), Name: layers.Text{Zh: f.Department}, Kind: layers.KindGovernment}
	}
	if f.Open {
		l.Sharing = layers.Unconditional
	}
	if l.Themes == nil {
		l.Themes = []string{}
	}
	return l
}
