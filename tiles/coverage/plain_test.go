package coverage

import "slices"

// plain grades by the book, slowly: the grade of each place.
func plain(ls []line) map[Vertex]uint8 {
	type pair [2]Vertex
	pairs, junctions := map[Vertex]pair{}, map[Vertex]bool{}
	var rings []line // without repeats, rings with their first vertex at the end
	for _, l := range ls {
		if isPoint(l.vs) {
			continue
		}
		vs := slices.Compact(slices.Clone(l.vs))
		if l.closed {
			for len(vs) > 1 && vs[len(vs)-1] == vs[0] {
				vs = vs[:len(vs)-1]
			}
		}
		n := len(vs)
		for i, v := range vs {
			if !l.closed && (i == 0 || i == n-1) {
				junctions[v] = true
				continue
			}
			p := pair{vs[(i+n-1)%n], vs[(i+1)%n]}
			if p[1].before(p[0]) {
				p[0], p[1] = p[1], p[0]
			}
			if old, ok := pairs[v]; p[0] == p[1] || ok && old != p {
				junctions[v] = true
			}
			pairs[v] = p
		}
		rings = append(rings, line{vs, l.closed})
	}
	grades := map[Vertex]uint8{}
	for _, l := range rings {
		vs := l.vs
		if l.closed {
			start := slices.IndexFunc(vs, func(v Vertex) bool { return junctions[v] })
			if start < 0 {
				smallest := slices.MinFunc(vs, func(a, b Vertex) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				junctions[smallest] = true
				start = slices.Index(vs, smallest)
			}
			vs = append(slices.Concat(vs[start:], vs[:start]), vs[start])
		}
		from := 0
		grades[vs[0]] = 0
		for i := 1; i < len(vs); i++ {
			if junctions[vs[i]] {
				grades[vs[i]] = 0
				plainArc(vs[from:i+1], grades)
				from = i
			}
		}
	}
	return grades
}

func plainArc(vs []Vertex, grades map[Vertex]uint8) {
	n := len(vs)
	if n < 3 {
		return
	}
	if vs[n-1].before(vs[0]) || vs[0] == vs[n-1] && vs[n-2].before(vs[1]) {
		vs = reversed(vs)
	}
	for _, v := range vs[1 : n-1] {
		grades[v] = Never
	}
	for z := Never - 1; z >= 0; z-- {
		limit := DefaultTolerance
		for range max(20-z, z-20) {
			if z < 20 {
				limit *= 2
			} else {
				limit /= 2
			}
		}
		plainSpan(vs, limit, uint8(z), grades)
	}
}

func plainSpan(vs []Vertex, limit float64, z uint8, grades map[Vertex]uint8) {
	far, most := 0, 0.0
	for i, v := range vs[1 : len(vs)-1] {
		if d := distance(v, vs[0], vs[len(vs)-1]); d > most*(1+1e-12) {
			far, most = i+1, d
		}
	}
	if most > limit {
		grades[vs[far]] = z
		plainSpan(vs[:far+1], limit, z, grades)
		plainSpan(vs[far:], limit, z, grades)
	}
}
