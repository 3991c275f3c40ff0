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

// isInteger tells whether a key is also the feature's number.
func isInteger(keyType string) bool {
	return keyType == "smallint" || keyType == "integer" || keyType == "bigint"
}

// numOf numbers a feature of a table that has no number: 53 bits, which a browser's
// numbers hold, so that two of a million meet once in twenty thousand tables.
func numOf(id string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return int64(h.Sum64() >> 11)
}
