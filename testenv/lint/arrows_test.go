package lint

import (
	"go/types"
	"maps"
	"slices"
	"testing"
)

// An arrow goes from a file to another one of its room, something of which it uses: a function, a type, a constant, a
// variable, a method or a field. Where files can be put in an order in which all arrows go down, each of them can be
// read with what is below it alone. How many arrows run back up in the best order that is found is what a room lacks.

// arrowsUpMax is how many arrows of a room may run back up.
const arrowsUpMax = 40

func TestArrowsBetweenFilesGoDown(t *testing.T) {
	for _, room := range typesOf(t) {
		arrows := room.arrows()
		up := upArrows(bestOrder(arrows), arrows)
		if len(up) > arrowsUpMax {
			t.Errorf("%s: %d arrows between files run up, %d are the limit: %v", room.pkg, len(up), arrowsUpMax, up)
		}
	}
}

// arrows are the files that each file of a room uses.
func (t *typed) arrows() map[string]map[string]bool {
	arrows := map[string]map[string]bool{}
	for _, f := range t.files {
		arrows[t.file(f.Pos())] = map[string]bool{}
	}
	for id, used := range t.info.Uses {
		if used.Pkg() == nil || used.Pkg().Path() != "evergate/"+t.pkg || !declared(used) {
			continue
		}
		if from, to := t.file(id.Pos()), t.file(used.Pos()); from != to {
			arrows[from][to] = true
		}
	}
	return arrows
}

// declared reports whether something is declared for its whole room: not within a function.
func declared(o types.Object) bool {
	if o.Parent() == o.Pkg().Scope() {
		return true
	}
	switch o := o.(type) {
	case *types.Var:
		return o.IsField()
	case *types.Func:
		return true
	}
	return false
}

// bestOrder puts files from the top down, so that few arrows run up: each file is moved to where it does the least
// harm, until no move helps.
func bestOrder(arrows map[string]map[string]bool) []string {
	order := slices.Sorted(maps.Keys(arrows))
	slices.SortStableFunc(order, func(a, b string) int { return outdegree(arrows, b) - outdegree(arrows, a) })
	for moved := true; moved; {
		moved = false
		for _, file := range slices.Clone(order) {
			at := slices.Index(order, file)
			best, gain := at, 0
			// Above others file's arrows to them run down, and theirs to it run up; below them it is the other way round.
			for to, sum := at-1, 0; to >= 0; to-- {
				if sum += arrow(arrows, file, order[to]) - arrow(arrows, order[to], file); sum > gain {
					best, gain = to, sum
				}
			}
			for to, sum := at+1, 0; to < len(order); to++ {
				if sum += arrow(arrows, order[to], file) - arrow(arrows, file, order[to]); sum > gain {
					best, gain = to, sum
				}
			}
			if best != at {
				order = slices.Insert(slices.Delete(order, at, at+1), best, file)
				moved = true
			}
		}
	}
	return order
}

// outdegree is how many more arrows leave a file than come to it.
func outdegree(arrows map[string]map[string]bool, file string) int {
	n := len(arrows[file])
	for _, to := range arrows {
		if to[file] {
			n--
		}
	}
	return n
}

// arrow is 1 where there is one.
func arrow(arrows map[string]map[string]bool, from, to string) int {
	if arrows[from][to] {
		return 1
	}
	return 0
}

// upArrows are those from a file to one above it.
func upArrows(order []string, arrows map[string]map[string]bool) (up [][2]string) {
	for i, from := range order {
		for _, to := range order[:i] {
			if arrows[from][to] {
				up = append(up, [2]string{from, to})
			}
		}
	}
	return up
}

func TestArrowsCanFail(t *testing.T) {
	room := ofTexts(t, nil, "x", `package x
type top struct{ m middle }
func (t *top) f() { t.m.g(); bottom() }
`, `package x
type middle struct{ n int }
func (m *middle) g() { m.n = bottom() }
`, `package x
func bottom() int { var t *top; _ = t; return 0 }
`)
	arrows := room.arrows()
	order := bestOrder(arrows)
	if up := upArrows(order, arrows); len(up) != 1 || up[0] != [2]string{"c.go", "a.go"} {
		t.Errorf("in %v run up %v, of %v", order, up, arrows)
	}
}
