// Package logging is the way of a log line out of the process: to standard error, the journal of systemd or a file.
// A warning that repeats is written once, and then with a count.
package logging

import (
	"io"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
)

// timeFormat is RFC 3339 in UTC, with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Log is the log of a process, which begins with Open and ends with Close.
type Log struct {
	hclog.Logger
	repeats *repeats
	file    *file // nil without one
}

// Open opens the log that conf describes: its file, or else stderr. The error names the file.
func Open(conf config.Gateway, stderr io.Writer) (*Log, error) {
	l := &Log{repeats: newRepeats()}
	options := &hclog.LoggerOptions{
		Name:       "evergate",
		Level:      hclog.LevelFromString(conf.LogLevel),
		Output:     stderr,
		JSONFormat: conf.LogFormat == "json",
		TimeFormat: timeFormat,
		TimeFn:     func() time.Time { return time.Now().UTC() },
	}
	switch {
	case conf.LogFile != "":
		f, err := openFile(conf.LogFile)
		if err != nil {
			return nil, err
		}
		l.file, options.Output = f, f
	case isJournal(stderr):
		// Text without a time: the journal adds its own. Readers of JSON expect one in each line.
		options.Output, options.DisableTime = priorities{stderr}, !options.JSONFormat
	}
	l.Logger = &counted{hclog.New(options), l.repeats}
	return l, nil
}

// Reopen opens the file again under its name, after a tool has renamed it. After an error the old one stays in use.
// Without a file it does nothing.
func (l *Log) Reopen() error {
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
