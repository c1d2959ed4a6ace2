package terminal

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Screen writes lines, and on a terminal keeps one line below them that is rewritten in place.
type Screen struct {
	out io.Writer
	// columns returns the width of the terminal, 0 without one.
	columns func() int

	mu   sync.Mutex
	last string // the text of the line that is rewritten
}

// NewScreen makes a screen; out may be a terminal or anything else.
func NewScreen(out io.Writer) *Screen {
	s := &Screen{out: out, columns: func() int { return 0 }}
	if file, isFile := out.(*os.File); isFile {
		s.columns = func() int { return Columns(file) }
	}
	return s
}

// Columns returns the width of a terminal, 0 if file is none.
func Columns(file *os.File) int {
	if file == nil {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return max(int(size.Col), 1)
}

// clearLine moves to the start of the line and erases it (ECMA-48).
const clearLine = "\r\x1b[K"

// Write writes whole lines above the line that is rewritten: a logger writes here too.
func (s *Screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == "" {
		return s.out.Write(lines)
	}
	_, err := fmt.Fprintf(s.out, "%s%s%s", clearLine, lines, s.last)
	return len(lines), err
}

// Printf writes a line.
func (s *Screen) Printf(format string, args ...any) {
	_, _ = fmt.Fprintf(s, format+"\n", args...)
}

// Rates displays the rates of the last second: in place on a terminal, elsewhere as a line if flows.
func (s *Screen) Rates(text string, flows bool) {
	if s.columns() > 0 {
		s.Live(text)
	} else if flows {
		s.Printf("%s", text)
	}
}

// Live rewrites the line, cut to the width: a wrapped line could not be erased. An empty text removes it.
func (s *Screen) Live(text string) {
	columns := s.columns()
	if columns == 0 {
		return
	}
	if len(text) >= columns {
		text = text[:columns-1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = text
	_, _ = fmt.Fprint(s.out, clearLine+text)
}
