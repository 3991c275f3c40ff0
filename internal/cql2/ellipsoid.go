package cql2

import "math"

// vector is a place on the sphere of radius 1, or a direction.
type vector [3]float64

// vectors are the places of coordinates in degrees.
func vectors(flat []float64, stride int) []vector {
	all := make([]vector, 0, len(flat)/max(stride, 1))
	for i := 0; i+1 < len(flat); i += stride {
		if flat[i] != flat[i] || flat[i+1] != flat[i+1] { // how WKB writes an empty point
			continue
		}
		sinLon, cosLon := math.Sincos(flat[i] * math.Pi / 180)
		sinLat, cosLat := math.Sincos(flat[i+1] * math.Pi / 180)
		all = append(all, vector{cosLat * cosLon, cosLat * sinLon, sinLat})
	}
	return all
}

func (v vector) dot(w vector) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }
func (v vector) plus(w vector) vector { return vector{v[0] + w[0], v[1] + w[1], v[2] + w[2]} }
func (v vector) times(f float64) vector {
	return vector{v[0] * f, v[1] * f, v[2] * f}
}

// cross is the cross product, computed so that that of two near places is exact too.
func (v vector) cross(w vector) vector {
	s, d := v.plus(w), w.plus(v.times(-1))
	return vector{(s[1]*d[2] - s[2]*d[1]) / 2, (s[2]*d[0] - s[0]*d[2]) / 2, (s[0]*d[1] - s[1]*d[0]) / 2}
}

func (v vector) unit() vector {
	length := math.Sqrt(v.dot(v))
	if length == 0 {
		return v
	}
	return v.times(1 / length)
}

func (v vector) angle(w vector) float64 {
	n := v.cross(w)
	return math.Atan2(math.Sqrt(n.dot(n)), v.dot(w))
}

// WGS 84, in metres. CGCS2000 differs by a tenth of a millimetre at the poles.
const (
	equatorialRadius = 6_378_137.0
	flattening       = 1 / 298.257223563
	polarRadius      = equatorialRadius * (1 - flattening)
	farthest         = 20_003_931.458623 // half a meridian
)

// ellipsoidal is the distance of two places along the ellipsoid in metres, by T.
// Vincenty, Survey Review XXIII (1975), which is right to a tenth of a millimetre.
// Where his iteration does not end, which is within about 70 km of the opposite end
// of the earth, it is taken for half a meridian.
func ellipsoidal(v, w vector) float64 {
	reduced := func(v vector) (sin, cos float64) {
		t := (1 - flattening) * v[2]
		c := math.Hypot(v[0], v[1])
		h := math.Hypot(t, c)
		return t / h, c / h
	}
	sinU1, cosU1 := reduced(v)
	sinU2, cosU2 := reduced(w)
	// The difference of longitude, from the places themselves: near ones keep all digits.
	l := math.Atan2(v[0]*(w[1]-v[1])-v[1]*(w[0]-v[0]), v[0]*w[0]+v[1]*w[1])
	lambda := l
	for range 100 {
		sinL, cosL := math.Sincos(lambda)
		// Written so that it keeps its digits where the latitudes are near.
		across := cosU1*sinU2 - sinU1*cosU2 + 2*sinU1*cosU2*math.Pow(math.Sin(lambda/2), 2)
		sinS := math.Hypot(cosU2*sinL, across)
		cosS := sinU1*sinU2 + cosU1*cosU2*cosL
		if sinS == 0 && cosS > 0 {
			return 0
		}
		sigma := math.Atan2(sinS, cosS)
		sinA := cosU1 * cosU2 * sinL / sinS
		cos2A := 1 - sinA*sinA
		cos2M := 0.0
		if cos2A > 0 {
			cos2M = cosS - 2*sinU1*sinU2/cos2A
		}
		c := flattening / 16 * cos2A * (4 + flattening*(4-3*cos2A))
		next := l + (1-c)*flattening*sinA*(sigma+c*sinS*(cos2M+c*cosS*(2*cos2M*cos2M-1)))
		if math.Abs(next) > math.Pi || math.IsNaN(next) {
			break
		}
		if math.Abs(next-lambda) > 1e-12 {
			lambda = next
			continue
		}
		u2 := cos2A * (equatorialRadius*equatorialRadius - polarRadius*polarRadius) / (polarRadius * polarRadius)
		a := 1 + u2/16384*(4096+u2*(-768+u2*(320-175*u2)))
		b := u2 / 1024 * (256 + u2*(-128+u2*(74-47*u2)))
		delta := b * sinS * (cos2M + b/4*(cosS*(2*cos2M*cos2M-1)-b/6*cos2M*(4*sinS*sinS-3)*(4*cos2M*cos2M-3)))
		return polarRadius * a * (sigma - delta)
	}
	return farthest
}
