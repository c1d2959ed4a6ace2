// Package lint holds the sources and the docs to what is promised of them.
package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// room is a row of the table of rooms: what a package may know.
type room struct {
	// ours are the packages of this module that it may import, without the module's name.
	ours []string
	// modules are the foreign modules that it may import.
	modules []string
	// pure says: no I/O, no goroutine, no lock, no clock of its own.
	pure bool
	// raw allows package unsafe in a pure room.
	raw bool
	// timeless forbids even time as a value.
	timeless bool
}

const (
	redconModule = "github.com/tidwall/redcon"
	goRedis      = "github.com/redis/go-redis/v9"
	hdrHistogram = "github.com/HdrHistogram/hdrhistogram-go"
	hclog        = "github.com/hashicorp/go-hclog"
	pflag        = "github.com/spf13/pflag"
	cobra        = "github.com/spf13/cobra"
	yaml         = "go.yaml.in/yaml/v4"
	sys          = "golang.org/x/sys"
	proxyproto   = "github.com/pires/go-proxyproto"
	bubbletea    = "charm.land/bubbletea/v2"
	ansi         = "github.com/charmbracelet/x/ansi"
	prometheus   = "github.com/prometheus/client_golang"
	goSystemd    = "github.com/coreos/go-systemd/v22"
)

// rooms is the whole table: a package without a row is an error. A row without a package is one yet to be built.
var rooms = map[string]room{
	"cmd/evergate/terminal": {modules: []string{sys}},
	"cmd/evergate/manual":   {modules: []string{cobra, pflag}},
	"cmd/evergate/systemd":  {modules: []string{goSystemd}},
	"cmd/evergate/suggest":  {pure: true},
	"gateway/api":           {pure: true},
	"gateway/page":          {},
	"gateway/web":           {ours: []string{"gateway/api"}, modules: []string{hclog}},
	"cmd/evergate/settings": {ours: []string{"gateway/acks", "cmd/evergate/suggest", "gateway/api", "gateway/config",
		"gateway/session"},
		modules: []string{pflag, yaml}},
	"cmd/evergate/logging":     {ours: []string{"gateway/config"}, modules: []string{hclog, goSystemd}},
	"cmd/evergate/adminclient": {ours: []string{"gateway/api", "gateway/config"}},
	"cmd/evergate/top":         {pure: true, ours: []string{"gateway/api"}, modules: []string{ansi}},
	"cmd/evergate": {ours: []string{"cmd/evergate/adminclient", "cmd/evergate/top",
		"cmd/evergate/terminal", "cmd/evergate/suggest", "cmd/evergate/settings",
		"cmd/evergate/logging", "cmd/evergate/systemd", "cmd/evergate/manual",
		"gateway/acks",
		"gateway", "gateway/api", "gateway/config", "testenv/servers", "testenv/drill",
		"testenv/drill/report"},
		modules: []string{hclog, pflag, cobra, sys, bubbletea}},
	"gateway/observe": {ours: []string{"gateway/freshness",
		"gateway/api", "gateway/config", "gateway/latency", "gateway/metrics", "gateway/page",
		"gateway/series", "gateway/status", "gateway/web", "gateway/worker", "topology",
		"topology/decide", "topology/keeper"},
		modules: []string{hclog}},
	"gateway": {ours: []string{"gateway/freshness", "gateway/poller",
		"gateway/acks", "gateway/metrics", "gateway/observe", "gateway/access", "gateway/account",
		"gateway/config", "gateway/policy",
		"gateway/ratelimit",
		"gateway/admin", "gateway/loop", "gateway/maintenance", "gateway/worker", "gateway/outage", "gateway/shared",
		"gateway/upstream", "gateway/pubsub",
		"gateway/fanout",
		"gateway/accept", "gateway/certs", "gateway/dial", "gateway/limits", "gateway/measured", "gateway/api",
		"gateway/descriptors", "gateway/direct", "gateway/gates",
		"gateway/status", "gateway/summary",
		"gateway/resp", "gateway/session", "gateway/sessions",
		"gateway/facade",
		"topology", "topology/watch", "routing"}, modules: []string{hclog}},
	"gateway/descriptors": {ours: []string{"gateway/config", "topology"}, modules: []string{hclog, sys}},
	"gateway/direct": {ours: []string{"gateway/admin", "gateway/config", "gateway/resp", "gateway/status",
		"routing", "topology", "topology/watch"}, modules: []string{hclog}},
	"gateway/gates": {ours: []string{"gateway/access", "gateway/config"}, modules: []string{hclog}},
	"gateway/config": {ours: []string{"gateway/acks", "gateway/accept", "gateway/access", "gateway/api", "gateway/certs",
		"gateway/ratelimit", "gateway/session", "routing"}},
	"gateway/shared": {ours: []string{"gateway/access", "gateway/multi"}},
	"gateway/loop": {ours: []string{"gateway/worker", "gateway/upstream", "gateway/tlsconn"},
		modules: []string{hclog, sys}},
	"gateway/outage": {ours: []string{"gateway/upstream", "topology", "topology/decide"}, modules: []string{hclog}},
	"gateway/worker": {pure: true, ours: []string{"gateway/acks", "gateway/multi", "gateway/transaction",
		"gateway/dedicated",
		"gateway/freshness", "gateway/inquiry", "gateway/clients", "gateway/subscribe", "gateway/policy",
		"gateway/maintenance",
		"gateway/throttle", "gateway/ratelimit", "gateway/account", "gateway/hotkeys", "gateway/slowlog", "gateway/trace",
		"gateway/latency",
		"gateway/pubsub", "gateway/exchange", "gateway/access", "gateway/admin", "gateway/local",
		"gateway/session", "gateway/sessions",
		"gateway/upstream", "gateway/blocks", "gateway/wait", "gateway/facade", "gateway/fanout", "gateway/resp",
		"gateway/catalog", "gateway/retry", "routing", "topology"}},
	"gateway/multi": {pure: true, ours: []string{"gateway/exchange", "gateway/resp", "gateway/retry",
		"gateway/session", "gateway/sessions", "gateway/upstream", "gateway/wait", "routing", "topology"}},
	"gateway/transaction": {pure: true, ours: []string{"gateway/exchange", "gateway/facade", "gateway/catalog",
		"gateway/resp", "gateway/retry", "gateway/session", "gateway/sessions", "gateway/upstream", "gateway/wait",
		"routing"}},
	"gateway/dedicated": {pure: true, ours: []string{"gateway/acks", "gateway/exchange", "gateway/admin", "gateway/local",
		"gateway/resp", "gateway/retry", "gateway/session", "gateway/sessions", "gateway/upstream", "gateway/wait",
		"routing"}},
	"gateway/inquiry": {pure: true, ours: []string{"gateway/exchange", "gateway/catalog", "gateway/facade",
		"gateway/sessions", "gateway/resp", "gateway/upstream", "gateway/wait", "routing"}},
	"gateway/maintenance": {pure: true, ours: []string{"gateway/facade", "gateway/resp", "gateway/session",
		"gateway/sessions", "gateway/wait"}},
	"gateway/clients": {pure: true, ours: []string{"gateway/exchange", "gateway/admin", "gateway/trace", "gateway/fanout",
		"gateway/summary", "gateway/resp", "gateway/retry", "gateway/session", "gateway/sessions", "gateway/wait",
		"routing"}},
	"gateway/policy": {pure: true, ours: []string{"gateway/access", "gateway/exchange", "gateway/local", "gateway/resp",
		"gateway/session", "gateway/sessions", "gateway/wait", "routing"}},
	"gateway/subscribe": {pure: true, ours: []string{"gateway/access",
		"gateway/exchange", "gateway/sessions", "gateway/pubsub", "gateway/fanout",
		"gateway/resp", "gateway/upstream", "gateway/wait", "routing", "topology"}},
	"gateway/account": {pure: true},
	"gateway/acks":    {pure: true, ours: []string{"gateway/resp", "gateway/session", "topology"}},
	"gateway/sessions": {pure: true, ours: []string{"gateway/acks", "gateway/freshness", "gateway/latency",
		"gateway/access", "gateway/account",
		"gateway/upstream", "gateway/downstream", "gateway/local", "gateway/trace",
		"gateway/catalog", "gateway/blocks", "gateway/wait", "gateway/facade", "gateway/fanout", "gateway/resp",
		"gateway/retry", "gateway/session", "routing", "topology"}},
	"gateway/hedge": {pure: true, ours: []string{"gateway/latency"}},
	"gateway/exchange": {pure: true, ours: []string{"gateway/acks", "gateway/access", "gateway/catalog", "gateway/hedge",
		"gateway/freshness", "gateway/latency", "gateway/resp", "gateway/retry",
		"gateway/session", "gateway/sessions", "gateway/upstream", "gateway/wait", "routing", "topology"}},
	"gateway/accept": {ours: []string{"gateway/certs", "gateway/tlsconn"}, modules: []string{hclog, proxyproto}},
	"gateway/dial": {ours: []string{"gateway/certs", "gateway/tlsconn", "gateway/resp", "gateway/session",
		"gateway/upstream",
		"topology", "topology/watch"}, modules: []string{hclog, sys}},
	"gateway/certs":   {modules: []string{hclog}},
	"gateway/limits":  {ours: []string{"gateway/ratelimit"}, modules: []string{hclog}},
	"gateway/tlsconn": {},
	"gateway/access":  {pure: true, ours: []string{"gateway/glob", "gateway/resp", "gateway/session", "routing"}},
	"gateway/admin": {pure: true, ours: []string{"gateway/hotkeys", "gateway/latency", "gateway/resp", "gateway/session",
		"gateway/slowlog", "gateway/summary", "routing"}},
	"gateway/slowlog": {pure: true, ours: []string{"gateway/resp"}},
	"gateway/latency": {pure: true, ours: []string{"gateway/resp"}},
	"gateway/measured": {ours: []string{"gateway/admin", "gateway/api", "gateway/config", "gateway/hotkeys",
		"gateway/latency", "gateway/resp", "gateway/slowlog", "routing"}},
	"gateway/hotkeys": {pure: true, ours: []string{"gateway/resp"}},
	"gateway/local": {pure: true, ours: []string{"gateway/acks", "gateway/access",
		"gateway/admin", "gateway/facade", "gateway/hotkeys", "gateway/resp", "gateway/session",
		"gateway/latency", "gateway/slowlog", "gateway/summary", "routing", "topology"}},
	"gateway/trace":      {pure: true, ours: []string{"gateway/resp", "gateway/session", "routing"}},
	"gateway/facade":     {pure: true, timeless: true, ours: []string{"gateway/resp", "routing"}},
	"gateway/session":    {pure: true},
	"gateway/downstream": {pure: true, timeless: true, ours: []string{"gateway/blocks", "gateway/resp"}},
	"gateway/wait":       {pure: true, ours: []string{"gateway/session"}},
	"gateway/ratelimit":  {pure: true},
	"gateway/freshness":  {pure: true, ours: []string{"topology"}},
	"gateway/poller":     {ours: []string{"gateway/freshness", "topology"}, modules: []string{hclog}},
	"gateway/throttle": {pure: true, ours: []string{"gateway/access", "gateway/exchange", "gateway/ratelimit",
		"gateway/session", "gateway/sessions", "gateway/wait"}},
	"gateway/upstream": {pure: true, ours: []string{"gateway/acks", "gateway/blocks", "gateway/freshness",
		"gateway/latency", "gateway/resp", "gateway/session", "gateway/wait", "topology"}},
	"gateway/pubsub": {pure: true, ours: []string{"gateway/blocks", "gateway/fanout", "gateway/resp", "gateway/retry",
		"gateway/session", "gateway/upstream", "gateway/wait", "routing", "topology"}},
	"gateway/blocks": {pure: true, raw: true, timeless: true},
	"gateway/fanout": {pure: true, ours: []string{"gateway/glob", "gateway/session", "topology"}},
	"gateway/glob":   {pure: true, timeless: true},
	"gateway/resp":   {pure: true, timeless: true, modules: []string{redconModule}},
	"gateway/retry":  {pure: true, ours: []string{"gateway/resp", "routing", "topology"}},
	"gateway/catalog": {pure: true, ours: []string{"gateway/resp", "gateway/retry", "gateway/session", "routing",
		"topology"}},
	"gateway/summary": {pure: true, ours: []string{"gateway/api", "gateway/resp"}},
	"gateway/series":  {pure: true, ours: []string{"gateway/api"}},
	"gateway/metrics": {ours: []string{"gateway/freshness", "gateway/latency", "gateway/api",
		"gateway/worker", "gateway/fanout",
		"gateway/retry", "gateway/sessions", "routing",
		"gateway/session", "gateway/upstream", "gateway/wait"}, modules: []string{prometheus}},
	"gateway/status": {ours: []string{"gateway/freshness", "gateway/hedge",
		"gateway/latency", "gateway/api", "gateway/worker", "gateway/wait",
		"gateway/session",
		"gateway/upstream", "gateway/facade",
		"gateway/fanout", "routing", "topology", "topology/decide"}, modules: []string{hclog, sys}},
	"routing":         {pure: true, timeless: true, ours: []string{"topology"}},
	"topology":        {pure: true},
	"topology/decide": {pure: true, ours: []string{"topology"}},
	"topology/keeper": {ours: []string{"topology", "topology/decide"}},
	"topology/watch": {ours: []string{"topology", "topology/decide", "topology/keeper"},
		modules: []string{goRedis, hclog, sys}},
	"testenv/servers": {modules: []string{goRedis}},
	"testenv/e2e":     {},
	"testenv/lint":    {},
	"testenv/golden":  {},
	"testenv/play": {pure: true, ours: []string{"gateway/admin", "gateway/resp", "gateway/session", "gateway/worker",
		"gateway/upstream", "topology"}},
	"testenv/sim": {pure: true, ours: []string{"gateway/freshness", "gateway/acks",
		"gateway/access", "gateway/admin", "gateway/maintenance", "gateway/worker",
		"gateway/upstream", "gateway/facade", "gateway/session", "gateway/sessions", "gateway/account", "gateway/fanout",
		"gateway/resp", "topology", "testenv/sim/scenario", "testenv/sim/network", "testenv/sim/ledger",
		"testenv/sim/redis", "testenv/sim/sentinel", "testenv/sim/control", "testenv/sim/judge", "testenv/sim/clients",
		"testenv/sim/faults", "testenv/play"}},
	"testenv/sim/faults": {pure: true, ours: []string{"testenv/sim/scenario", "testenv/sim/network", "testenv/sim/redis",
		"testenv/sim/sentinel", "testenv/sim/control", "routing"}},
	"testenv/sim/judge": {pure: true, ours: []string{"testenv/sim/scenario", "testenv/sim/network", "testenv/sim/ledger",
		"testenv/sim/redis", "testenv/sim/sentinel", "gateway/freshness", "gateway/worker", "gateway/session", "routing",
		"topology", "topology/decide"}},
	"testenv/sim/control": {pure: true, ours: []string{"gateway/freshness", "testenv/sim/scenario", "testenv/sim/network",
		"testenv/sim/redis", "testenv/sim/sentinel", "topology", "topology/decide"}},
	"testenv/sim/sentinel": {pure: true, ours: []string{"testenv/sim/scenario", "testenv/sim/network",
		"testenv/sim/redis", "topology"}},
	"testenv/sim/redis": {pure: true, ours: []string{"testenv/sim/scenario", "testenv/sim/network", "testenv/sim/ledger",
		"gateway/glob", "gateway/resp", "gateway/session", "routing", "topology"}},
	"testenv/sim/clients": {pure: true, ours: []string{"testenv/sim/scenario", "testenv/sim/network",
		"testenv/sim/ledger", "gateway/glob", "gateway/resp"}},
	"testenv/sim/ledger":   {pure: true, ours: []string{"testenv/sim/network", "routing"}},
	"testenv/sim/network":  {pure: true, ours: []string{"testenv/sim/scenario"}},
	"testenv/sim/scenario": {pure: true, ours: []string{"gateway/acks", "gateway/worker", "gateway/session"}},
	"testenv/drill": {ours: []string{"testenv/drill/ledger", "testenv/drill/load", "testenv/drill/report",
		"testenv/drill/history", "testenv/servers", "topology"}},
	"testenv/drill/history": {pure: true},
	"testenv/drill/ledger":  {pure: true, modules: []string{hdrHistogram}},
	"testenv/drill/load":    {ours: []string{"testenv/drill/ledger", "testenv/drill/history", "testenv/servers"}},
	"testenv/drill/report":  {pure: true, ours: []string{"testenv/drill/ledger", "testenv/drill/history"}},
	"testenv/suite":         {ours: []string{"gateway/resp", "testenv/servers"}},
	"testenv/twin":          {ours: []string{"testenv/servers"}},
	"testenv/compat":        {ours: []string{"testenv/servers"}},
	"testenv/hostile":       {ours: []string{"testenv/servers"}},
	"testenv/bench": {ours: []string{"gateway/api", "gateway/tlsconn", "testenv/servers"},
		modules: []string{goRedis, sys}},
	"testenv/bench/relay": {modules: []string{sys}},
}

// impure are the parts of the standard library that a pure room may not import, with all below them.
var impure = []string{"net", "os", "syscall", "log", "sync", "context", "runtime", "unsafe", "crypto/rand"}

// clocks are the functions of package time that look at a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// seeded are the parts of math/rand that depend on nothing but a seed.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "NewSource", "Rand", "PCG", "ChaCha8", "Source", "Zipf"}

// emptyNames say nothing about what is inside. The second list is for types only.
var (
	emptyNames     = []string{"manager", "handler", "util", "utils", "common", "helper", "helpers", "core"}
	emptyTypeNames = []string{"data", "info", "context"}
)

const (
	fileLinesMax = 400
	funcLinesMax = 70
	lineRunesMax = 120
)

// long are the files that are tables or one machine, and may be as long as they need; their lines may not.
var long = []string{"routing/table*.go", "gateway/resp/scan.go"}

// source is a parsed file.
type source struct {
	pkg, name string // "gateway/resp", "scan.go"
	text      []byte
	file      *ast.File
	set       *token.FileSet
}

func (s *source) at(pos token.Pos) string {
	return fmt.Sprintf("%s/%s:%d", s.pkg, s.name, s.set.Position(pos).Line)
}

func (s *source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

// isCheck returns whether a file holds the state of its room to what must hold, for tests of several rooms.
func (s *source) isCheck() bool { return s.name == "check.go" || strings.HasPrefix(s.name, "check_") }

// listed is what go list tells of a package.
type listed struct{ ImportPath, Dir string }

func TestArchitectureImports(t *testing.T) {
	for _, s := range sources(t) {
		r, known := rooms[s.pkg]
		if !known {
			t.Errorf("package %s has no row in the table of rooms", s.pkg)
			continue
		}
		if s.isTest() {
			continue
		}
		for _, spec := range s.file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if why := r.refuses(path); why != "" {
				t.Errorf("%s: %s imports %s: %s", s.at(spec.Pos()), s.pkg, path, why)
			}
		}
	}
}

// linked are the rooms of testenv that the binary may hold, for demo and drill.
var linked = []string{"evergate/testenv/servers", "evergate/testenv/drill", "evergate/testenv/drill/ledger",
	"evergate/testenv/drill/load", "evergate/testenv/drill/report", "evergate/testenv/drill/history"}

func TestArchitectureBinaryLinksNoTests(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/evergate")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := 0
	for _, path := range strings.Fields(string(out)) {
		switch {
		case slices.Contains(linked, path):
			found++
		case strings.HasPrefix(path, "evergate/testenv"), path == "testing":
			t.Errorf("the binary links %s", path)
		}
	}
	if found != len(linked) {
		t.Errorf("the binary links %d of %v", found, linked)
	}
}

// refuses returns why a file of the room may not import path; empty when it may.
func (r *room) refuses(path string) string {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case first == "evergate":
		if own := strings.TrimPrefix(path, "evergate/"); !slices.Contains(r.ours, own) {
			return "the arrow is not in the table of rooms"
		}
	case strings.Contains(first, "."):
		if !within(r.modules, path) {
			return "this room may not use that module"
		}
	case r.pure && path == "sync/atomic", r.raw && path == "unsafe":
	case r.pure && within(impure, path):
		return "the room is pure"
	case r.timeless && path == "time":
		return "the room knows no time"
	}
	return ""
}

// within reports whether path is one of roots or lies below one.
func within(roots []string, path string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

func TestArchitecturePureRooms(t *testing.T) {
	for _, s := range sources(t) {
		r := rooms[s.pkg]
		if !r.pure || s.isTest() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a pure room starts a goroutine", s.at(n.Pos()))
			case *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s: a pure room uses a channel", s.at(n.Pos()))
			case *ast.SelectorExpr:
				if why := s.refusesUse(n); why != "" {
					t.Errorf("%s: %s", s.at(n.Pos()), why)
				}
			}
			return true
		})
	}
}

// refusesUse returns why a pure room may not use package.Name.
func (s *source) refusesUse(n *ast.SelectorExpr) string {
	x, ok := n.X.(*ast.Ident)
	if !ok || x.Obj != nil { // a variable of that name, not the package
		return ""
	}
	switch name := n.Sel.Name; {
	case x.Name == "time" && slices.Contains(clocks, name):
		return "a pure room looks at a clock: time." + name
	case x.Name == "rand" && !slices.Contains(seeded, name):
		return "a pure room throws dice without a seed: rand." + name
	case x.Name == "redcon" && !strings.HasPrefix(name, "Append"):
		return "of redcon only the Append functions may be used: its readers can be made to panic"
	}
	return ""
}

func TestArchitectureNames(t *testing.T) {
	for _, s := range sources(t) {
		for _, part := range append(strings.Split(s.pkg, "/"), strings.TrimSuffix(s.name, ".go")) {
			if word := emptyWord(part, emptyNames); word != "" {
				t.Errorf("%s/%s: %q is no name for a package or a file", s.pkg, s.name, word)
			}
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if word := emptyWord(d.Name.Name, emptyNames); word != "" {
					t.Errorf("%s: %q in the name of %s says nothing", s.at(d.Pos()), word, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					named, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					if word := emptyWord(named.Name.Name, slices.Concat(emptyNames, emptyTypeNames)); word != "" {
						t.Errorf("%s: %q in the name of type %s says nothing", s.at(named.Pos()), word, named.Name.Name)
					}
				}
			}
		}
	}
}

var wordPattern = regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`)

// emptyWord finds one of words in a name written in camel case or with underscores.
func emptyWord(name string, words []string) string {
	for _, word := range wordPattern.FindAllString(name, -1) {
		if word = strings.ToLower(word); slices.Contains(words, word) {
			return word
		}
	}
	return ""
}

func TestArchitectureLengths(t *testing.T) {
	for _, s := range sources(t) {
		lines := bytes.Split(bytes.TrimSuffix(s.text, []byte("\n")), []byte("\n"))
		for i, line := range lines {
			if n := utf8.RuneCount(line); n > lineRunesMax {
				t.Errorf("%s/%s:%d: %d characters in a line, %d are the limit", s.pkg, s.name, i+1, n, lineRunesMax)
			}
		}
		if s.isLong() {
			continue
		}
		if len(lines) > fileLinesMax && !s.isTest() {
			t.Errorf("%s/%s: %d lines, %d are the limit", s.pkg, s.name, len(lines), fileLinesMax)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.isTest() {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > funcLinesMax {
				t.Errorf("%s: %s has %d lines, %d are the limit", s.at(f.Pos()), f.Name.Name, n, funcLinesMax)
			}
		}
	}
}

func (s *source) isLong() bool {
	return slices.ContainsFunc(long, func(pattern string) bool {
		match, err := filepath.Match(pattern, s.pkg+"/"+s.name)
		return err == nil && match
	})
}

// TestArchitectureCanFail shows the rules something to refuse: a check that never fails checks nothing.
func TestArchitectureCanFail(t *testing.T) {
	refused := []struct{ pkg, file, path string }{
		{"gateway/resp", "scan.go", "time"},
		{"gateway/resp", "scan.go", "evergate/topology"},
		{"gateway/loop", "loop.go", "evergate/routing"},
		{"gateway/worker", "run.go", "net/netip"},
		{"topology/decide", "state.go", "context"},
		{"routing", "decide.go", redconModule},
		{"cmd/evergate", "main.go", goRedis},
	}
	for _, c := range refused {
		if r := rooms[c.pkg]; r.refuses(c.path) == "" {
			t.Errorf("%s/%s may import %s", c.pkg, c.file, c.path)
		}
	}
	allowed := []struct{ pkg, file, path string }{
		{"gateway/worker", "run.go", "sync/atomic"},
		{"topology/watch", "roles.go", goRedis + "/maintnotifications"},
	}
	for _, c := range allowed {
		if r := rooms[c.pkg]; r.refuses(c.path) != "" {
			t.Errorf("%s/%s may not import %s", c.pkg, c.file, c.path)
		}
	}
	if emptyWord("connManager", emptyNames) != "manager" || emptyWord("committed", emptyNames) != "" {
		t.Error("names are not cut into words")
	}
}

// parsed is what sources gives, read once.
var parsed []*source

// sources parses every Go file of every package of the module, whatever system it is for.
func sources(t *testing.T) []*source {
	t.Helper()
	if parsed != nil {
		return parsed
	}
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []*source
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all = append(all, parse(t, strings.TrimPrefix(p.ImportPath, "evergate/"), name))
		}
	}
	if len(all) == 0 {
		t.Fatal("no source was found")
	}
	parsed = slices.DeleteFunc(all, func(s *source) bool { return s == nil })
	return parsed
}

// parse reads one file; nil when it has gone since it was listed.
func parse(t *testing.T, pkg, path string) *source {
	t.Helper()
	s := &source{pkg: pkg, name: filepath.Base(path), set: token.NewFileSet()}
	var err error
	s.text, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.file, err = parser.ParseFile(s.set, path, s.text, parser.ParseComments)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
