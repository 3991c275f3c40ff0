package api

import (
	"regexp"
	"strings"
	"time"

	"onemap/layers"
)

// parseDatetime reads an instant or an interval of RFC 3339 times, where an end
// may be open: "..", or nothing (/req/core/fc-time-definition). A plain date
// means the whole day in Beijing time. nil means all times.
func parseDatetime(s string) (*layers.Interval, *paramError) {
	start, end, isInterval := strings.Cut(s, "/")
	if !isInterval {
		from, to, err := parseMoment(start)
		if err != nil {
			return nil, err
		}
		return &layers.Interval{Start: from, End: to}, nil
	}
	var v layers.Interval
	var err *paramError
	if start != "" && start != ".." {
		if v.Start, _, err = parseMoment(start); err != nil {
			return nil, err
		}
	}
	if end != "" && end != ".." {
		if _, v.End, err = parseMoment(end); err != nil {
			return nil, err
		}
	}
	switch {
	case v.Start.IsZero() && v.End.IsZero():
		return nil, nil
	case !v.Start.IsZero() && !v.End.IsZero() && v.End.Before(v.Start):
		return nil, &paramError{"the interval ends before it starts", "start/end"}
	}
	return &v, nil
}

// lostPlus finds a zone whose "+" a query string turned into a space.
var lostPlus = regexp.MustCompile(`^(\S+T\S+) (\d\d:\d\d)$`)

// parseMoment returns the first and the last millisecond that the text means.
func parseMoment(s string) (from, to time.Time, err *paramError) {
	if day, e := time.ParseInLocation(time.DateOnly, s, layers.Beijing); e == nil {
		return day.UTC(), day.AddDate(0, 0, 1).Add(-time.Millisecond).UTC(), nil
	}
	t, e := time.Parse(time.RFC3339Nano, lostPlus.ReplaceAllString(strings.ToUpper(s), "$1+$2"))
	if e != nil || t.Year() < 1 {
		return from, to, &paramError{"not a time or an interval of times", "RFC 3339, e.g. 2026-07-01T08:00:00Z, 2026-07-01T00:00:00Z/.. or 2026-07-01"}
	}
	t = t.UTC().Truncate(time.Millisecond)
	if t.IsZero() { // the zero time means an open end
		t = t.Add(time.Millisecond)
	}
	return t, t, nil
}
