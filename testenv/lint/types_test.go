package lint

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// typed is a package of this module with its types, without its tests.
type typed struct {
	pkg   string // "gateway/resp"
	set   *token.FileSet
	of    *types.Package
	files []*ast.File
	info  *types.Info
}

// typedRooms are all of them.
var typedRooms = sync.OnceValues(func() ([]*typed, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "./...")
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	var ours []listed
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, "evergate/") && len(p.GoFiles) > 0 {
			ours = append(ours, p)
		}
	}
	set := token.NewFileSet()
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var all []*typed
	for _, p := range ours {
		t := newTyped(strings.TrimPrefix(p.ImportPath, "evergate/"), set)
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				return nil, err
			}
			t.files = append(t.files, f)
		}
		if err := t.check(from); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})

// typesOf returns the packages of this module with their types.
func typesOf(t *testing.T) []*typed {
	t.Helper()
	all, err := typedRooms()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// file returns the name of the file of a position.
func (t *typed) file(pos token.Pos) string { return filepath.Base(t.set.Position(pos).Filename) }

func newTyped(pkg string, set *token.FileSet) *typed {
	return &typed{pkg: pkg, set: set, info: &types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}}
}

func (t *typed) check(from types.Importer) (err error) {
	config := types.Config{Importer: from}
	t.of, err = config.Check("evergate/"+t.pkg, t.set, t.files, t.info)
	return err
}

// Import returns the package itself to its importers.
func (t *typed) Import(string) (*types.Package, error) { return t.of, nil }

// ofTexts returns a room with the texts of its files, a.go, b.go and so on, which may import another one.
func ofTexts(t *testing.T, from *typed, pkg string, texts ...string) *typed {
	t.Helper()
	room := newTyped(pkg, token.NewFileSet())
	for i, text := range texts {
		f, err := parser.ParseFile(room.set, string(rune('a'+i))+".go", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		room.files = append(room.files, f)
	}
	if err := room.check(from); err != nil {
		t.Fatal(err)
	}
	return room
}
