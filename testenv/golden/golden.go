// Package golden replays scripts: directives, and under each directive its own effects.
//
//	# A comment.
//	say c1 GET k
//	connected a
//	    a <- GET k
//
// A line that begins with four spaces is an effect of the directive above it; a directive without such a line has no
// effect. Comments and empty lines are kept.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the effects that the directives have now; a person reads the diff")

const indent = "    "

// Scripts replays all files that match pattern, each in a subtest. begin prepares one script; the function that it
// returns executes a directive and returns its effects, one a line. With the flag -rewrite the files are written
// instead of compared.
func Scripts(t *testing.T, pattern string, begin func(t *testing.T) (run func(directive string) string)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := Replay(string(want), begin(t))
			line, differs := Difference(string(want), got)
			switch {
			case !differs:
			case !*rewrite:
				t.Errorf("%s:%d: %s", path, line, excerpt(got, line))
			default:
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// File compares a text with a file. With the flag -rewrite the file is written instead.
func File(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", path, got, want)
	}
}

// Replay returns a script with the effects that run returns for its directives.
func Replay(script string, run func(directive string) string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, indent) {
			continue
		}
		out.WriteString(line + "\n")
		if !isDirective(line) {
			continue
		}
		for effect := range strings.Lines(run(line)) {
			out.WriteString(indent + strings.TrimSuffix(effect, "\n") + "\n")
		}
	}
	return out.String()
}

// Directives returns the directives of a script.
func Directives(script string) (all []string) {
	for line := range strings.Lines(script) {
		if line = strings.TrimSuffix(line, "\n"); isDirective(line) {
			all = append(all, line)
		}
	}
	return all
}

func isDirective(line string) bool {
	return line != "" && line[0] != '#' && !strings.HasPrefix(line, indent)
}

// Difference returns the number of the first line that differs, counted from 1.
func Difference(want, got string) (line int, differs bool) {
	if want == got {
		return 0, false
	}
	wants := strings.Split(want, "\n")
	for i, text := range strings.Split(got, "\n") {
		if i == len(wants) || text != wants[i] {
			return i + 1, true
		}
	}
	return len(wants), true
}

// excerpt returns a line of the replayed script with the lines around it.
func excerpt(got string, line int) string {
	const around = 5
	lines := strings.Split(got, "\n")
	text := "played otherwise from here (-rewrite writes it down):\n"
	for i := max(line-1-around, 0); i < min(line+around, len(lines)); i++ {
		mark := "  "
		if i == line-1 {
			mark = "> "
		}
		text += mark + lines[i] + "\n"
	}
	return text
}
