package postgis

import (
	"hash/fnv"
	"regexp"
	"strconv"
)

// keyTypes are the types that a key may have, and how an id is written in them.
// Anything else than that text is nobody's id: " 7" and "07" are not "7".
var keyTypes = map[string]func(id string) (any, bool){
	"smallint": integerKey, "integer": integerKey, "bigint": integerKey,
	"uuid": func(id string) (any, bool) { return id, uuidText.MatchString(id) },
	"text": textKey, "character varying": textKey, "bpchar": textKey,
}

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func textKey(id string) (any, bool) { return id, true }

func integerKey(id string) (any, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == id
}

// numOf numbers a feature of a table that has no column for it, in 53 bits, which is
// what a browser's numbers hold: an id that is such a number is its own, others are
// hashed, so that two of a million meet once in twenty thousand tables.
func numOf(id string) int64 {
	if n, ok := integerKey(id); ok && n.(int64) >= 0 && n.(int64) < 1<<53 {
		return n.(int64)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return int64(h.Sum64() >> 11)
}
