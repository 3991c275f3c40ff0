package cql2

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON writes an expression in the JSON encoding.
func AppendJSON(b []byte, e Expr) []byte {
	switch e := e.(type) {
	case *Literal:
		return appendJSONLiteral(b, e.Value)
	case *Property:
		return append(appendString(append(b, `{"property":`...), e.Name), '}')
	case *Call:
		return appendJSONCall(b, e)
	}
	return b
}

func appendJSONCall(b []byte, c *Call) []byte {
	if c.Op == MakeInterval {
		b = append(b, `{"interval":[`...)
		for i, a := range c.Args {
			b = comma(b, i)
			if l, ok := a.(*Literal); ok {
				b = appendString(b, endText(l.Value))
			} else {
				b = AppendJSON(b, a)
			}
		}
		return append(b, `]}`...)
	}
	b = append(appendString(append(b, `{"op":`...), string(c.Op)), `,"args":[`...)
	for i, a := range c.Args {
		b = comma(b, i)
		if c.Op == In && i == 1 {
			b = append(b, '[')
		}
		b = AppendJSON(b, a)
	}
	if c.Op == In {
		b = append(b, ']')
	}
	return append(b, `]}`...)
}

func appendJSONLiteral(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendDouble(b, v)
	case Day:
		return append(appendString(append(b, `{"date":`...), string(v)), '}')
	case time.Time:
		return append(appendString(append(b, `{"timestamp":`...), instantText(v)), '}')
	case Period:
		b = appendString(append(b, `{"interval":[`...), openText(v.Start))
		return append(appendString(append(b, ','), openText(v.End)), `]}`...)
	case *Shape:
		return appendGeoJSON(b, v.g)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	var w bytes.Buffer
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return append(b, bytes.TrimRight(w.Bytes(), "\n")...)
}
