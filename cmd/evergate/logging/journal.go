package logging

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/hashicorp/go-hclog"
)

// isJournal reports whether out is standard error and leads to the journal (systemd's JOURNAL_STREAM names it).
func isJournal(out io.Writer) bool {
	if out != os.Stderr {
		return false
	}
	yes, err := journal.StderrIsJournalStream()
	return yes && err == nil
}

// priorities writes lines with the prefix by which the journal knows how severe a line is (sd-daemon(3)).
type priorities struct{ out io.Writer }

// LevelWrite implements hclog.LevelWriter. Each line of a text is an entry of the journal, with a prefix of its own.
func (p priorities) LevelWrite(level hclog.Level, text []byte) (int, error) {
	prefixed := make([]byte, 0, len(text)+len("<0>"))
	for line := range bytes.Lines(text) {
		prefixed = append(fmt.Appendf(prefixed, "<%d>", priority(level)), line...)
	}
	if _, err := p.out.Write(prefixed); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Write takes what has no level.
func (p priorities) Write(text []byte) (int, error) { return p.LevelWrite(hclog.Info, text) }

// priority is that of syslog.
func priority(level hclog.Level) int {
	switch level {
	case hclog.Error:
		return int(journal.PriErr)
	case hclog.Warn:
		return int(journal.PriWarning)
	case hclog.Trace, hclog.Debug:
		return int(journal.PriDebug)
	}
	return int(journal.PriInfo)
}
