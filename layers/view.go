package layers

// View is what a reader may see. Three fixed views exist; access control will
// compute others. The zero View sees nothing.
type View struct {
	name  string
	write bool
	sees  func(*Layer) bool
}

var (
	// Public sees the layers that are open to society.
	Public = View{name: "public", sees: func(l *Layer) bool { return l.Open }}
	// Official sees all layers but those that are not shared.
	Official = View{name: "official", sees: func(l *Layer) bool { return l.Sharing != NotShared }}
	// Writer is Official that may also write.
	Writer = View{name: "writer", write: true, sees: Official.sees}
	// Owner sees and writes everything. It is for our own machinery and the
	// operator's command line, never for a request from outside.
	Owner = View{name: "owner", write: true, sees: func(*Layer) bool { return true }}
)

// Name returns the view's name for logs and for the session document.
func (v View) Name() string { return v.name }

// CanWrite reports whether the view may edit what it sees.
func (v View) CanWrite() bool { return v.write }

// Sees reports whether the view may read the layer at all.
func (v View) Sees(l *Layer) bool { return v.sees != nil && v.sees(l) }

// Class names what the view sees of a layer that it sees: two views of the same
// class get the same bytes, so caches and shared frames are keyed by it.
func (v View) Class(*Layer) string { return "full" }
