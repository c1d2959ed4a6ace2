package lint

import (
	"go/ast"
	"strings"
	"testing"
)

const (
	roomLinesMax   = 4000
	typeMethodsMax = 60
)

// unmeasured are rooms that are tables, or tests alone.
var unmeasured = []string{"routing"}

func TestRoomsAndTypesHaveAnEnd(t *testing.T) {
	lines, methods := map[string]int{}, map[string]int{}
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		lines[s.pkg] += strings.Count(string(s.text), "\n")
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				methods[s.pkg+"."+receiver(f)]++
			}
		}
	}
	for _, room := range unmeasured {
		delete(lines, room)
	}
	tooLarge(t, lines, roomLinesMax, "lines")
	tooLarge(t, methods, typeMethodsMax, "methods")
}

func tooLarge(t *testing.T, sizes map[string]int, most int, what string) {
	for name, size := range sizes {
		if size > most {
			t.Errorf("%s has %d %s, %d are the limit", name, size, what, most)
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(f *ast.FuncDecl) string {
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return "?"
		}
	}
}
