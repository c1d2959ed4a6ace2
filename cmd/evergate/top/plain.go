package top

import (
	"strings"
	"time"
)

// Plain is what is known as a table without escape sequences, for a program or a file: services, nodes and failovers.
// columns bounds its lines; 0: none are cut.
func (s *Screen) Plain(columns int) string {
	var b strings.Builder
	write := func(lines []line) {
		for _, l := range lines {
			b.WriteString(l.render(columns, Bare))
			b.WriteByte('\n')
		}
	}
	// Without a time of its own, nothing is shown that only a person who watches needs.
	none := time.Time{}
	write(s.serviceTable().lines(s.serviceRows(none), columns, order{column: natural}))
	if rows := s.nodeRows(); len(rows) > 0 {
		write([]line{{}})
		write(s.nodeTable().lines(rows, columns, order{column: natural}))
	}
	if rows := s.failoverRows(none); len(rows) > 0 {
		write([]line{{}})
		write(s.failoverTable().lines(rows, columns, order{column: natural}))
	}
	return b.String()
}
