package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// recipe is a block of the developers' guide that says "run", and what it must print.
type recipe struct {
	heading, language, needs string
	code                     string
	prints                   []string
}

var (
	fence = regexp.MustCompile("(?ms)^## (.*?)$|^```(sh|python) run ?(\\w*)\\n(.*?)^```\\n(?:```text\\n(.*?)^```)?")
	// debians is Debian's Python, which has Debian's packages; another one in PATH may not.
	debians = "/usr/bin/python3"
)

// console is what QGIS has done before one types into its Python console. It ends
// at once: what ends QGIS otherwise crashes at times.
const console = `
import os, sys
from qgis.core import QgsApplication
QgsApplication.setPrefixPath('/usr', True)
app = QgsApplication([], False)
app.initQgis()
%s
sys.stdout.flush()
os._exit(0)
`

func recipes(t *testing.T) []recipe {
	t.Helper()
	guide, err := os.ReadFile("../../docs/developers.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []recipe
	heading := ""
	for _, m := range fence.FindAllStringSubmatch(string(guide), -1) {
		if m[1] != "" {
			heading = m[1]
			continue
		}
		found = append(found, recipe{heading, m[2], m[3], m[4], strings.Split(strings.TrimSpace(m[5]), "\n")})
	}
	return found
}

func TestTheRecipesOfTheDevelopersGuideWork(t *testing.T) {
	all := recipes(t)
	if len(all) < 10 {
		t.Fatalf("only %d recipes are found in the guide", len(all))
	}
	p := serve(t, t.TempDir(), "--sample")
	dir := t.TempDir()
	for _, r := range all {
		t.Run(r.heading, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", r.code)
			if r.language == "python" {
				for _, module := range []string{"requests", r.needs} {
					if module != "" && exec.CommandContext(t.Context(), debians, "-c", "import "+module).Run() != nil {
						t.Skipf("%s is missing: .ci/install-test-deps installs it where Debian has it (package python3-%[1]s)", module)
					}
				}
				code := r.code
				if r.needs == "qgis" {
					code = fmt.Sprintf(console, code)
				}
				cmd = exec.CommandContext(t.Context(), debians, "-c", code)
			}
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "SERVER="+p.url, "TOKEN="+p.token("writer"), "QT_QPA_PLATFORM=offscreen", "XDG_RUNTIME_DIR="+dir, "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, r.code, out)
			}
			for _, line := range r.prints {
				if line == "" || !strings.Contains(string(out), line) {
					t.Errorf("it does not print %q:\n%s\n%s", line, r.code, out)
				}
			}
		})
	}
}
