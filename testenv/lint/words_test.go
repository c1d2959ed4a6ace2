package lint

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// One word has one meaning, and where the field has a word it is that one. The words of an earlier dialect are gone
// from everything that users read; names in the sources may only get fewer of them.

const (
	glossaryPage     = "docs/internals/glossary.md"
	glossaryWordsMax = 20
	oldNamesFile     = "oldnames.txt"
)

// oldNames maps a word of the old dialect, in the singular, to what a name says today.
var oldNames = map[string]string{
	"again": "retry", "ample": "write coalescing", "crowd": "watchers", "door": "listener", "doubt": "suspect",
	"doubted": "suspect", "errand": "admin request", "face": "emulated role", "feed": "subscription connection",
	"flight": "in flight", "former": "demoted", "ghost": "stale connection", "hop": "redirect", "lane": "connection",
	"leaving": "draining", "mangle": "poison", "mute": "reply mode", "muted": "reply mode", "park": "block",
	"parked": "blocked", "people": "count", "pin": "dedicate", "pinned": "dedicated", "postpone": "pause",
	"postponed": "paused", "said": "text, logged, reported", "say": "report", "spoil": "poison",
	"spread": "broadcast", "standin": "placeholder", "story": "history", "stories": "histories", "tell": "emit, report",
	"teller": "reporter", "telling": "reporting", "ticket": "pending request", "told": "emitted, reported",
	"torn": "truncated", "urgent": "bypass", "walk": "scan", "walked": "scanned",
}

// oldProse finds the words of the old dialect in texts for users. A request is "in flight" as everywhere.
var oldProse = regexp.MustCompile(`(?i)\b(lanes?|tickets?|flights|parked|park|doors?|feeds|errands?|ghosts?|` +
	`stand-ins?|mangled?|spoilt|crowd|torn|doubted|urgent|hops|postponed?|tells?|told|said|done again)\b`)

// filePath is a file of the sources that a page names.
var filePath = regexp.MustCompile("`[a-z_/]+\\.go`")

// historyPages are pages that name old words on purpose.
var historyPages = []string{"CHANGELOG.md"}

func TestGlossaryIsShort(t *testing.T) {
	rows := regexp.MustCompile(`(?m)^\| [^|]+ \| [^|]+ \|$`).FindAllString(checkoutFile(t, glossaryPage), -1)
	if n := len(rows) - 1; n < 10 || n > glossaryWordsMax { // the first row is the head of the table
		t.Errorf("%s has %d words, at most %d are allowed: use the field's words", glossaryPage, n, glossaryWordsMax)
	}
}

func TestOldWordsAreGoneFromTheDocs(t *testing.T) {
	for _, path := range docFiles(t) {
		if slices.Contains(historyPages, path) {
			continue
		}
		line := 0
		for text := range strings.Lines(checkoutFile(t, path)) {
			line++
			if word := oldProse.FindString(filePath.ReplaceAllString(text, "")); word != "" {
				t.Errorf("%s:%d: %q is a word of the old dialect: %s", path, line, word, strings.TrimSpace(text))
			}
		}
	}
}

// textRooms are the packages whose texts users read: help, logs, errors, INFO and reports.
var textRooms = []string{"cmd", "gateway", "routing", "topology", "testenv/drill", "testenv/servers"}

func TestOldWordsAreGoneFromTexts(t *testing.T) {
	seen := 0
	for _, s := range sources(t) {
		if s.isTest() || !within(textRooms, s.pkg) {
			continue
		}
		for _, text := range s.texts() {
			seen++
			if word := oldProse.FindString(strings.ReplaceAll(text.text, "_", " ")); word != "" {
				t.Errorf("%s: %q is a word of the old dialect: %q", s.at(text.pos), word, text.text)
			}
		}
	}
	if seen < 1000 {
		t.Errorf("the sources have only %d texts", seen)
	}
}

// texts returns the strings of a file that consist of several words, except texts of panics.
func (s *source) texts() (found []words) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			return called(n) != "panic"
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && strings.ContainsAny(text, " _") {
				found = append(found, words{n.Pos(), text})
			}
		}
		return true
	})
	return found
}

// names returns those that a file declares: of functions, types, fields, variables and constants, and its own.
func (s *source) names() (found []string) {
	found = append(found, strings.TrimSuffix(s.name, ".go"))
	take := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if name, ok := e.(*ast.Ident); ok {
				found = append(found, name.Name)
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			take(n.Name)
		case *ast.TypeSpec:
			take(n.Name)
		case *ast.Field:
			for _, name := range n.Names {
				take(name)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				take(name)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				take(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				take(n.Key, n.Value)
			}
		}
		return true
	})
	return found
}

// oldWordsOf finds the words of the old dialect in a name. A standard term of several words is none: in flight, try
// again, stand-by.
func oldWordsOf(name string) (found []string) {
	parts := wordPattern.FindAllString(name, -1)
	before := ""
	for _, word := range parts {
		word = strings.ToLower(word)
		switch {
		case before == "in" && word == "flight", before == "try" && word == "again":
		case before == "stand" && (word == "in" || word == "ins"):
			found = append(found, "standin")
		case oldNames[word] != "":
			found = append(found, word)
		case oldNames[strings.TrimSuffix(word, "s")] != "":
			found = append(found, strings.TrimSuffix(word, "s"))
		}
		before = word
	}
	return found
}

// oldNameIn is a word of the old dialect in the names of a room.
type oldNameIn struct{ word, room string }

// TestOldNamesOnlyBecomeFewer compares the names in the sources with oldnames.txt: how many of a room have an old word.
// With -rewrite it writes that file: a count may move to another room, as code does, but no word may gain any.
func TestOldNamesOnlyBecomeFewer(t *testing.T) {
	has, examples := map[oldNameIn]int{}, map[oldNameIn]string{}
	for _, s := range sources(t) {
		for _, name := range s.names() {
			for _, word := range oldWordsOf(name) {
				at := oldNameIn{word, s.pkg}
				has[at]++
				examples[at] = name
			}
		}
	}
	allowed := readOldNames(t)
	if *rewrite {
		rewriteOldNames(t, has, allowed)
		return
	}
	const advice = "go test -run OldNames ./testenv/lint -rewrite"
	for at, n := range has {
		if n > allowed[at] {
			t.Errorf("%s: %d names have %q (as %s), %d are allowed: say %s; after a move of code: %s",
				at.room, n, at.word, examples[at], allowed[at], oldNames[at.word], advice)
		}
	}
	for at := range allowed {
		if has[at] == 0 {
			t.Errorf("%s: no name has %q any more: %s", at.room, at.word, advice)
		}
	}
}

func readOldNames(t *testing.T) map[oldNameIn]int {
	t.Helper()
	text, err := os.ReadFile(oldNamesFile)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[oldNameIn]int{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var at oldNameIn
		var n int
		if _, err := fmt.Sscan(lines.Text(), &at.word, &at.room, &n); err != nil || n == 0 {
			t.Fatalf("%s: %q is not WORD ROOM COUNT", oldNamesFile, lines.Text())
		}
		counts[at] = n
	}
	return counts
}

func rewriteOldNames(t *testing.T, has, allowed map[oldNameIn]int) {
	t.Helper()
	sums := map[string]int{}
	for at, n := range allowed {
		sums[at.word] += n
	}
	for at, n := range has {
		sums[at.word] -= n
	}
	for word, left := range sums {
		if left < 0 {
			t.Fatalf("%d names more than before have %q: say %s", -left, word, oldNames[word])
		}
	}
	var lines []string
	for at, n := range has {
		lines = append(lines, fmt.Sprintf("%s %s %d\n", at.word, at.room, n))
	}
	slices.Sort(lines)
	if err := os.WriteFile(oldNamesFile, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOldWordsCanFail(t *testing.T) {
	for text, want := range map[string]string{
		"the lane is parked": "lane", "2 writes in flight": "", "lost_lanes": "lanes", "it was told": "told",
		"park_time": "park", "flight": "", "flights": "flights", "a story": "", "a standby": "",
	} {
		if got := oldProse.FindString(strings.ReplaceAll(text, "_", " ")); got != want {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	}
	for name, want := range map[string][]string{
		"inFlight": nil, "flightOf": {"flight"}, "laneLog": {"lane"}, "LanesLost": {"lane"}, "tryAgainPause": nil,
		"doAgain": {"again"}, "sendStandIns": {"standin"}, "StandBy": nil, "plane": nil, "planes": nil, "saidAt": {"said"},
		"parked_for": {"parked"},
	} {
		if got := oldWordsOf(name); !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", name, got, want)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(oldNames)) {
		if strings.ToLower(word) != word || len(wordPattern.FindAllString(word, -1)) != 1 {
			t.Errorf("%q is not one word", word)
		}
	}
}
