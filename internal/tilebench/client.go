package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// client is one connection that is kept, and takes little of the processor that it
// shares with the server: net/http takes about as much as a server that answers.
type client struct {
	host string
	nc   net.Conn
	r    *bufio.Reader
}

// answer is what the client saw of one.
type answer struct {
	status   int
	wire     int // bytes of the body as sent
	raw      int // bytes of the tile
	encoding string
	closes   bool
	length   int // -1: not said
	chunked  bool
}

// patience is how long an answer may take.
const patience = 2 * time.Minute

func dial(host string) (*client, error) {
	nc, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &client{host: host, nc: nc, r: bufio.NewReaderSize(nc, 64<<10)}, nil
}

// request is what asks for a URL, and its host and port.
func request(rawURL string) (host string, text []byte, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", nil, err
	}
	if u.Scheme != "http" || u.Host == "" {
		return "", nil, fmt.Errorf("%s: only http:// is measured", rawURL)
	}
	host = u.Host
	if u.Port() == "" {
		host += ":80"
	}
	return host, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\n\r\n", u.RequestURI(), u.Host), nil
}

// ask sends a request and reads the answer to its end.
func (c *client) ask(request []byte) (answer, error) {
	if err := c.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	if _, err := c.nc.Write(request); err != nil {
		return answer{}, err
	}
	a, err := c.head()
	if err == nil {
		err = c.body(&a)
	}
	if err == nil && a.closes {
		c.nc.Close()
		var again *client
		if again, err = dial(c.host); err == nil {
			*c = *again
		}
	}
	return a, err
}

func (c *client) head() (answer, error) {
	a := answer{length: -1}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return a, fmt.Errorf("not HTTP: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, err
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if !ok {
			return a, nil
		}
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if a.length, err = strconv.Atoi(string(value)); err != nil {
				return a, err
			}
		case bytes.EqualFold(name, []byte("Content-Encoding")):
			a.encoding = string(value)
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			a.chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			a.closes = bytes.EqualFold(value, []byte("close"))
		}
	}
}

func (c *client) body(a *answer) error {
	var end tail
	var err error
	switch {
	case a.status == 204 || a.status == 304:
	case a.chunked:
		if _, err = io.Copy(&end, httputil.NewChunkedReader(c.r)); err == nil {
			_, err = c.r.Discard(2) // the empty trailer
		}
	case a.length >= 0:
		skip := max(0, a.length-len(end.last))
		if end.n, err = c.r.Discard(skip); err == nil {
			_, err = io.CopyN(&end, c.r, int64(a.length-skip))
		}
	default:
		return errors.New("the answer does not say where it ends")
	}
	a.wire, a.raw = end.n, end.n
	if a.encoding == "gzip" && end.n >= len(end.last) {
		a.raw = int(binary.LittleEndian.Uint32(end.last[:])) // RFC 1952, 2.3.1: ISIZE
	}
	return err
}

// tail keeps the last bytes that are written to it.
type tail struct {
	n    int
	last [4]byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.n += len(b)
	if len(b) >= len(t.last) {
		copy(t.last[:], b[len(b)-len(t.last):])
	} else {
		copy(t.last[:], t.last[len(b):])
		copy(t.last[len(t.last)-len(b):], b)
	}
	return len(b), nil
}
