package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"onemap/layers"
)

func TestA503NamesTheCauseAsFarAsItWasWrittenForPeople(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.7:5432: refused")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&layers.Error{Code: layers.Unavailable, Message: "query layer x: the database does not answer", Cause: cause}, "query layer x: the database does not answer; try again in a moment"},
		{layers.Errorf(layers.Unavailable, "commit: %w", cause), "the server can't answer just now; try again in a moment"},
	} {
		p, header := problemOf(c.err)
		if p.Status != http.StatusServiceUnavailable || p.Detail != c.want || header.Get("Retry-After") != "1" || strings.Contains(p.Detail, "10.0.0.7") {
			t.Errorf("%v became %+v %v", c.err, p, header)
		}
	}
}
