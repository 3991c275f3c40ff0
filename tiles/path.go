package tiles

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onemap/layers"
)

// MaxLayers is how many layers a composite tile may have.
const MaxLayers = 64

// ParseZXY reads the last three segments of a tile's path. The last one may end
// in .mvt or .pbf. Only plain decimal numbers are accepted, so that a tile has
// one URL. What is no number is Invalid; a tile that is not there is NotFound.
func ParseZXY(z, x, y string) (Coord, error) {
	return parseCoord(xyz, z, x, trimSuffix(y))
}

// ParseMatrix reads the last three segments of a tile's path in OGC API Tiles.
func ParseMatrix(tileMatrix, tileRow, tileCol string) (Coord, error) {
	return parseCoord(coordNames{"tileMatrix", "tileCol", "tileRow"}, tileMatrix, tileCol, tileRow)
}

// coordNames are how a path calls a tile's numbers.
type coordNames struct{ z, x, y string }

var xyz = coordNames{"z", "x", "y"}

func parseCoord(as coordNames, z, x, y string) (Coord, error) {
	var c Coord
	for _, part := range []struct {
		field, text string
		value       *int
	}{{as.z, z, &c.Z}, {as.x, x, &c.X}, {as.y, y, &c.Y}} {
		n, err := strconv.ParseUint(part.text, 10, 31)
		if errors.Is(err, strconv.ErrRange) {
			n, err = math.MaxInt32, nil // a number, but of no tile
		} else if err == nil && strconv.FormatUint(n, 10) != part.text {
			err = strconv.ErrSyntax
		}
		if err != nil {
			return Coord{}, noTile(layers.Invalid, part.field, part.text, "not a tile number", "a whole number without sign or leading zeros")
		}
		*part.value = int(n)
	}
	return c, c.check(as)
}

// ParsePath reads "{layer}[,{layer}…]/{z}/{x}/{y}[.mvt|.pbf]".
func ParsePath(path string) ([]string, Coord, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 4 {
		return nil, Coord{}, noTile(layers.Invalid, "path", path, "not the path of a tile", "layer/z/x/y")
	}
	ids, err := ParseLayers(parts[0])
	if err != nil {
		return nil, Coord{}, err
	}
	c, err := ParseZXY(parts[1], parts[2], parts[3])
	return ids, c, err
}

// ParseLayers reads a list of layer ids separated by commas.
func ParseLayers(list string) ([]string, error) {
	ids := strings.Split(list, ",")
	return ids, checkLayers(ids)
}

func checkLayers(ids []string) error {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return badLayers(strings.Join(ids, ","), "a layer is missing", "layer ids separated by single commas")
	}
	if len(ids) > MaxLayers {
		return badLayers(strconv.Itoa(len(ids))+" layers", "too many", fmt.Sprintf("at most %d in one tile", MaxLayers))
	}
	for i, id := range ids {
		// Two layers of one name are not allowed in a tile (MVT 2.1, 4.1).
		if slices.Contains(ids[:i], id) {
			return badLayers(id, "named twice", "name each layer once")
		}
	}
	return nil
}

func badLayers(value, reason, remedy string) error {
	if r := []rune(value); len(r) > 80 {
		value = string(r[:80]) + "…"
	}
	return &layers.Error{Code: layers.Invalid, Message: "not a list of layers", Violations: []layers.Violation{
		{Field: "layers", Value: value, Reason: reason, Remedy: remedy}}}
}

func trimSuffix(y string) string {
	for _, s := range []string{".mvt", ".pbf"} {
		if rest, ok := strings.CutSuffix(y, s); ok {
			return rest
		}
	}
	return y
}
