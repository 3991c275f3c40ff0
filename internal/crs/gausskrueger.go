package crs

import "math"

// gaussKrueger is the transverse Mercator projection of CGCS2000, by Krüger's series to
// the sixth order (Karney 2011): exact to nanometres within some thousand kilometres of
// the central meridian.
type gaussKrueger struct{ meridian, falseEasting float64 }

// The ellipsoid of CGCS2000, and what follows from it.
const (
	flattening = 1 / 298.257222101
	third      = flattening / (2 - flattening) // the third flattening, n
)

var (
	eccentricity = math.Sqrt(flattening * (2 - flattening))
	// rectifying is the radius of a circle as long as a meridian.
	rectifying = radius / (1 + third) * (1 + third*third/4*(1+third*third/16*(1+third*third/4)))

	alpha = [6]float64{
		series(1./2, -2./3, 5./16, 41./180, -127./288, 7891./37800),
		series(0, 13./48, -3./5, 557./1440, 281./630, -1983433./1935360),
		series(0, 0, 61./240, -103./140, 15061./26880, 167603./181440),
		series(0, 0, 0, 49561./161280, -179./168, 6601661./7257600),
		series(0, 0, 0, 0, 34729./80640, -3418889./1995840),
		series(0, 0, 0, 0, 0, 212378941./319334400),
	}
	beta = [6]float64{
		series(1./2, -2./3, 37./96, -1./360, -81./512, 96199./604800),
		series(0, 1./48, 1./15, -437./1440, 46./105, -1118711./3870720),
		series(0, 0, 17./480, -37./840, -209./4480, 5569./90720),
		series(0, 0, 0, 4397./161280, -11./504, -830251./7257600),
		series(0, 0, 0, 0, 4583./161280, -108847./3991680),
		series(0, 0, 0, 0, 0, 20648693./638668800),
	}
)

// series is a polynomial in the third flattening, from its first power on.
func series(terms ...float64) (sum float64) {
	power := 1.0
	for _, t := range terms {
		power *= third
		sum += t * power
	}
	return sum
}

func (g gaussKrueger) forward(lon, lat float64) (x, y float64) {
	l := math.Remainder(lon-g.meridian, 360) * rad
	tan := math.Tan(max(-89.99999999, min(89.99999999, lat)) * rad)
	sigma := math.Sinh(eccentricity * math.Atanh(eccentricity*tan/math.Hypot(1, tan)))
	conformal := tan*math.Hypot(1, sigma) - sigma*math.Hypot(1, tan)
	xi, eta := math.Atan2(conformal, math.Cos(l)), math.Asinh(math.Sin(l)/math.Hypot(conformal, math.Cos(l)))
	north, east := xi, eta
	for j, a := range alpha {
		k := float64(2 * (j + 1))
		north += a * math.Sin(k*xi) * math.Cosh(k*eta)
		east += a * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	return rectifying*east + g.falseEasting, rectifying * north
}

func (g gaussKrueger) inverse(x, y float64) (lon, lat float64) {
	xi, eta := y/rectifying, (x-g.falseEasting)/rectifying
	north, east := xi, eta
	for j, b := range beta {
		k := float64(2 * (j + 1))
		north -= b * math.Sin(k*xi) * math.Cosh(k*eta)
		east -= b * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	conformal := math.Sin(north) / math.Hypot(math.Sinh(east), math.Cos(north))
	tan := conformal // Newton's way from the conformal latitude to the geographic one
	for range 8 {
		sigma := math.Sinh(eccentricity * math.Atanh(eccentricity*tan/math.Hypot(1, tan)))
		have := tan*math.Hypot(1, sigma) - sigma*math.Hypot(1, tan)
		step := (conformal - have) / math.Hypot(1, have) * (1 + (1-eccentricity*eccentricity)*tan*tan) / ((1 - eccentricity*eccentricity) * math.Hypot(1, tan))
		if tan += step; math.Abs(step) < 1e-16*max(1, math.Abs(tan)) {
			break
		}
	}
	return g.meridian + math.Atan2(math.Sinh(east), math.Cos(north))/rad, math.Atan(tan) / rad
}
