package tiles

// tree is a packed tree of boxes: each level has the bounds of every treeNode
// boxes of the one below. The rows are in the order of a space-filling curve, so
// neighbours in the list are neighbours on the map.
type tree [][]box

const treeNode = 16

func plant(boxes []box) tree {
	var t tree
	for level := boxes; len(level) > treeNode; level = t[len(t)-1] {
		above := make([]box, 0, (len(level)+treeNode-1)/treeNode)
		for i := 0; i < len(level); i += treeNode {
			b := level[i]
			for _, o := range level[i+1 : min(i+treeNode, len(level))] {
				b = b.and(o)
			}
			above = append(above, b)
		}
		t = append(t, above)
	}
	return t
}

// search calls visit with each box that meets the rectangle, in their order.
func (t tree) search(boxes []box, r rect, visit func(row int)) {
	t.choose(boxes, func(b box) bool { return b.meets(r) }, visit)
}

// choose calls visit with each box that is wanted, in their order. Whoever wants a
// box wants what holds it.
func (t tree) choose(boxes []box, wanted func(box) bool, visit func(row int)) {
	top := boxes
	if len(t) > 0 {
		top = t[len(t)-1]
	}
	t.descend(boxes, len(t), 0, len(top), wanted, visit)
}

// descend looks at the nodes lo to hi of a level; level 0 is the boxes.
func (t tree) descend(boxes []box, level, lo, hi int, wanted func(box) bool, visit func(row int)) {
	nodes := boxes
	if level > 0 {
		nodes = t[level-1]
	}
	for i := lo; i < min(hi, len(nodes)); i++ {
		switch {
		case !wanted(nodes[i]):
		case level == 0:
			visit(i)
		default:
			t.descend(boxes, level-1, i*treeNode, (i+1)*treeNode, wanted, visit)
		}
	}
}

func (t tree) size() (n int64) {
	for _, level := range t {
		n += 16 * int64(len(level))
	}
	return n
}
