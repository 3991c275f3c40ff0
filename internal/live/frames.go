package live

import (
	"strconv"
	"time"

	"github.com/paulmach/orb"

	"onemap/internal/geojson"
	"onemap/layers"
)

// open begins a message; fields are appended and end closes it.
func open(b []byte, kind string) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	return append(b, '"')
}

func field(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return geojson.AppendString(b, value)
}

func cursorField(b []byte, c layers.Cursor) []byte { return field(b, "cursor", c.String()) }

func timeField(b []byte, t time.Time) []byte { return field(b, "time", geojson.Time(t)) }

func end(b []byte) []byte { return append(b, '}') }

func helloFrame(head layers.Cursor, now time.Time, view string, heartbeat time.Duration, build string) []byte {
	b := open(nil, "hello")
	b = cursorField(b, head)
	b = timeField(b, now)
	b = field(b, "view", view)
	b = append(b, `,"heartbeat":`...)
	b = strconv.AppendFloat(b, heartbeat.Seconds(), 'f', -1, 64)
	b = field(b, "build", build)
	return end(b)
}

func heartbeatFrame(c layers.Cursor, now time.Time) []byte {
	return end(timeField(cursorField(open(nil, "heartbeat"), c), now))
}

func errorFrame(code layers.Code, message, layer string) []byte {
	b := open(nil, "error")
	b = field(b, "code", string(code))
	b = field(b, "message", message)
	if layer != "" {
		b = field(b, "layer", layer)
	}
	return end(b)
}

func recoveredFrame(layer string, c layers.Cursor) []byte {
	return end(cursorField(field(open(nil, "recovered"), "layer", layer), c))
}

func resetFrame(layer string, c layers.Cursor, reason string) []byte {
	return end(field(cursorField(field(open(nil, "reset"), "layer", layer), c), "reason", reason))
}

func noticeFrame(n notice) []byte {
	return end(field(field(open(nil, "layer"), "layer", n.layer), "op", n.op))
}

func tilesFrame(n tilesNotice, c layers.Cursor) []byte {
	b := open(nil, "tiles")
	b = field(b, "layer", n.layer)
	b = cursorField(b, c)
	b = append(b, `,"bounds":[`...)
	for i, box := range n.boxes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBox(b, box)
	}
	b = append(b, ']')
	if n.all {
		b = append(b, `,"all":true`...)
	}
	return end(b)
}

func appendBox(b []byte, box orb.Bound) []byte {
	b = append(b, '[')
	for i, v := range [...]float64{box.Min[0], box.Min[1], box.Max[0], box.Max[1]} {
		if i > 0 {
			b = append(b, ',')
		}
		b = geojson.AppendValue(b, v)
	}
	return append(b, ']')
}

// appendChange appends one entry of a delta's list.
func appendChange(b []byte, w *waiting, class string) []byte {
	b = append(b, `{"layer":`...)
	b = geojson.AppendString(b, w.layer.ID)
	b = field(b, "op", string(w.op))
	b = field(b, "id", w.id)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, int64(w.version), 10)
	if w.op == opPut {
		b = append(b, `,"feature":`...)
		b = append(b, w.json(class, w.shown)...)
	}
	return end(b)
}

// deltaFrame wraps a list of changes.
func deltaFrame(b []byte, changes []byte, c layers.Cursor, now time.Time) []byte {
	b = timeField(cursorField(open(b, "delta"), c), now)
	b = append(b, `,"changes":[`...)
	b = append(b, changes...)
	return append(b, ']', '}')
}

// snapshotFrame wraps a list of features: of all there are, or of those that came into
// view beside what the client has.
func snapshotFrame(b []byte, layer string, list []byte, c layers.Cursor, more, added bool) []byte {
	b = cursorField(field(open(b, "snapshot"), "layer", layer), c)
	b = append(b, `,"features":[`...)
	b = append(b, list...)
	b = append(b, `],"more":`...)
	b = strconv.AppendBool(b, more)
	if added {
		b = append(b, `,"added":true`...)
	}
	return end(b)
}

// viewFrame says that what follows is of another view: the client drops what is outside.
func viewFrame(layer string, box *orb.Bound) []byte {
	b := append(field(open(nil, "view"), "layer", layer), `,"bbox":`...)
	if box == nil {
		return end(append(b, "null"...))
	}
	return end(appendBox(b, *box))
}
