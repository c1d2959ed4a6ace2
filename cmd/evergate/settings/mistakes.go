package settings

import (
	"fmt"
	"slices"
	"strings"
)

// Place is the source of a setting: a line of a file, or a flag or variable by name.
type Place struct {
	file string
	line int
	// name is "flag --x" or "env EVERGATE_X"; empty for a file.
	name string
}

func (p Place) String() string {
	switch {
	case p.name != "":
		return p.name
	case p.file != "" && p.line > 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	}
	return p.file
}

// Mistake is one error in the settings, with its place. Its text never holds a secret.
type Mistake struct {
	At   Place
	Text string
}

// MistakeAt returns a mistake in what is known by a name: a flag, a variable, the command line.
func MistakeAt(name, text string) Mistake { return Mistake{Place{name: name}, text} }

// Mistakes is the error of a command with wrong settings or arguments: exit code 2.
type Mistakes []Mistake

// Error returns a line for each mistake: those of the file in its order, then those of variables, then those of flags.
func (m Mistakes) Error() string {
	sorted := slices.Clone(m)
	slices.SortStableFunc(sorted, func(a, b Mistake) int {
		if a.At.name != b.At.name {
			return strings.Compare(a.At.name, b.At.name)
		}
		return a.At.line - b.At.line
	})
	lines := make([]string, len(sorted))
	for i, mistake := range sorted {
		lines[i] = mistake.Text
		if at := mistake.At.String(); at != "" {
			lines[i] = at + ": " + mistake.Text
		}
	}
	return strings.Join(lines, "\n")
}

// Masked hides everything before an @, where URLs have their passwords.
func Masked(text string) string {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		return "***" + text[at:]
	}
	return text
}
