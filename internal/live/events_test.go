package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// eventReader reads server-sent events as a browser does.
type eventReader struct {
	body io.ReadCloser
	in   *bufio.Reader
	last string // id of the last event that had one
}

// next returns the data of the next event, of which the name must be the type.
func (r *eventReader) next() ([]byte, error) {
	var name, data string
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case field == "event":
			name = value
		case field == "id":
			r.last = value
		case field == "data":
			data += value + "\n"
		case line == "" && data != "":
			if !strings.HasPrefix(data, `{"type":"`+name+`"`) {
				return nil, errors.New("an event named " + name + ": " + data)
			}
			return []byte(data), nil
		}
	}
}

func (s *server) getEvents(t *testing.T, who, query, last string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", s.http.URL+"/live?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", mediaEvents)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	if s.token[who] != "" {
		r.Header.Set("Authorization", "Bearer "+s.token[who])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// listen follows layers as a stream of events, from where the client left off.
func (c *client) listen(s *server, who, query string, ids ...string) {
	c.t.Helper()
	last := ""
	if c.events != nil {
		last = c.events.last
	}
	if c.mirror == nil {
		c.mirror = map[string]*mirror{}
	}
	for _, id := range ids {
		if c.mirror[id] == nil {
			c.mirror[id] = &mirror{features: map[string]kept{}}
		}
		c.mirror[id].reading, c.mirror[id].answered = nil, false
	}
	answer := s.getEvents(c.t, who, "layers="+strings.Join(ids, ",")+query, last)
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != mediaEvents {
		c.fatalf("%v", answer)
	}
	c.events = &eventReader{body: answer.Body, in: bufio.NewReader(answer.Body), last: last}
	c.hello = c.await("hello")
}

func TestAStreamOfEventsSaysWhatASocketSays(t *testing.T) {
	store := openStore(t)
	gauges, halls := layer("gauges", false), layer("halls", true)
	define(t, store, gauges)
	define(t, store, halls)
	apply(t, store, gauges.ID, put("a", 108, 22, 1), put("b", 108, 22, 1))
	at := apply(t, store, halls.ID, put("h", 108, 22, 1), put("far", 111, 25, 1))
	s := serve(t, store, fast)
	box := &orb.Bound{Min: orb.Point{107, 21}, Max: orb.Point{109, 23}}
	const inBox = "&bbox=107,21,109,23"
	c := &client{t: t}
	c.listen(s, "official", inBox, gauges.ID, halls.ID)
	c.complete(at)
	apply(t, store, gauges.ID, put("a", 108.5, 22, 2))
	at = apply(t, store, halls.ID, put("h", 111, 25, 2), put("far", 108, 22, 2))
	c.complete(at)
	c.equals(store, gauges, box)
	c.equals(store, halls, box)

	c.events.body.Close() // and come back, as browsers do
	apply(t, store, gauges.ID, put("c", 108, 22, 1), layers.Edit{Op: layers.Delete, ID: "b"})
	at = apply(t, store, halls.ID, put("h", 108, 22, 5))
	c.listen(s, "official", inBox, gauges.ID, halls.ID)
	c.complete(at)
	c.equals(store, gauges, box)
	c.equals(store, halls, box)
	if st := s.hub.Stats(); st.Recovered != 2 || st.Resets != 0 || st.Snapshots != 2 {
		t.Errorf("stats: %+v", st)
	}
}

func TestAnEventsIDIsWhereItsClientMayResume(t *testing.T) {
	store := openStore(t)
	l := layer("many", true)
	define(t, store, l)
	var edits []layers.Edit
	for i := range 1200 {
		edits = append(edits, put(fmt.Sprint(i), 108, 22, 1))
	}
	at := apply(t, store, l.ID, edits...)
	s := serve(t, store, fast)
	c := &client{t: t}
	c.listen(s, "public", "", l.ID)
	for {
		f, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if whole := c.mirror[l.ID].answered; !whole && c.events.last != "" {
			t.Fatalf("the id %s comes before the snapshot is whole", c.events.last)
		} else if whole && f.Type == "heartbeat" {
			break
		}
	}
	if c.events.last != at.String() {
		t.Errorf("the id is %s at %s", c.events.last, at)
	}
}

func TestAStreamThatCanNotBeginSaysWhy(t *testing.T) {
	store := openStore(t)
	define(t, store, layer("open", true))
	define(t, store, layer("closed", false))
	s := serve(t, store, fast)
	for query, want := range map[string]int{
		"layers=open": 200, "layers=open&mode=tiles": 200, "layers=closed": 404, "layers=nothing": 404, "": 400, "layers=open,": 400, "layers=open&mode=x": 400,
		"layers=open&bbox=1,2,3": 400, "layers=open&bbox=a,b,c,d": 400, "layers=open&layers=open": 400, "layers=open&x=1": 400, "layers=open&since=yesterday": 400, "layers=%zz": 400,
	} {
		answer := s.getEvents(t, "public", query, "")
		if answer.StatusCode != want || want >= 400 && answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", query, answer)
		}
		answer.Body.Close()
	}
	if answer := s.getEvents(t, "wrong", "layers=open", ""); answer.StatusCode != 401 {
		t.Errorf("a wrong token: %v", answer)
	}
}

func TestAShutdownEndsStreamsOfEvents(t *testing.T) {
	store := openStore(t)
	define(t, store, layer("open", true))
	s := serve(t, store, fast)
	c := &client{t: t}
	c.listen(s, "public", "", "open")
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	for {
		if _, err := c.read(); err != nil {
			break
		}
	}
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Error("it does not stop")
	}
}
