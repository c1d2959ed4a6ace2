package logging

import (
	"bytes"
	"io"
	"log"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// part is the logger of a part of the gateway. It derives no logger of hclog before a line is written: such a one would
// keep the output and the format that it was made with. A warning or an error is written once, and while the same
// repeats, once per repeatPause with the number of repetitions. The same is one of the same part with the same facts. A
// line at info from that part ends the counting: what was wrong is over, or has changed, and the next warning is news.
type part struct {
	*shared
	name string
	args []any
}

// Log implements hclog.Logger, as do the methods below.
func (p *part) Log(level hclog.Level, msg string, args ...any) {
	if level == hclog.Info { // whether it is written or not
		p.repeats.over(p.name)
	}
	switch {
	case level < p.GetLevel():
	case level >= hclog.Warn:
		p.repeats.note(line{p, level, msg, args})
	default:
		p.write(level, msg, args)
	}
}

// write writes a line to the present output.
func (p *part) write(level hclog.Level, msg string, args []any) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	p.root.ResetNamed(p.name).With(p.args...).Log(level, msg, args...)
}

func (p *part) Trace(msg string, args ...any) { p.Log(hclog.Trace, msg, args...) }
func (p *part) Debug(msg string, args ...any) { p.Log(hclog.Debug, msg, args...) }
func (p *part) Info(msg string, args ...any)  { p.Log(hclog.Info, msg, args...) }
func (p *part) Warn(msg string, args ...any)  { p.Log(hclog.Warn, msg, args...) }
func (p *part) Error(msg string, args ...any) { p.Log(hclog.Error, msg, args...) }

func (p *part) IsTrace() bool { return p.GetLevel() <= hclog.Trace }
func (p *part) IsDebug() bool { return p.GetLevel() <= hclog.Debug }
func (p *part) IsInfo() bool  { return p.GetLevel() <= hclog.Info }
func (p *part) IsWarn() bool  { return p.GetLevel() <= hclog.Warn }
func (p *part) IsError() bool { return p.GetLevel() <= hclog.Error }

func (p *part) Name() string       { return p.name }
func (p *part) ImpliedArgs() []any { return p.args }

func (p *part) Named(name string) hclog.Logger {
	if p.name != "" {
		name = p.name + "." + name
	}
	return p.ResetNamed(name)
}

func (p *part) ResetNamed(name string) hclog.Logger { return &part{p.shared, name, p.args} }

func (p *part) With(args ...any) hclog.Logger {
	return &part{p.shared, p.name, slices.Concat(p.args, args)}
}

// SetLevel sets the level of all parts.
func (p *part) SetLevel(level hclog.Level) { p.level.Store(int32(level)) }
func (p *part) GetLevel() hclog.Level      { return hclog.Level(p.level.Load()) }

// StandardLogger returns a logger of the standard library that writes lines of this part.
func (p *part) StandardLogger(opts *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(p.StandardWriter(opts), "", 0)
}

// StandardWriter returns a writer of lines at opts.ForceLevel, which must be set.
func (p *part) StandardWriter(opts *hclog.StandardLoggerOptions) io.Writer {
	return &standard{p, opts.ForceLevel}
}

// standard has each write become a line.
type standard struct {
	p     *part
	level hclog.Level
}

func (s *standard) Write(text []byte) (int, error) {
	s.p.Log(s.level, string(bytes.TrimSpace(text)))
	return len(text), nil
}
