package tiles

import "math/bits"

const (
	pageRows = 4096
	wordRows = 64
)

// dead says which rows of a run are no more: they were deleted, or a later run
// has them. It is immutable, so that a tile being made sees one state; a change
// copies the pages that it touches.
type dead struct {
	pages []*deadPage // nil where all rows live
	count int
}

type deadPage struct {
	words [pageRows / wordRows]uint64
	count int
}

func (d *dead) has(row int) bool {
	if d.count == 0 {
		return false
	}
	p := d.pages[row/pageRows]
	return p != nil && p.words[row%pageRows/wordRows]&(1<<(row%wordRows)) != 0
}

// in counts the dead rows from lo up to hi.
func (d *dead) in(lo, hi int) int {
	if d.count == 0 {
		return 0
	}
	n := 0
	for lo < hi {
		p, end := d.pages[lo/pageRows], min(hi, (lo/pageRows+1)*pageRows)
		switch {
		case p == nil:
		case end-lo == pageRows:
			n += p.count
		default:
			for row := lo; row < end; row = (row/wordRows + 1) * wordRows {
				word := p.words[row%pageRows/wordRows] >> (row % wordRows)
				if left := end - row; left < wordRows-row%wordRows {
					word &= 1<<left - 1
				}
				n += bits.OnesCount64(word)
			}
		}
		lo = end
	}
	return n
}

func (p *deadPage) or(o *deadPage) *deadPage {
	out := new(deadPage)
	for i, word := range p.words {
		out.words[i] = word | o.words[i]
		out.count += bits.OnesCount64(out.words[i])
	}
	return out
}

// deadEdit makes the next state of a dead, and copies a page once.
type deadEdit struct {
	dead
	rows int
	mine map[int]bool
}

func (d dead) edit(rows int) deadEdit { return deadEdit{dead: d, rows: rows} }

func (e *deadEdit) kill(row int) {
	if e.has(row) {
		return
	}
	n := row / pageRows
	if e.mine == nil {
		pages := make([]*deadPage, (e.rows+pageRows-1)/pageRows)
		copy(pages, e.pages)
		e.pages, e.mine = pages, map[int]bool{}
	}
	if !e.mine[n] {
		p := new(deadPage)
		if e.pages[n] != nil {
			*p = *e.pages[n]
		}
		e.pages[n], e.mine[n] = p, true
	}
	e.pages[n].words[row%pageRows/wordRows] |= 1 << (row % wordRows)
	e.pages[n].count++
	e.count++
}

// since calls visit with each row that died after an earlier state.
func (d *dead) since(before *dead, visit func(row int)) {
	if d.count == before.count {
		return
	}
	for n, p := range d.pages {
		var was *deadPage
		if n < len(before.pages) {
			was = before.pages[n]
		}
		if p == was {
			continue
		}
		for i, word := range p.words {
			if was != nil {
				word &^= was.words[i]
			}
			for ; word != 0; word &= word - 1 {
				visit(n*pageRows + i*wordRows + bits.TrailingZeros64(word))
			}
		}
	}
}
