package top

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// style is how a text looks. Colours never say anything that the text does not say as well.
type style uint8

const (
	plain style = iota
	faint
	strong
	good
	warn
	bad
	// reversed marks the header, the view and the row that is selected.
	reversed
)

// Palette is how styles become escape sequences.
type Palette uint8

const (
	// Dark and Light are for a terminal's background: both use its own sixteen colours, but yellow cannot be read on
	// white.
	Dark Palette = iota
	Light
	// Bare has no escape sequences.
	Bare
)

// begin is the escape sequence that begins a style (ECMA-48, SGR).
func (p Palette) begin(s style) string {
	if p == Bare {
		return ""
	}
	switch s {
	case faint:
		return "\x1b[2m"
	case strong:
		return "\x1b[1m"
	case good:
		return "\x1b[32m"
	case warn:
		if p == Light {
			return "\x1b[35m"
		}
		return "\x1b[33m"
	case bad:
		return "\x1b[1;31m"
	case reversed:
		return "\x1b[7m"
	default:
		return ""
	}
}

const resetStyle = "\x1b[0m"

// span is a text in one style.
type span struct {
	text  string
	style style
}

// line is a line of the screen.
type line []span

// plainLine is a line in one style.
func plainLine(text string, s style) line { return line{{text, s}} }

// width is how many columns a text takes.
func width(text string) int { return ansi.StringWidth(text) }

// cut shortens a text to a number of columns.
func cut(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	return ansi.Truncate(text, max(columns, 0), "…")
}

// pad brings a text to a number of columns.
func pad(text string, columns int, right bool) string {
	text = cut(text, columns)
	gap := strings.Repeat(" ", max(columns-width(text), 0))
	if right {
		return gap + text
	}
	return text + gap
}

// render writes a line of at most so many columns; 0: without a bound. No control character passes.
func (l line) render(columns int, p Palette) string {
	var b strings.Builder
	left := columns
	for _, s := range l {
		text := printable(s.text)
		if columns > 0 {
			if left <= 0 {
				break
			}
			text = cut(text, left)
			left -= width(text)
		}
		if begin := p.begin(s.style); begin != "" && text != "" {
			text = begin + text + resetStyle
		}
		b.WriteString(text)
	}
	if p == Bare {
		return strings.TrimRight(b.String(), " ")
	}
	return b.String()
}
