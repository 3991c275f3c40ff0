package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"onemap/internal/access"
	"onemap/layers"
)

// greet says what runs and which pages to open. It is for the person who started
// the server; the links sign in.
func (s *server) greet(ctx context.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "onemap %s\n", build())
	fmt.Fprintf(&b, "  data      %s%s\n", storeName(s.conf), s.contents(ctx))
	if s.conf.File != "" {
		fmt.Fprintf(&b, "  settings  %s\n", s.conf.File)
	}
	link := func(token, next string) string { return s.url + access.SignInPath(token, next) }
	fmt.Fprintf(&b, "\n  explorer  public    %s/\n", s.url)
	fmt.Fprintf(&b, "            official  %s\n", link(s.tokens.Official(), "/"))
	fmt.Fprintf(&b, "            writer    %s\n", link(s.tokens.Writer(), "/"))
	fmt.Fprintf(&b, "  wall                %s\n", link(s.tokens.Wall(), "/wall"))
	fmt.Fprintf(&b, "  API                 %s/api\n", s.url)
	fmt.Fprintf(&b, "\n  本系统为非涉密系统，严禁存储、处理国家秘密和工作秘密\n  Stop with Ctrl-C.\n\n")
	_, _ = io.WriteString(s.out, b.String())
}

// contents says how much is in the store.
func (s *server) contents(ctx context.Context) string {
	entries, _, err := s.store.As(layers.Owner).Layers(ctx)
	if err != nil {
		return ""
	}
	if len(entries) == 0 {
		return " (empty)"
	}
	var features int64
	for _, e := range entries {
		features += e.Status.Count
	}
	return fmt.Sprintf(" (%d layers, %s features)", len(entries), thousands(features))
}

// localURL is where a browser on this machine finds the server.
func localURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1)) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// listenError says what to do about an address that can't be listened on.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken: another program listens there, perhaps onemap itself; stop it, or choose another with --addr", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: this user may not listen there; choose a port above 1023 with --addr", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine; choose another with --addr", addr)
	}
	return fmt.Errorf("listen: %w; choose another address with --addr", err)
}
