package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evergate/routing"
)

// Only routing's table describes commands: others ask a row for its ID, its Family or its traits. A name that is
// compared elsewhere is a rule about commands that the table does not show.

// otherWords are words that a file compares and that are also names of commands, with their meaning there.
var otherWords = map[string]string{
	"gateway/dial/dial.go CLIENT":                "what the gateway itself has sent when it set up a connection",
	"gateway/dial/dial.go PING":                  "what the gateway itself has sent when it set up a connection",
	"gateway/config/validate.go sentinel":        "a word of the setting facade",
	"gateway/config/validate_facade.go cluster":  "a word of the setting facade",
	"gateway/config/validate_facade.go sentinel": "a word of the setting facade",
	"gateway/status/servers.go memory":           "a section of INFO",
	"gateway/access/log.go reset":                "an option of ACL LOG",
	"gateway/access/rules.go reset":              "a rule of a user",
	"gateway/admin/filter.go type":               "an option of CLIENT LIST and CLIENT KILL",
	"gateway/admin/filter.go pubsub":             "a type of clients for CLIENT LIST and CLIENT KILL",
	"gateway/local/hello.go auth":                "an option of HELLO",
	"gateway/trace/record.go auth":               "an option of HELLO and MIGRATE",
	"gateway/certs/explain.go PROXY":             "how a header of a load balancer begins",
	"gateway/retry/kind.go READONLY":             "the first word of an error",
}

func TestNamesOfCommandsStandInRouting(t *testing.T) {
	consts := map[string]map[string]string{}
	all := sources(t)
	for _, s := range all {
		if consts[s.pkg] == nil {
			consts[s.pkg] = map[string]string{}
		}
		s.constants(consts[s.pkg])
	}
	needed := map[string]bool{}
	for _, s := range all {
		if s.isTest() || s.pkg != "gateway" && !strings.HasPrefix(s.pkg, "gateway/") {
			continue
		}
		for _, c := range s.comparedNames(consts[s.pkg]) {
			word := s.pkg + "/" + s.name + " " + c.text
			if needed[word] = true; otherWords[word] == "" {
				t.Errorf("%s: the name of the command %q is compared; a trait or an ID of its row tells it", s.at(c.pos), c.text)
			}
		}
	}
	for word := range otherWords {
		if !needed[word] {
			t.Errorf("nothing compares %s any more", word)
		}
	}
}

func TestNamesCanFail(t *testing.T) {
	const text = `package x
const flush = "SCRIPT|flush"
var kinds = map[string]int{"publish": 1, "other": 2}
var list = []string{"get"}
func f(name string, word []byte, c *Command) bool {
	switch name {
	case "ping", "no command":
	}
	switch string(word) {
	case "client|kill":
	}
	return name == "exec" || "Quit" != name || name == flush || slices.Contains([]string{"multi", "x"}, name) ||
		strings.HasPrefix(name, "cluster|") || strings.EqualFold(name, "HELLO") || resp.IsWord(word, "auth") ||
		name == "GETS" || name == c.Name || f("set")
}
`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{pkg: "gateway/x", name: "x.go", file: file, set: set}
	consts := map[string]string{}
	s.constants(consts)
	var got []string
	for _, c := range s.comparedNames(consts) {
		got = append(got, c.text)
	}
	want := []string{
		"publish", "ping", "client|kill", "exec", "Quit", "SCRIPT|flush", "multi", "cluster|", "HELLO", "auth",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// constants adds the texts of a file's constants by their names.
func (s *source) constants(into map[string]string) {
	for _, d := range s.file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if i < len(value.Values) {
					if text, ok := literal(value.Values[i]); ok {
						into[name.Name] = text
					}
				}
			}
		}
	}
}

// comparedNames returns the names of commands that a file compares, or has as keys of a map.
func (s *source) comparedNames(consts map[string]string) (found []words) {
	take := func(among ...ast.Expr) {
		for _, e := range among {
			text, ok := literal(e)
			if name, is := e.(*ast.Ident); is {
				text, ok = consts[name.Name]
			}
			if ok && isCommand(text) {
				found = append(found, words{e.Pos(), text})
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				take(n.X, n.Y)
			}
		case *ast.CaseClause:
			take(n.List...)
		case *ast.CallExpr:
			if comparers[called(n)] {
				for _, arg := range n.Args {
					if list, ok := arg.(*ast.CompositeLit); ok {
						take(list.Elts...)
					}
				}
				take(n.Args...)
			}
		case *ast.CompositeLit:
			if _, ok := n.Type.(*ast.MapType); ok {
				for _, e := range n.Elts {
					if pair, ok := e.(*ast.KeyValueExpr); ok {
						take(pair.Key)
					}
				}
			}
		}
		return true
	})
	return found
}

// comparers are functions that compare their arguments.
var comparers = map[string]bool{
	"Contains": true, "Index": true, "Equal": true, "EqualFold": true, "HasPrefix": true, "HasSuffix": true,
	"CutPrefix": true, "CutSuffix": true, "TrimPrefix": true, "IsWord": true,
}

// called returns the name of the called function, without its package.
func called(n *ast.CallExpr) string {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// literal returns the text of a string, or of one that is converted to bytes.
func literal(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.CallExpr:
		if _, bytes := e.Fun.(*ast.ArrayType); bytes && len(e.Args) == 1 {
			return literal(e.Args[0])
		}
	}
	return "", false
}

// isCommand reports whether the table has a row of this name, in any case, or a container that it begins with.
func isCommand(text string) bool {
	var args [][]byte
	for word := range strings.SplitSeq(strings.TrimSuffix(text, "|"), "|") {
		args = append(args, []byte(word))
	}
	if len(args) > 2 {
		return false
	}
	return routing.Lookup(args) != nil || routing.OfSentinel(args[0]) != nil
}

// TestFramesAreReadInResp: only resp parses frames of servers and clients, and only topology and routing parse servers'
// texts. Any room may read the first byte, the kind of a reply.
func TestFramesAreReadInResp(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || s.pkg == "gateway/resp" || s.pkg != "gateway" && !strings.HasPrefix(s.pkg, "gateway/") {
			continue
		}
		for _, c := range s.takenApart() {
			t.Errorf("%s: %s takes a frame or a server's text apart", s.at(c.pos), c.text)
		}
	}
}

func TestFramesCanFail(t *testing.T) {
	const text = `package x
func f(reply []byte, words []string) {
	_, _, _ = bytes.Cut(reply, []byte("\r\n"))
	_ = strings.Contains(string(reply), "\n_\r\n")
	for range strings.Lines(string(reply)) {
	}
	_ = reply[1] == '-'
	_, _ = reply[0], words[1]
	_ = strings.Contains(string(reply), "plain")
}
`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{pkg: "gateway/x", name: "x.go", file: file, set: set}
	var got []string
	for _, c := range s.takenApart() {
		got = append(got, c.text)
	}
	if want := []string{"Cut", "Contains", "Lines", "reply[1]"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// cutters are functions that may search for ends of lines.
var cutters = []string{"Contains", "Count", "Cut", "Index", "LastIndex", "Split", "SplitAfter", "SplitN", "SplitSeq"}

// takenApart returns the places where a file searches for ends of lines, or reads a byte of a reply after the first.
func (s *source) takenApart() (found []words) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := called(n)
			atLines := slices.ContainsFunc(n.Args, func(e ast.Expr) bool {
				text, ok := literal(e)
				return ok && strings.ContainsAny(text, "\r\n")
			})
			if name == "Lines" || slices.Contains(cutters, name) && atLines {
				found = append(found, words{n.Pos(), name})
			}
		case *ast.IndexExpr:
			of, named := n.X.(*ast.Ident)
			at, fixed := n.Index.(*ast.BasicLit)
			if named && fixed && of.Name == "reply" && at.Value != "0" {
				found = append(found, words{n.Pos(), of.Name + "[" + at.Value + "]"})
			}
		}
		return true
	})
	return found
}
