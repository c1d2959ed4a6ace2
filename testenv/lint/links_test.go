package lint

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Everything that the docs refer to must exist: links and their anchors, flags, variables, folders and files.

var (
	// fenced is a block of code of a Markdown file.
	fenced = regexp.MustCompile("(?ms)^```.*?^```$")
	// link is the target of a link or an image, in Markdown or HTML.
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
)

// anchors returns the anchors of a file's headings, made as the usual renderers of Markdown make them.
func anchors(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		name = strings.ReplaceAll(name, " ", "-")
		anchor := name
		for n := 1; slices.Contains(all, anchor); n++ {
			anchor = fmt.Sprintf("%s-%d", name, n)
		}
		all = append(all, anchor)
	}
	return all
}

// brokenLinks returns what is wrong with the links of a text at a path.
func brokenLinks(at, text string) (wrong []string) {
	for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		target := m[1] + m[2]
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		file, anchor, hasAnchor := strings.Cut(target, "#")
		there := at
		if file != "" {
			there = path.Join(path.Dir(at), file)
		}
		found, err := os.ReadFile(filepath.Join("..", "..", there))
		if file == "" {
			found, err = []byte(text), nil
		}
		if state, statErr := os.Stat(filepath.Join("..", "..", there)); statErr == nil && state.IsDir() {
			err = nil
		}
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("%s: the link %s leads nowhere", at, target))
		case hasAnchor && !slices.Contains(anchors(string(found)), anchor):
			wrong = append(wrong, fmt.Sprintf("%s: the link %s names no heading; the headings of that file are: %s", at,
				target, strings.Join(anchors(string(found)), ", ")))
		}
	}
	return wrong
}

func TestDocsLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, at := range docFiles(t) {
		text := checkoutFile(t, at)
		links += len(link.FindAllString(text, -1))
		for _, wrong := range brokenLinks(at, text) {
			t.Error(wrong)
		}
	}
	if links < 50 {
		t.Errorf("the docs have only %d links", links)
	}
	for _, broken := range []string{"[a](nowhere.md)", "[a](LICENSE#no-such-heading)", "# One\n[a](#two)",
		`<img src="no.svg">`} {
		if len(brokenLinks("README.md", broken)) != 1 {
			t.Errorf("%q is not found to be broken", broken)
		}
	}
	if wrong := brokenLinks("README.md", "# A `b` c\n# A b c\n[x](#a-b-c-1) [y](docs/) [z](LICENSE)"); wrong != nil {
		t.Error(wrong)
	}
}

// TestDocsEveryPageIsLinked fails for a page without a link to it.
func TestDocsEveryPageIsLinked(t *testing.T) {
	linked := map[string]bool{"README.md": true}
	for _, at := range docFiles(t) {
		for _, m := range link.FindAllStringSubmatch(checkoutFile(t, at), -1) {
			file, _, _ := strings.Cut(m[1]+m[2], "#")
			linked[path.Join(path.Dir(at), file)] = true
		}
	}
	for _, at := range docFiles(t) {
		if !linked[at] {
			t.Errorf("no page links to %s", at)
		}
	}
}

// code matches text between backticks in a line.
var code = regexp.MustCompile("`([^`\n]+)`")

// foreign are programs whose flags are not ours.
var foreign = []string{"redis-cli", "redis-server", "docker", "python3", "go", "git", "systemctl", "sha256sum",
	"apt-get"}

// codeOf returns the pieces of code of a text: spans, and the lines of its blocks.
func codeOf(text string) (pieces []string) {
	for _, block := range fenced.FindAllString(text, -1) {
		pieces = append(pieces, strings.Split(block, "\n")...)
	}
	for _, span := range code.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		pieces = append(pieces, span[1])
	}
	return slices.DeleteFunc(pieces, func(piece string) bool {
		words := strings.Fields(piece)
		return len(words) == 0 || slices.Contains(foreign, words[0])
	})
}

// helpFlags returns the names of all flags of the binary's commands.
func helpFlags(t *testing.T) (names []string) {
	t.Helper()
	for _, command := range []string{"run", "check", "demo", "drill", "config", "healthcheck", "reload", "top",
		"version"} {
		help, err := evergate(t, command, "--help")
		if err != nil {
			t.Fatal(help, err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s+(?:-[a-z], )?--([a-z-]+)`).FindAllStringSubmatch(help, -1) {
			names = append(names, m[1])
		}
	}
	return names
}

var (
	namedFlag     = regexp.MustCompile(`(?:^|[\s'("])--([a-z][a-z-]*)`)
	namedVariable = regexp.MustCompile(`\bEVERGATE_([A-Z_]+)\b`)
	namedPath     = regexp.MustCompile(`(?:^|[\s./])((?:cmd|docs|examples|gateway|routing|testenv|topology)/[\w./-]*)`)
)

func TestDocsFlagsExist(t *testing.T) {
	flags := helpFlags(t)
	variables := checkoutFile(t, "docker-compose.cluster.yml") + checkoutFile(t, "Makefile")
	passwords := []string{"PASSWORD", "FACADE_PASSWORD", "UPSTREAM_PASSWORD", "SENTINEL_PASSWORD", "ADMIN_PASSWORD"}
	clients, _ := filepath.Glob("../../testenv/clients/python/*.py")
	for _, at := range docFiles(t) {
		for _, piece := range codeOf(checkoutFile(t, at)) {
			for _, m := range namedFlag.FindAllStringSubmatch(piece, -1) {
				if !slices.Contains(flags, m[1]) && !(m[1] == "straight" && len(clients) > 0) {
					t.Errorf("%s: no command has the flag --%s (%s)", at, m[1], piece)
				}
			}
			for _, m := range namedVariable.FindAllStringSubmatch(piece, -1) {
				flag := strings.ToLower(strings.ReplaceAll(m[1], "_", "-"))
				if !slices.Contains(flags, flag) && !slices.Contains(passwords, m[1]) && !strings.Contains(variables, m[0]) {
					t.Errorf("%s: nothing reads the variable %s", at, m[0])
				}
			}
		}
	}
}

func TestDocsPathsExist(t *testing.T) {
	for _, at := range docFiles(t) {
		if at == "CHANGELOG.md" {
			continue // a page about the past
		}
		for _, piece := range codeOf(checkoutFile(t, at)) {
			for _, m := range namedPath.FindAllStringSubmatch(piece, -1) {
				if _, err := os.Stat(filepath.Join("..", "..", strings.TrimSuffix(m[1], "/..."))); err != nil {
					t.Errorf("%s: %s is not there", at, m[1])
				}
			}
		}
	}
}

// dialect are words of the project's own that have a standard term; the glossary may explain them. Code is not looked
// at: the names of settings, fields and messages are what they are.
var dialect = regexp.MustCompile(`(?i)\b(lanes?|tickets?|park(s|ed|ing)?|done again|pinn?(s|ed|ing)?|walks?|doors?|` +
	`faces?|errands?|ghosts?|mangled?|spoil(s|ed)?|mutes?|stand-ins?|tell(s|ing)?|told|crowds?|urgent|torn|doubted)\b`)

func TestDocsSpeakTheFieldsWords(t *testing.T) {
	for _, at := range docFiles(t) {
		if at == "ARCHITECTURE.md" || at == "docs/internals/glossary.md" {
			continue
		}
		text := code.ReplaceAllString(fenced.ReplaceAllString(checkoutFile(t, at), ""), "")
		for _, word := range dialect.FindAllString(text, -1) {
			t.Errorf("%s: %q is a word of our own: use the field's, or explain it in docs/internals/glossary.md", at, word)
		}
	}
}

// TestDocsTablesHaveTheirColumns fails for a row that has more or fewer cells than its head, as one with an unescaped
// bar has.
func TestDocsTablesHaveTheirColumns(t *testing.T) {
	for _, at := range docFiles(t) {
		columns := 0
		for _, line := range strings.Split(fenced.ReplaceAllString(checkoutFile(t, at), ""), "\n") {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if columns == 0 {
				columns = n
			}
			if n != columns {
				t.Errorf("%s: a row has %d cells, its head has %d: %s", at, n-1, columns-1, line)
			}
		}
	}
}

const glossaryMax = 20

func TestDocsGlossaryIsShort(t *testing.T) {
	if n := strings.Count(checkoutFile(t, "docs/internals/glossary.md"), "\n| ") - 1; n > glossaryMax || n < 1 {
		t.Errorf("the glossary has %d words, at most %d are allowed: use the field's", n, glossaryMax)
	}
}
