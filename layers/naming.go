package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxName = 63 // characters, of a layer id and of an attribute name

// ProposeID makes an id of a file's, table's or department's name. A name in
// Latin letters keeps them; any other, such as a Chinese one, becomes what it is
// the name of ("layer") and a hash: a transcription would have to guess readings,
// the hash is the same on every machine, and the title keeps the name.
func ProposeID(what, name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			b.WriteByte('-')
		default:
			sum := sha256.Sum256([]byte(name))
			return what + "-" + hex.EncodeToString(sum[:4])
		}
	}
	id := strings.Trim(b.String(), "-_")
	if len(id) > maxName {
		id = strings.TrimRight(id[:maxName], "-_")
	}
	if id == "" {
		return what
	}
	return id
}

// ProposeNames makes attribute names of column names, in order. Names that
// are fine stay; the others lose what no attribute name may hold, and a number
// tells apart what became equal.
func ProposeNames(columns []string) []string {
	names := make([]string, len(columns))
	taken := map[string]bool{}
	for _, r := range Reserved {
		taken[r] = true
	}
	for i, c := range columns {
		base := proposeName(c)
		name := base
		for n := 1; taken[strings.ToLower(name)]; n++ {
			suffix := fmt.Sprintf("_%d", n)
			name = shorten(base, maxName-len(suffix)) + suffix
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

func proposeName(column string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(column) {
		switch {
		case unicode.IsLetter(r) || r == '_':
			b.WriteRune(r)
		case unicode.IsNumber(r) || unicode.IsMark(r):
			if b.Len() == 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('_')
		}
	}
	name := strings.TrimRight(b.String(), "_")
	if name == "" {
		return "attribute"
	}
	return shorten(name, maxName)
}

func shorten(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes])
}

// usualRoles are column names that departments use for what the product joins
// and shows. Compared in lower case, without what stands in brackets.
var usualRoles = []struct {
	role  Role
	names []string
}{
	{RoleName, []string{"name_zh", "name", "名称", "单位名称", "企业名称", "机构名称", "title", "标题"}},
	{RoleNameEn, []string{"name_en", "英文名", "英文名称"}},
	{RoleDivision, []string{"division", "division_code", "adcode", "行政区划代码", "区划代码", "行政区划编码"}},
	{RoleCreditCode, []string{"credit_code", "统一社会信用代码", "社会信用代码"}},
	{RoleAddress, []string{"address", "地址", "详细地址", "住所"}},
}

// ProposeRole returns the role that a column of this name and type usually has,
// and notes it, because no two attributes may have one role.
func ProposeRole(column string, t DataType, taken map[Role]bool) Role {
	if t != String {
		return ""
	}
	for _, u := range usualRoles {
		if !taken[u.role] && slices.Contains(u.names, PlainName(column)) {
			taken[u.role] = true
			return u.role
		}
	}
	return ""
}

// PlainName reduces a column name to what is compared: "经度（°）" is "经度".
func PlainName(column string) string {
	column = strings.ToLower(strings.TrimSpace(column))
	if i := strings.IndexAny(column, "(（[【"); i > 0 {
		column = strings.TrimSpace(column[:i])
	}
	return column
}
