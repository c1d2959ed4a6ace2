package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Every field is changed by the room of its type alone: whoever looks for what changes it reads one room. A value that
// a function makes may be filled in there, field by field, as by a literal; so may a copy.

// writtenElsewhere are the rooms that change fields of another room's types: how many fields, never more than today. An
// entry that is not needed any more is an error.
var writtenElsewhere = map[string]int{
	"topology/decide -> topology": 7,  // a View while it is made
	"topology/watch -> topology":  16, // observations while a text is read

	"cmd/evergate -> gateway/config":             5, // the demo's own service
	"cmd/evergate/settings -> gateway/config":    12,
	"cmd/evergate -> testenv/drill":              1,
	"testenv/drill -> testenv/drill/ledger":      14, // figures while they are gathered
	"testenv/drill -> testenv/drill/report":      1,
	"testenv/drill -> testenv/servers":           2, // a time limit
	"testenv/drill/load -> testenv/drill/ledger": 5,
	"testenv/drill/load -> testenv/servers":      1,
	"testenv/twin -> testenv/servers":            1,
	"testenv/play -> gateway/worker":             14, // what a test leaves out of a Config
	"testenv/sim -> testenv/sim/redis":           1,  // the database of a connection that is dialled
	"testenv/sim -> gateway/worker":              2,
	"testenv/sim/control -> topology":            7, // a View while it is made, or bent
}

func TestFieldsAreChangedInTheirRoom(t *testing.T) {
	found := map[string]map[string]string{}
	for _, room := range typesOf(t) {
		for _, w := range room.writes() {
			key := room.pkg + " -> " + w.room
			if found[key] == nil {
				found[key] = map[string]string{}
			}
			found[key][w.field] = room.place(w.pos)
		}
	}
	for key, fields := range found {
		var all []string
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			all = append(all, fmt.Sprintf("%s (%s)", field, fields[field]))
		}
		if len(fields) > writtenElsewhere[key] {
			t.Errorf("%s: %d fields are changed from elsewhere, %d are allowed: %s", key, len(fields), writtenElsewhere[key],
				strings.Join(all, ", "))
		}
	}
	for key := range writtenElsewhere {
		if len(found[key]) == 0 {
			t.Errorf("%s: no field is changed any more: it needs no entry", key)
		}
	}
}

// fieldWrite is a change of a field of another room's type.
type fieldWrite struct {
	room, field string
	pos         token.Pos
}

// writes finds them in a room.
func (t *typed) writes() (found []fieldWrite) {
	for _, f := range t.files {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				made := t.madeIn(f.Body)
				ast.Inspect(f.Body, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.AssignStmt:
						for _, to := range n.Lhs {
							found = append(found, t.written(to, made)...)
						}
					case *ast.IncDecStmt:
						found = append(found, t.written(n.X, made)...)
					}
					return true
				})
			}
		}
	}
	return found
}

// madeIn are the variables of a function that point to what it has made itself.
func (t *typed) madeIn(body *ast.BlockStmt) map[types.Object]bool {
	made := map[types.Object]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || assign.Tok != token.DEFINE || len(assign.Lhs) != len(assign.Rhs) {
			return true
		}
		for i, value := range assign.Rhs {
			if name, ok := assign.Lhs[i].(*ast.Ident); ok && makes(value) {
				made[t.info.Defs[name]] = true
			}
		}
		return true
	})
	return made
}

// makes reports whether an expression is a pointer to something new.
func makes(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		_, literal := e.X.(*ast.CompositeLit)
		return e.Op == token.AND && literal
	case *ast.CallExpr:
		return called(e) == "new"
	}
	return false
}

// written gives the field that an assignment to an expression changes, where it is another room's.
func (t *typed) written(e ast.Expr, made map[types.Object]bool) []fieldWrite {
	var outer *ast.SelectorExpr
	for shared := false; ; {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
			continue
		case *ast.IndexExpr:
			shared = shared || !isArray(t.info.TypeOf(x.X))
			e = x.X
			continue
		case *ast.StarExpr:
			shared = true
			e = x.X
			continue
		case *ast.SelectorExpr:
			selection := t.info.Selections[x]
			if selection == nil || selection.Kind() != types.FieldVal {
				return nil // a variable of a package
			}
			if outer == nil {
				outer = x
			}
			shared = shared || selection.Indirect()
			e = x.X
			continue
		case *ast.Ident:
			if outer == nil || !shared || made[t.info.Uses[x]] {
				return nil
			}
		}
		break
	}
	if outer == nil {
		return nil
	}
	field := t.info.Selections[outer].Obj()
	if field.Pkg() == nil || field.Pkg().Path() == "evergate/"+t.pkg ||
		!strings.HasPrefix(field.Pkg().Path(), "evergate/") {
		return nil
	}
	room := strings.TrimPrefix(field.Pkg().Path(), "evergate/")
	return []fieldWrite{{room, t.ownerOf(outer) + "." + field.Name(), outer.Pos()}}
}

func isArray(t types.Type) bool {
	_, is := t.Underlying().(*types.Array)
	return is
}

// ownerOf is the type that has the field which an expression selects, embedded or not.
func (t *typed) ownerOf(e *ast.SelectorExpr) string {
	selection := t.info.Selections[e]
	owner := selection.Recv()
	for _, i := range selection.Index()[:len(selection.Index())-1] {
		owner = pointed(owner).Underlying().(*types.Struct).Field(i).Type()
	}
	if named, ok := pointed(owner).(*types.Named); ok {
		return named.Obj().Name()
	}
	return "?"
}

func pointed(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// place is a place in the sources, for people.
func (t *typed) place(pos token.Pos) string {
	at := t.set.Position(pos)
	return fmt.Sprintf("%s:%d", t.file(pos), at.Line)
}

func TestFieldsCanFail(t *testing.T) {
	const below = `package below
type Inner struct{ N int; List []int }
type T struct{ Inner; Next *T; A [2]int }
`
	const above = `package above
import "evergate/below"
type own struct{ t *below.T; v below.T }
func f(p *below.T, v below.T, o *own) {
	p.N = 1
	p.Next.A[0]++
	v.Next.List[0] = 2
	o.v.List = nil
	made, n := &below.T{}, new(below.T)
	made.N, n.N, v.N, v.A[1] = 1, 2, 3, 4
	o.t = made
	local := p.Inner
	local.N = p.N
}
`
	lower := ofTexts(t, nil, "below", below)
	upper := ofTexts(t, lower, "above", above)
	var got []string
	for _, w := range upper.writes() {
		got = append(got, w.room+" "+w.field)
	}
	if want := []string{"below Inner.N", "below T.A", "below Inner.List", "below Inner.List"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
