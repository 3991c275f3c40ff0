// Command onemap is one map of a province's government data: the server, and the
// tools that bring data in and out. `onemap --help` explains itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// cli is the grammar; each command has a file of its own.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve the map: explorer, wall, API, tiles and live updates."`
	Import   importCmd   `cmd:"" help:"Read files into layers: GeoJSON, NDJSON, CSV and GeoPackage."`
	Export   exportCmd   `cmd:"" help:"Write layers to files: GeoJSON, NDJSON, CSV and GeoPackage."`
	Layer    layerCmd    `cmd:"" help:"List, show, define and drop layers."`
	Simulate simulateCmd `cmd:"" help:"Play a drill: a timeline of synthetic changes."`
	Version  versionCmd  `cmd:"" help:"Say which build this is."`
}

// streams are where a command reads and writes, and the environment it sees.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and went wrong, or some rows were rejected
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks everything to finish; soon the default holds again, so
	// that the second one kills. Soon, not at once: a shell or supervisor may send
	// the same signal to us and to our process group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	os.Exit(run(ctx, os.Args[1:], &streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}))
}

func run(ctx context.Context, args []string, s *streams) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("onemap"),
		kong.Description("One map of government data: departments push features, the map shows them at once.\n\nStart with `onemap serve --sample` and open http://localhost:8080."),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exited = code }), // --help
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		fmt.Fprintln(s.err, "onemap:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "onemap: %v\nTry: onemap --help\n", err)
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(s.err, "onemap: stopped")
		return exitFailed
	default:
		fmt.Fprintln(s.err, "onemap:", err)
		return exitFailed
	}
}

// errReported fails a command that has already said why.
var errReported = errors.New("reported")
