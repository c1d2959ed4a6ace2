package lint

import (
	"bytes"
	"go/ast"
	"go/printer"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evergate/topology/decide"
)

// docs/reference/logs.md explains every message of the log, with its level.

const logsPage = "docs/reference/logs.md"

// message is a log message in the sources; level is empty if it depends.
type message struct{ level, text string }

// logLevels are the calls of a logger by their names.
var logLevels = map[string]string{"Trace": "trace", "Debug": "debug", "Info": "info", "Warn": "warn", "Error": "error",
	"Log": ""}

// loggedIn finds the messages that a file logs.
func loggedIn(t *testing.T, s *source) (all []message) {
	t.Helper()
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		method, isMethod := call.Fun.(*ast.SelectorExpr)
		if !isMethod {
			return true
		}
		level, logs := logLevels[method.Sel.Name]
		args := call.Args
		if level == "" && len(args) > 0 {
			args = args[1:] // Log(level, message, ...)
		}
		if logs && len(args) > 0 && strings.Contains(strings.ToLower(textOf(t, s, method.X)), "logger") {
			all = append(all, messagesOf(t, s, level, args[0])...)
		}
		return true
	})
	return all
}

// messagesOf returns the possible messages of the first argument of a call of a logger.
func messagesOf(t *testing.T, s *source, level string, what ast.Expr) (all []message) {
	t.Helper()
	if literal, ok := what.(*ast.BasicLit); ok {
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		return []message{{level, text}}
	}
	if strings.HasSuffix(textOf(t, s, what), ".Kind.String()") {
		for kind := decide.PrimaryFound; kind <= decide.ReceiptGiven; kind++ {
			all = append(all, message{"", kind.String()})
		}
		return all
	}
	for _, d := range s.file.Decls { // one of the sentences among the file's constants
		if group, ok := d.(*ast.GenDecl); ok {
			for _, w := range constantsOf(group) {
				all = append(all, message{level, w})
			}
		}
	}
	if len(all) == 0 {
		t.Errorf("%s: this test cannot tell what is logged: a message is a literal, an event's kind, or a constant of the "+
			"same file", s.at(what.Pos()))
	}
	return all
}

// constantsOf returns the strings with a space among the constants of a declaration.
func constantsOf(group *ast.GenDecl) (texts []string) {
	for _, spec := range group.Specs {
		if values, ok := spec.(*ast.ValueSpec); ok && group.Tok.String() == "const" {
			for _, v := range values.Values {
				if literal, isLiteral := v.(*ast.BasicLit); isLiteral && strings.Contains(literal.Value, " ") {
					texts = append(texts, strings.Trim(literal.Value, `"`))
				}
			}
		}
	}
	return texts
}

// textOf returns the source text of an expression.
func textOf(t *testing.T, s *source, n ast.Expr) string {
	t.Helper()
	var b bytes.Buffer
	if err := printer.Fprint(&b, s.set, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLogsPageExplainsEveryMessage(t *testing.T) {
	logged := map[string][]string{}
	var want []string
	for _, s := range sources(t) {
		if s.isTest() || strings.HasPrefix(s.pkg, "testenv") {
			continue
		}
		for _, m := range loggedIn(t, s) {
			if logged[m.text] == nil {
				want = append(want, m.text)
			}
			logged[m.text] = append(logged[m.text], m.level)
		}
	}
	if len(want) < 40 {
		t.Fatalf("the sources log only %q", want)
	}
	var has []string
	row := regexp.MustCompile("(?m)^\\| (trace|debug|info|warn|error) \\| `([^`]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(checkoutFile(t, logsPage), -1) {
		has = append(has, m[2])
		if levels := logged[m[2]]; levels != nil && !slices.Contains(levels, m[1]) && !slices.Contains(levels, "") {
			t.Errorf("%s says that %q is logged at %s; the sources log it at %v", logsPage, m[2], m[1], levels)
		}
	}
	compareNames(t, logsPage, "log message", has, want)
}
