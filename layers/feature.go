package layers

import (
	"time"

	"github.com/twpayne/go-geom"
)

// Feature is one row of a layer at one version. It is immutable: whoever needs
// another one makes a copy.
type Feature struct {
	ID         string         // the department's own string
	Num        int64          // stable integer of at most 53 bits, the id in tiles
	Version    Position       // position of the change that made it, or of the reset that its layer came with; never 0
	Updated    time.Time      // time of that change
	Geometry   geom.T         // CRS84; nil for a null geometry
	Properties map[string]any // by attribute name; a missing key is null
}

// Name returns the feature's label by the schema's name role, or its id.
func (f *Feature) Name(s Schema) string {
	if a, ok := s.ByRole(RoleName); ok {
		if name, _ := f.Properties[a.Name].(string); name != "" {
			return name
		}
	}
	return f.ID
}
