package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// screen writes lines, and on a terminal keeps one line below them that is rewritten in place.
type screen struct {
	out io.Writer
	// columns returns the width of the terminal, 0 without one.
	columns func() int

	mu   sync.Mutex
	last string // the text of the line that is rewritten
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, columns: func() int { return 0 }}
	if file, isFile := out.(*os.File); isFile {
		s.columns = func() int { return columnsOf(file) }
	}
	return s
}

// columnsOf returns the width of a terminal, 0 if file is none.
func columnsOf(file *os.File) int {
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
func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == "" {
		return s.out.Write(lines)
	}
	_, err := fmt.Fprintf(s.out, "%s%s%s", clearLine, lines, s.last)
	return len(lines), err
}

func (s *screen) printf(format string, args ...any) { printf(s, format, args...) }

// rates displays the rates of the last second: in place on a terminal, elsewhere as a line if flows.
func (s *screen) rates(text string, flows bool) {
	if s.columns() > 0 {
		s.live(text)
	} else if flows {
		s.printf("%s", text)
	}
}

// live rewrites the line, cut to the width: a wrapped line could not be erased. An empty text removes it.
func (s *screen) live(text string) {
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
