package live

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/paulmach/orb"

	"onemap/layers"
)

func TestASubscriptionBeginsWithASnapshotAndGoesOnWithDeltas(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	var edits []layers.Edit
	for i := range snapshotPage*2 + 7 {
		edits = append(edits, put(fmt.Sprintf("g%04d", i), 108+float64(i)/1e4, 22, float64(i)))
	}
	apply(t, store, l.ID, edits...)
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	if c.hello.View != "official" || c.hello.Build != "test" || c.hello.Heartbeat != 0.25 || c.hello.cursor(t).Position == 0 {
		t.Errorf("hello: %s", c.hello.raw)
	}
	c.subscribe(l.ID, "features", "")
	c.until("the whole snapshot", func(f *frame) bool { return f.Type == "snapshot" && !f.More })
	c.equals(store, l, nil)

	apply(t, store, l.ID, put("new", 109, 23, 1), put("g0001", 109, 23.5, 2))
	at := apply(t, store, l.ID, layers.Edit{Op: layers.Delete, ID: "g0002"})
	c.complete(at)
	c.equals(store, l, nil)
	if n := len(c.mirror[l.ID].features); n != snapshotPage*2+7 {
		t.Errorf("%d features", n)
	}
	st := s.hub.Stats()
	if st.Sessions != 1 || st.Subscriptions != 1 || st.Snapshots != 1 || st.Changes != 3 || st.Pending != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestAnEmptyLayerHasAWholeSnapshot(t *testing.T) {
	store := openStore(t)
	define(t, store, layer("gauges", true))
	c := serve(t, store, fast).connect(t, "public")
	c.subscribe("gauges", "features", "")
	if f := c.await("snapshot"); f.More || f.Features == nil || len(f.Features) != 0 {
		t.Errorf("got %s", f.raw)
	}
}

func TestAChangeIsToldAtOnce(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	s := serve(t, store, nil)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	var worst time.Duration
	for i := range 20 {
		time.Sleep(50 * time.Millisecond)
		begin := time.Now()
		apply(t, store, l.ID, put("g", 108, 22, float64(i)))
		c.await("delta")
		worst = max(worst, time.Since(begin))
	}
	t.Logf("worst of 20: %v from the edit to the screen", worst)
	if worst > 2*time.Second {
		t.Errorf("a change took %v", worst)
	}
}

func TestAResumedSessionMissesNothing(t *testing.T) {
	store := openStore(t)
	gauges, halls := layer("gauges", false), layer("halls", false)
	define(t, store, gauges)
	define(t, store, halls)
	apply(t, store, gauges.ID, put("a", 108, 22, 1), put("b", 108, 22, 1))
	at := apply(t, store, halls.ID, put("h", 108, 22, 1))
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(gauges.ID, "features", "")
	c.subscribe(halls.ID, "features", "")
	c.complete(at)
	c.conn.Close()

	apply(t, store, gauges.ID, put("c", 108, 22, 1), put("a", 108, 22, 2), layers.Edit{Op: layers.Delete, ID: "b"})
	at = apply(t, store, halls.ID, put("h", 108, 22, 5))
	c.dial(s, "official")
	c.subscribe(gauges.ID, "features", "")
	c.subscribe(halls.ID, "features", "")
	c.await("recovered")
	c.complete(at)
	c.equals(store, gauges, nil)
	c.equals(store, halls, nil)
	if st := s.hub.Stats(); st.Recovered != 2 || st.Resets != 0 || st.Snapshots != 2 {
		t.Errorf("stats: %+v", st)
	}
}

func TestAPositionOutsideTheLineageIsReset(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	var at layers.Cursor
	for i := range 30 {
		at = apply(t, store, l.ID, put("a", 108, 22, float64(i)))
	}
	s := serve(t, store, func(o *Options) { fast(o); o.MaxReplay = 10 })
	for since, reason := range map[string]string{
		"another:5": reasonEpoch,
		layers.Cursor{Epoch: at.Epoch, Position: at.Position + 1000}.String(): reasonAhead,
		layers.Cursor{Epoch: at.Epoch, Position: at.Position - 20}.String():   reasonBehind,
	} {
		c := s.connect(t, "official")
		c.subscribe(l.ID, "features", `,"since":"`+since+`"`)
		if f := c.await("reset"); f.Reason != reason || f.Layer != l.ID {
			t.Errorf("since %s: %s, want reason %s", since, f.raw, reason)
		}
		c.await("snapshot")
		c.equals(store, l, nil)
	}
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", `,"since":"nonsense"`)
	if f := c.await("error"); f.Code != "invalid" || f.Layer != l.ID {
		t.Errorf("got %s", f.raw)
	}
}

func TestASubscriptionToABoxSeesWhatComesAndGoes(t *testing.T) {
	store := openStore(t)
	l := layer("vehicles", false)
	define(t, store, l)
	apply(t, store, l.ID, put("in", 108.5, 22.5, 1), put("out", 110, 24, 1))
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", `,"bbox":[108,22,109,23]`)
	box := orb.Bound{Min: orb.Point{108, 22}, Max: orb.Point{109, 23}}
	c.await("snapshot")
	c.equals(store, l, &box)
	apply(t, store, l.ID, put("in", 110, 24, 2))
	f := c.await("delta")
	if len(f.Changes) != 1 || f.Changes[0].Op != "leave" {
		t.Errorf("got %s", f.raw)
	}
	c.complete(apply(t, store, l.ID, put("out", 108.1, 22.1, 2)))
	c.equals(store, l, &box)
	for _, bad := range []string{`[1,2,3]`, `[109,22,108,23]`, `[0,0,0,1e9]`, `[]`} {
		c.send(`{"type":"subscribe","layer":"vehicles","bbox":` + bad + `}`)
		if f := c.await("error"); f.Code != "invalid" {
			t.Errorf("bbox %s: %s", bad, f.raw)
		}
	}
}

func TestTilesModeTellsWhereTheMapChanged(t *testing.T) {
	store := openStore(t)
	l := layer("roads", false)
	define(t, store, l)
	at := apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "tiles", "")
	if f := c.await("recovered"); f.cursor(t).Position < at.Position {
		t.Errorf("got %s", f.raw)
	}
	apply(t, store, l.ID, put("a", 109, 23, 1))
	if f := c.await("tiles"); fmt.Sprint(f.Bounds) != "[[108 22 108 22] [109 23 109 23]]" || f.All {
		t.Errorf("got %s", f.raw)
	}
	var edits []layers.Edit
	for i := range 200 {
		edits = append(edits, put(fmt.Sprint(i), 105+float64(i)/50, 24, 1))
	}
	at = apply(t, store, l.ID, edits...)
	if f := c.await("tiles"); !f.All || f.Bounds == nil || len(f.Bounds) != 0 {
		t.Errorf("got %s", f.raw)
	}
	c.complete(at)
	s.hub.Redraw("nothing")
	s.hub.Redraw(l.ID) // nothing changed, and it looks different
	if f := c.await("tiles"); !f.All || f.cursor(t) != at {
		t.Errorf("got %s", f.raw)
	}
	c.conn.Close()
	at = apply(t, store, l.ID, put("a", 109, 24, 1))
	c.dial(s, "official")
	c.subscribe(l.ID, "tiles", "")
	c.await("recovered")
	if f := c.await("tiles"); len(f.Bounds) != 2 || f.cursor(t).Position < at.Position {
		t.Errorf("after resuming: %s", f.raw)
	}
}

func TestAClosedLayerDoesNotExistForThePublic(t *testing.T) {
	store := openStore(t)
	closed, public := layer("reservoirs", false), layer("hospitals", true)
	define(t, store, closed)
	define(t, store, public)
	s := serve(t, store, fast)
	c, official := s.connect(t, "public"), s.connect(t, "official")
	official.subscribe(closed.ID, "features", "")
	official.await("snapshot")
	for _, mode := range []string{"features", "tiles"} {
		c.send(`{"type":"subscribe","layer":"reservoirs","mode":"` + mode + `"}`)
		hidden := c.await("error")
		c.send(`{"type":"subscribe","layer":"no-such","mode":"` + mode + `"}`)
		absent := c.await("error")
		if hidden.Code != "not_found" || strings.ReplaceAll(hidden.raw, "reservoirs", "no-such") != absent.raw {
			t.Errorf("a closed layer is told apart from an absent one:\n%s\n%s", hidden.raw, absent.raw)
		}
	}
	c.subscribe(public.ID, "features", "")
	c.await("snapshot")
	apply(t, store, closed.ID, put("secret", 108, 22, 1))
	l := *closed
	l.Title.Zh = "另一个"
	define(t, store, &l)
	at := apply(t, store, public.ID, put("open", 108, 22, 1))
	c.complete(at)
	official.complete(at)
	for _, heard := range c.log {
		if strings.Contains(heard, "reservoirs") && !strings.HasPrefix(heard, "error") {
			t.Errorf("the public heard of a closed layer: %s", heard)
		}
	}
	c.equals(store, public, nil)
	official.equals(store, closed, nil)
}

func TestWhoLosesSightOfALayerHearsOfItOnceAndThenNothing(t *testing.T) {
	store := openStore(t)
	l := layer("shelters", true)
	define(t, store, l)
	apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serve(t, store, fast)
	c, official := s.connect(t, "public"), s.connect(t, "official")
	for _, who := range []*client{c, official} {
		who.subscribe(l.ID, "features", "")
		who.await("snapshot")
	}
	closed := *l
	closed.Open = false
	define(t, store, &closed)
	apply(t, store, l.ID, put("a", 109, 23, 2))
	if f := c.await("layer"); f.Op != "drop" || f.Layer != l.ID {
		t.Errorf("got %s", f.raw)
	}
	if f := official.await("layer"); f.Op != "define" {
		t.Errorf("got %s", f.raw)
	}
	at := apply(t, store, l.ID, put("b", 109, 23, 2))
	official.complete(at)
	official.equals(store, l, nil)
	heard := len(c.log)
	c.complete(at)
	for _, f := range c.log[heard:] {
		if !strings.HasPrefix(f, "heartbeat") {
			t.Errorf("after losing sight: %s", f)
		}
	}
	define(t, store, l) // open again
	if f := c.await("layer"); f.Op != "define" {
		t.Errorf("got %s", f.raw)
	}
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	c.equals(store, l, nil)
}

func TestALayerThatIsDroppedOrGetsOtherColumnsIsReadAnew(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serve(t, store, fast)
	c, mapped := s.connect(t, "official"), s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	mapped.subscribe(l.ID, "tiles", "")
	mapped.await("recovered")

	titled := *l
	titled.Title.En = "Gauges"
	define(t, store, &titled)
	if f := c.await("layer"); f.Op != "define" {
		t.Errorf("got %s", f.raw)
	}
	c.complete(apply(t, store, l.ID, put("a", 108, 22, 2)))
	if st := s.hub.Stats(); st.Resets != 0 {
		t.Errorf("a new title reset the layer: %+v", st)
	}
	wider := titled
	wider.Schema = append(layers.Schema{{Name: "first", Type: layers.String}}, l.Schema...)
	define(t, store, &wider)
	if f := c.await("reset"); f.Reason != reasonReplaced {
		t.Errorf("got %s", f.raw)
	}
	if f := mapped.await("reset"); f.Reason != reasonReplaced {
		t.Errorf("got %s", f.raw)
	}
	c.complete(apply(t, store, l.ID, put("b", 108, 22, 2)))
	c.equals(store, &wider, nil)

	if _, err := store.DropLayer(t.Context(), actor, l.ID); err != nil {
		t.Fatal(err)
	}
	c.until("the drop", func(f *frame) bool { return f.Type == "layer" && f.Op == "drop" })
	define(t, store, l)
	c.until("the definition", func(f *frame) bool { return f.Type == "layer" && f.Op == "define" })
	c.subscribe(l.ID, "features", "")
	c.complete(apply(t, store, l.ID, put("z", 108, 22, 2)))
	c.equals(store, l, nil)
}

func TestOnlyOurOwnPagesAndProgramsMayConnect(t *testing.T) {
	store := openStore(t)
	s := serve(t, store, func(o *Options) { o.MaxSessions = 2 })
	for _, c := range []struct {
		name, who string
		header    http.Header
		want      int
	}{
		{"a program", "public", nil, http.StatusSwitchingProtocols},
		{"our page", "official", http.Header{"Origin": {s.http.URL}}, http.StatusSwitchingProtocols},
		{"another site", "official", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		{"a file", "official", http.Header{"Origin": {"null"}}, http.StatusForbidden},
		{"another port", "official", http.Header{"Origin": {"http://127.0.0.1:1"}}, http.StatusForbidden},
		{"two origins", "official", http.Header{"Origin": {s.http.URL, "https://evil.example"}}, http.StatusForbidden},
		{"a wrong token", "wrong", nil, http.StatusUnauthorized},
	} {
		conn, response, err := s.request(c.who, c.header)
		if err == nil {
			conn.Close()
		}
		if response == nil || response.StatusCode != c.want {
			t.Errorf("%s: %v, %v", c.name, response, err)
			continue
		}
		if c.want >= 400 && response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: answered with %s", c.name, response.Header.Get("Content-Type"))
		}
	}
	if r, err := http.Get(s.http.URL); err != nil || r.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("plain HTTP: %v %v", r, err)
	} else {
		r.Body.Close()
	}
	d := websocket.Dialer{}
	if _, r, _ := d.Dial(s.url(), nil); r == nil || r.StatusCode != http.StatusBadRequest {
		t.Errorf("no subprotocol: %v", r)
	}
	for s.hub.Sessions() > 0 {
		time.Sleep(time.Millisecond)
	}
	s.connect(t, "public")
	s.connect(t, "public")
	if _, r, _ := s.request("public", nil); r == nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a third of two sessions: %v", r)
	}
}

func TestWhatIsNotUnderstoodIsAnErrorAndNotTheEnd(t *testing.T) {
	c := serve(t, openStore(t), fast).connect(t, "public")
	for _, m := range []string{`{"type":"presenter"}`, `nonsense`, `[]`, `{"type":5}`, `{"type":"subscribe","layer":"x","mode":"magic"}`, `{"type":"join","topic":"x"}`, `{"type":"join","topic":"wall"}`} {
		c.send(m)
		if f := c.await("error"); f.Code == "" || f.Message == "" {
			t.Errorf("%s: %s", m, f.raw)
		}
	}
	c.send(`{"type":"ping"}`)
	c.await("heartbeat")
}

func TestTooLargeAndBinaryFramesEndTheSession(t *testing.T) {
	s := serve(t, openStore(t), fast)
	c := s.connect(t, "public")
	c.send(`{"type":"` + strings.Repeat("x", maxMessage) + `"}`)
	if code := c.closed(); code != websocket.CloseMessageTooBig {
		t.Errorf("closed with %d", code)
	}
	c = s.connect(t, "public")
	if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if code := c.closed(); code != websocket.CloseUnsupportedData {
		t.Errorf("closed with %d", code)
	}
}

// The client offers permessage-deflate; the server must not have agreed to it,
// and must not inflate a frame that claims to be compressed.
func TestACompressedFrameIsNotInflated(t *testing.T) {
	s := serve(t, openStore(t), fast)
	conn, response, err := s.request("public", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if e := response.Header.Get("Sec-WebSocket-Extensions"); e != "" {
		t.Errorf("the server agreed to %s", e)
	}
	c := &client{t: t, conn: conn}
	// FIN, RSV1 (compressed), text; masked with zeroes, 3 bytes.
	if _, err := conn.NetConn().Write([]byte{0xc1, 0x83, 0, 0, 0, 0, 0x4b, 0x4c, 0x04}); err != nil {
		t.Fatal(err)
	}
	if code := c.closed(); code != websocket.CloseProtocolError {
		t.Errorf("closed with %d", code)
	}
}

func TestTheWallsTopicIsForTheWallAndOfficials(t *testing.T) {
	s := serve(t, openStore(t), fast)
	scene := func(id string) any {
		return map[string]string{"type": "scene", "scene": id}
	}
	early := s.connect(t, "wall")
	early.send(`{"type":"join","topic":"wall"}`)
	early.send(`{"type":"ping"}`)
	early.await("heartbeat")
	s.hub.Broadcast("wall", scene("overview"))
	if f := early.await("scene"); f.Scene != "overview" {
		t.Errorf("got %s", f.raw)
	}
	for _, who := range []string{"wall", "official", "writer"} {
		c := s.connect(t, who)
		c.send(`{"type":"join","topic":"wall"}`)
		if f := c.await("scene"); f.Scene != "overview" { // replayed to a new listener
			t.Errorf("%s: %s", who, f.raw)
		}
	}
	s.hub.Broadcast("wall", scene("flood"))
	if f := early.await("scene"); f.Scene != "flood" {
		t.Errorf("got %s", f.raw)
	}
	public := s.connect(t, "public")
	public.send(`{"type":"join","topic":"wall"}`)
	if f := public.await("error"); f.Code != "forbidden" {
		t.Errorf("got %s", f.raw)
	}
}

func TestAShutdownSendsEveryoneAwayToComeBack(t *testing.T) {
	store := openStore(t)
	define(t, store, layer("gauges", false))
	s := serve(t, store, nil)
	var cs []*client
	for range 5 {
		c := s.connect(t, "official")
		c.subscribe("gauges", "features", "")
		c.await("snapshot")
		cs = append(cs, c)
	}
	codes := make(chan int, len(cs))
	for _, c := range cs {
		go func() { codes <- c.closed() }()
	}
	silent := s.connect(t, "official") // never answers the close
	begin := time.Now()
	s.stop()
	if d := time.Since(begin); d > closing+2*time.Second {
		t.Errorf("closing took %v", d)
	}
	for range cs {
		if code := <-codes; code != websocket.CloseServiceRestart {
			t.Errorf("closed with %d", code)
		}
	}
	if n := s.hub.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	_ = silent
	if _, r, err := s.request("official", nil); err == nil {
		t.Errorf("connected to a closed hub: %v", r)
	}
}
