package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// place is the source of a setting: a line of a file, or a flag or variable by name.
type place struct {
	file string
	line int
	// name is "flag --x" or "env EVERGATE_X"; empty for a file.
	name string
}

func (p place) String() string {
	switch {
	case p.name != "":
		return p.name
	case p.file != "" && p.line > 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	}
	return p.file
}

// mistake is one error in the settings, with its place. Its text never holds a secret.
type mistake struct {
	at   place
	text string
}

// mistakes is the error of a command with wrong settings or arguments: exit code 2.
type mistakes []mistake

// Error returns a line for each mistake: those of the file in its order, then those of variables, then those of flags.
func (m mistakes) Error() string {
	sorted := slices.Clone(m)
	slices.SortStableFunc(sorted, func(a, b mistake) int {
		if a.at.name != b.at.name {
			return strings.Compare(a.at.name, b.at.name)
		}
		return a.at.line - b.at.line
	})
	lines := make([]string, len(sorted))
	for i, mistake := range sorted {
		lines[i] = mistake.text
		if at := mistake.at.String(); at != "" {
			lines[i] = at + ": " + mistake.text
		}
	}
	return strings.Join(lines, "\n")
}

// printf writes a line for a person. An error means that the terminal is gone, and nobody is left to report it to.
func printf(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

// masked hides everything before an @, where URLs have their passwords.
func masked(text string) string {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		return "***" + text[at:]
	}
	return text
}
