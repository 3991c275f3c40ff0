package formats

// ShapefilesOf is the format with a limit that a test reaches.
var ShapefilesOf = shapefiles
