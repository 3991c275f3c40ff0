package cql2

import "math"

// numeric makes the function of a checked number. All arithmetic is in IEEE doubles; what
// is no finite number is null.
func numeric(e Expr) numberOf {
	switch e := e.(type) {
	case *Literal:
		if n, ok := e.Value.(int64); ok {
			return constant(float64(n))
		}
		return constant(e.Value.(float64))
	case *Property:
		if e.of == Number {
			return property[float64](e.Name)
		}
		whole := integer(e)
		return func(r Row) (float64, bool) {
			n, ok := whole(r)
			return float64(n), ok
		}
	}
	c := e.(*Call)
	a, b, apply := numeric(c.Args[0]), numeric(c.Args[1]), arithmetic[c.Op]
	return func(r Row) (float64, bool) {
		x, ok := a(r)
		if !ok {
			return 0, false
		}
		y, ok := b(r)
		if !ok {
			return 0, false
		}
		f := apply(x, y)
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	}
}

var arithmetic = map[Op]func(a, b float64) float64{
	Plus:   func(a, b float64) float64 { return a + b },
	Minus:  func(a, b float64) float64 { return a - b },
	Times:  func(a, b float64) float64 { return a * b },
	Over:   func(a, b float64) float64 { return a / b },
	Modulo: math.Mod, // the sign of the dividend
	Div:    func(a, b float64) float64 { return math.Trunc(a / b) },
	Power:  math.Pow,
}

func integer(e Expr) integerOf {
	if l, ok := e.(*Literal); ok {
		return constant(l.Value.(int64))
	}
	return property[int64](e.(*Property).Name)
}
