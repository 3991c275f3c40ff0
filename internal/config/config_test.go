package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, dir, text string) string {
	t.Helper()
	name := filepath.Join(dir, FileName)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAFlagWinsOverTheEnvironmentThatOverTheFileThatOverTheDefault(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "addr: 127.0.0.1:1\nshutdown: 3s\nlog: {level: warn, format: json}\nmap: {title: {zh: 图}}\n")
	addr := "127.0.0.1:3"
	l, err := Load(Flags{Data: &dir, Addr: &addr}, []string{"ONEMAP_ADDR=127.0.0.1:2", "ONEMAP_LOG_LEVEL=debug", "HOME=/"})
	if err != nil {
		t.Fatal(err)
	}
	if l.Addr != addr {
		t.Errorf("addr %q, the flag said %q", l.Addr, addr)
	}
	if l.Log.Level != "debug" {
		t.Errorf("level %q, the environment said debug", l.Log.Level)
	}
	if l.Log.Format != "json" || l.Shutdown != 3*time.Second || l.Map.Title.Zh != "图" {
		t.Errorf("the file's settings are lost: %+v", l.Config)
	}
	if l.Map.Zoom != Default().Map.Zoom || l.Map.Title.En == "" {
		t.Errorf("the defaults are lost: %+v", l.Map)
	}
	if l.File != filepath.Join(dir, FileName) {
		t.Errorf("read %q", l.File)
	}
}

func TestWithoutAFileTheDefaultsHold(t *testing.T) {
	dir := t.TempDir()
	l, err := Load(Flags{Data: &dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data = dir
	if l.Config != want || l.File != "" {
		t.Errorf("got %+v", l)
	}
}

func TestTheExampleFileHoldsTheDefaults(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, Example)
	l, err := Load(Flags{Data: &dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data = dir
	if l.Config != want {
		t.Errorf("got  %+v\nwant %+v", l.Config, want)
	}
}

func TestTheEnvironmentReachesEverySetting(t *testing.T) {
	var c Config
	_, err := readEnvironment(&c, map[string]string{
		"ONEMAP_SAMPLE": "true", "ONEMAP_SHUTDOWN": "1m", "ONEMAP_MAP_REVIEW_NUMBER": "桂S(2026)1号: 甲",
		"ONEMAP_MAP_BOUNDS": "[1, 2, 3, 4]", "ONEMAP_MAP_TITLE_ZH": "*图", "ONEMAP_MAP_MIN_ZOOM": "4.5",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Sample || c.Shutdown != time.Minute || c.Map.ReviewNumber != "桂S(2026)1号: 甲" ||
		c.Map.Bounds != [4]float64{1, 2, 3, 4} || c.Map.Title.Zh != "*图" || c.Map.MinZoom != 4.5 {
		t.Errorf("got %+v", c)
	}
}

func TestAVariableThatNamesNoSettingIsReportedNotRefused(t *testing.T) {
	dir := t.TempDir()
	l, err := Load(Flags{Data: &dir}, []string{"ONEMAP_SERVICE_HOST=10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.Ignored, []string{"ONEMAP_SERVICE_HOST"}) {
		t.Errorf("ignored %v", l.Ignored)
	}
}

func TestABadSettingIsRefusedWithItsPlaceAndARemedy(t *testing.T) {
	for text, want := range map[string]string{
		"addr: 127.0.0.1:1\nlog:\n  levle: debug\n": `line 3: unknown setting "log.levle"; did you mean "log.level"?`,
		"\naddress: x":                          `line 2: unknown setting "address"; did you mean "addr"?`,
		"sample: perhaps":                       `line 1: sample: "perhaps" is not a yes or no`,
		"shutdown: soon":                        `line 1: shutdown: "soon" is not a duration`,
		"log: debug":                            `line 1: "log" must hold settings`,
		"addr: a:1\naddr: b:2":                  `line 2: "addr" appears twice`,
		"addr: localhost":                       `addr: "localhost" is not HOST:PORT`,
		"log: {level: loud}":                    `log.level: "loud" is not one of debug, info, warn, error`,
		"log: {format: xml}":                    `log.format: "xml" is not one of text, json`,
		"tiles: {cache: -1}":                    `tiles.cache: -1 MiB is negative`,
		"map: {bounds: [1, 2]}":                 `is not a list of four numbers`,
		"map: {bounds: [113, 20, 103, 27]}":     `map.bounds:`,
		"map: {zoom: 3}":                        `map.zoom:`,
		"data: /elsewhere":                      `data can't be set in the data directory's own file`,
		"addr: [":                               `line 1:`,
		"map:\n  title:\n    zh: [a, b]\n":      `line 3: map.title.zh:`,
		"map: {center: [0, 0]}":                 `map.center:`,
		"log: {level: info, format: text}\n- x": `line`,
	} {
		dir := t.TempDir()
		write(t, dir, text)
		_, err := Load(Flags{Data: &dir}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

func TestAFileGivenByNameMustExistAndMayNameTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no.yaml")
	if _, err := Load(Flags{File: &missing}, nil); err == nil {
		t.Error("a missing file was accepted")
	}
	name := write(t, dir, "data: /somewhere\n")
	l, err := Load(Flags{}, []string{"ONEMAP_CONFIG=" + name})
	if err != nil || l.Data != "/somewhere" {
		t.Errorf("data %v, error %v", l, err)
	}
}
