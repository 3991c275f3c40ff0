package cql2

import (
	"math"
	"time"
)

// span is a closed range of time in milliseconds since 1970, as which every temporal
// value is compared: an instant is a span of its own length, a date its day in
// Beijing, an interval goes from the start of its first to the end of its second.
type span struct{ start, end int64 }

const (
	dayLength = 24 * 60 * 60 * 1000
	beijing   = 8 * 60 * 60 * 1000 // ahead of UTC
)

// always is all of time, from no start to no end.
var always = span{math.MinInt64, math.MaxInt64}

// spanOf returns the span of a temporal value; false if it is none.
func spanOf(v any) (span, bool) {
	switch v := v.(type) {
	case time.Time:
		at := v.UnixMilli()
		return span{at, at}, true
	case Day:
		d, ok := daysOf(string(v))
		start := d*dayLength - beijing
		return span{start, start + dayLength - 1}, ok
	case Period:
		s := always
		if !v.Start.IsZero() {
			s.start = v.Start.UnixMilli()
		}
		if !v.End.IsZero() {
			s.end = v.End.UnixMilli()
		}
		return s, true
	}
	return span{}, false
}

// daysOf counts the days from 1970-01-01 to YYYY-MM-DD.
func daysOf(s string) (int64, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	number := func(digits string) (n int64) {
		for i := range len(digits) {
			if !isDigit(rune(digits[i])) {
				return math.MinInt32
			}
			n = 10*n + int64(digits[i]-'0')
		}
		return n
	}
	y, m, d := number(s[:4]), number(s[5:7]), number(s[8:])
	if y < 0 || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	return time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC).Unix() / (dayLength / 1000), true
}

// relations are the temporal predicates, on whole spans.
var relations = map[Op]func(a, b span) bool{
	TAfter:        func(a, b span) bool { return a.start > b.end },
	TBefore:       func(a, b span) bool { return a.end < b.start },
	TContains:     func(a, b span) bool { return a.start < b.start && a.end > b.end },
	TDisjoint:     func(a, b span) bool { return a.end < b.start || a.start > b.end },
	TDuring:       func(a, b span) bool { return a.start > b.start && a.end < b.end },
	TEquals:       func(a, b span) bool { return a == b },
	TFinishedBy:   func(a, b span) bool { return a.start < b.start && a.end == b.end },
	TFinishes:     func(a, b span) bool { return a.start > b.start && a.end == b.end },
	TIntersects:   func(a, b span) bool { return a.start <= b.end && a.end >= b.start },
	TMeets:        func(a, b span) bool { return a.end == b.start },
	TMetBy:        func(a, b span) bool { return a.start == b.end },
	TOverlappedBy: func(a, b span) bool { return a.start > b.start && a.start < b.end && a.end > b.end },
	TOverlaps:     func(a, b span) bool { return a.start < b.start && a.end > b.start && a.end < b.end },
	TStartedBy:    func(a, b span) bool { return a.start == b.start && a.end > b.end },
	TStarts:       func(a, b span) bool { return a.start == b.start && a.end < b.end },
}

// compare is negative where a ends before b starts, positive the other way round, and
// 0 where they overlap.
func (a span) compare(b span) int {
	switch {
	case a.end < b.start:
		return -1
	case a.start > b.end:
		return 1
	}
	return 0
}
