package postgis

import (
	"crypto/md5"
	"encoding/binary"
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

func isInteger(keyType string) bool {
	return keyType == "smallint" || keyType == "integer" || keyType == "bigint"
}

// numOf numbers a feature of a table that has no column for it, in 53 bits, which is
// what a browser's numbers hold: an integer key is its own number, and of others it is
// a hash that PostgreSQL has as well, so that two of a million meet once in ten
// thousand tables.
func (t *table) numOf(id string) int64 {
	if isInteger(t.keyType) {
		if n, ok := integerKey(id); ok && n.(int64) >= 0 && n.(int64) < 1<<53 {
			return n.(int64)
		}
	}
	sum := md5.Sum([]byte(id))
	return int64(binary.BigEndian.Uint64(sum[:]) >> 12)
}
