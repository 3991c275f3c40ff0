package layers

import (
	"math"
	"math/big"
	"slices"
)

// Tally is what a function knows of a group so far.
type Tally struct {
	N        int64     // values, without nulls
	Sum      float64   // of doubles
	High     int64     // of whole numbers, the sum of their upper 32 bits
	Low      int64     // and that of their lower ones
	Extreme  any       // the least or the greatest
	Quantile float64   // as a database computed it; then nothing is added any more
	lost     float64   // what rounding took from Sum (Neumaier)
	values   []float64 // of which a quantile is to be found
}

// SetWhole sets the sum of whole numbers.
func (t *Tally) SetWhole(sum *big.Int) {
	high := new(big.Int).Rsh(sum, 32)
	t.High = high.Int64()
	t.Low = new(big.Int).Sub(sum, new(big.Int).Lsh(high, 32)).Int64()
}

// whole returns the sum of whole numbers, which may be more than 64 bits.
func (t *Tally) whole() *big.Int {
	sum := new(big.Int).Lsh(big.NewInt(t.High), 32)
	return sum.Add(sum, big.NewInt(t.Low))
}

func (t *Tally) add(f *Function, v any) {
	t.N++
	switch f.Op {
	case Sum, Avg:
		switch v := v.(type) {
		case int64:
			t.High, t.Low = t.High+v>>32, t.Low+v&math.MaxUint32
		case float64:
			t.plus(v)
		}
	case Min, Max:
		t.extreme(f, v)
	case Quantile:
		switch v := v.(type) {
		case int64:
			t.values = append(t.values, float64(v))
		case float64:
			t.values = append(t.values, v)
		}
	}
}

// plus adds a double and keeps what is lost by it, so that the order in which many are
// added does not show in the sum.
func (t *Tally) plus(v float64) {
	sum := t.Sum + v
	if math.Abs(t.Sum) >= math.Abs(v) {
		t.lost += (t.Sum - sum) + v
	} else {
		t.lost += (v - sum) + t.Sum
	}
	t.Sum = sum
}

func (t *Tally) extreme(f *Function, v any) {
	if c := Compare(v, t.Extreme); t.Extreme == nil || f.Op == Min && c < 0 || f.Op == Max && c > 0 {
		t.Extreme = v
	}
}

func (t *Tally) merge(f *Function, other *Tally) {
	if other.N == 0 {
		return
	}
	t.N += other.N
	t.High, t.Low = t.High+other.High, t.Low+other.Low
	t.plus(other.Sum)
	t.Quantile = other.Quantile
	if other.Extreme != nil {
		t.extreme(f, other.Extreme)
	}
}

// value is the function's, nil if there is none.
func (t *Tally) value(f *Function) any {
	if f.Op == Count {
		return t.N
	}
	if t.N == 0 {
		return nil
	}
	var v float64
	switch f.Op {
	case Min, Max:
		if zero, ok := t.Extreme.(float64); ok {
			return zero + 0
		}
		return t.Extreme
	case Quantile:
		if v = t.Quantile; t.values != nil {
			slices.Sort(t.values)
			v = quantile(t.values, f.P)
		}
	case Sum, Avg:
		v = t.Sum + t.lost
		if f.Whole() {
			sum := t.whole()
			if f.Op == Sum && sum.IsInt64() {
				return sum.Int64()
			}
			v, _ = new(big.Float).SetInt(sum).Float64()
		}
		if f.Op == Avg {
			v /= float64(t.N)
		}
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return v + 0
}

// quantile finds what a share p of the sorted values is below, between two of them by
// linear interpolation. It computes what PostgreSQL's percentile_cont does.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	below := math.Floor(at)
	low, high := sorted[int(below)], sorted[int(math.Ceil(at))]
	return low + float64((at-below)*(high-low)) // rounded, on every processor
}
