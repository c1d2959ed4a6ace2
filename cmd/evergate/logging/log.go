// Package logging is the way of a log line out of the process: to standard error, the journal of systemd or a file,
// which can change while lines are written. A warning that repeats is written once, and then with a count.
package logging

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
)

// timeFormat is RFC 3339 in UTC, with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Log is the log of a process, which begins with Open and ends with Close.
type Log struct {
	part
	stderr io.Writer
}

// shared is what all parts of a log have in common.
type shared struct {
	level   atomic.Int32 // an hclog.Level
	repeats *repeats

	mu sync.RWMutex // held for reading while a line is written
	output
}

// output is where lines are written, and in which form.
type output struct {
	name, format string // as in the settings
	root         hclog.Logger
	file         *file // nil without one
}

// Open opens the log that conf describes: its file, or else stderr. The error names the file.
func Open(conf config.Gateway, stderr io.Writer) (*Log, error) {
	s := &shared{repeats: newRepeats()}
	l := &Log{part{shared: s, name: "evergate"}, stderr}
	l.SetLevel(hclog.LevelFromString(conf.LogLevel))
	change, err := l.Prepare(conf)
	if err != nil {
		return nil, err
	}
	s.output = change.next
	return l, nil
}

// Change is another output of a log, which is open and not in use yet. Either Use or Discard must be called.
type Change struct {
	l    *Log
	next output
}

// Prepare opens the output that conf describes; lines go where they went. The error names the file. Prepare and the
// methods of Change are called by one goroutine at a time.
func (l *Log) Prepare(conf config.Gateway) (*Change, error) {
	c := &Change{l, output{name: conf.LogFile, format: conf.LogFormat}}
	options := &hclog.LoggerOptions{
		Level:      hclog.Trace, // a part decides
		Output:     l.stderr,
		JSONFormat: conf.LogFormat == "json",
		TimeFormat: timeFormat,
		TimeFn:     func() time.Time { return time.Now().UTC() },
	}
	switch {
	case conf.LogFile != "" && conf.LogFile == l.output.name:
		c.next.file, options.Output = l.file, l.file
	case conf.LogFile != "":
		f, err := openFile(conf.LogFile)
		if err != nil {
			return nil, err
		}
		c.next.file, options.Output = f, f
	case isJournal(l.stderr):
		// Text without a time: the journal adds its own. Readers of JSON expect one in each line.
		options.Output, options.DisableTime = priorities{l.stderr}, !options.JSONFormat
	}
	c.next.root = hclog.New(options)
	return c, nil
}

// Use has the next line go to the new output, and closes the old file. Each line is whole in one of the two; the last
// one in the old output says where the log goes on.
func (c *Change) Use() {
	logger, s := c.l, c.l.shared
	old := s.output
	if old.name == c.next.name && old.format == c.next.format {
		return
	}
	logger.Info("log continues elsewhere", "file", c.next.name, "format", c.next.format)
	s.mu.Lock()
	s.output = c.next
	s.mu.Unlock()
	if old.file != nil && old.file != c.next.file {
		_ = old.file.Close() // every line was written without a buffer
	}
}

// Discard closes what Prepare has opened.
func (c *Change) Discard() {
	if c.next.file != nil && c.next.file != c.l.file {
		_ = c.next.file.Close()
	}
}

// Reopen opens the file again under its name, after a tool has renamed it. After an error the old one stays in use.
// Without a file it does nothing. Any time.
func (l *Log) Reopen() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.file == nil {
		return nil
	}
	return l.file.reopen()
}

// Close writes the counts of warnings that are repeating, and closes the file.
func (l *Log) Close() error {
	l.repeats.end()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
