package logging

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// repeatPause is how long a repeated warning is only counted.
	repeatPause = time.Minute
	// repeatsMax is how many warnings are remembered; further ones are written each time.
	repeatsMax = 1024
)

// counted is a logger that writes a warning or an error once, and while the same repeats, once per repeatPause with the
// number of repetitions. The same is one of the same part of the gateway with the same facts. A line at info from that
// part ends the counting: what was wrong is over, or has changed, and the next warning is news.
type counted struct {
	hclog.Logger
	repeats *repeats
}

func (c *counted) Warn(msg string, args ...any)  { c.Log(hclog.Warn, msg, args...) }
func (c *counted) Error(msg string, args ...any) { c.Log(hclog.Error, msg, args...) }
func (c *counted) Info(msg string, args ...any)  { c.Log(hclog.Info, msg, args...) }

func (c *counted) Log(level hclog.Level, msg string, args ...any) {
	out := c.Logger
	switch {
	case level >= hclog.Warn:
		c.repeats.note(line{out, level, msg, args})
		return
	case level == hclog.Info:
		c.repeats.over(out.Name())
	}
	out.Log(level, msg, args...)
}

func (c *counted) Named(name string) hclog.Logger {
	return &counted{c.Logger.Named(name), c.repeats}
}

func (c *counted) ResetNamed(name string) hclog.Logger {
	return &counted{c.Logger.ResetNamed(name), c.repeats}
}

func (c *counted) With(args ...any) hclog.Logger {
	return &counted{c.Logger.With(args...), c.repeats}
}

// line is one line of the log.
type line struct {
	out   hclog.Logger
	level hclog.Level
	msg   string
	args  []any
}

// key has all facts.
func (l *line) key() string {
	return fmt.Sprintf("%s %d %q %q %q", l.out.Name(), l.level, l.msg, l.out.ImpliedArgs(), l.args)
}

// repeats remembers which warnings were written lately.
type repeats struct {
	mu    sync.Mutex
	ended bool
	lines map[string]*repeated
}

// repeated is a line that was written, and how often it has come since.
type repeated struct {
	line
	since int
	// timer ends the pause.
	timer *time.Timer
}

func newRepeats() *repeats { return &repeats{lines: map[string]*repeated{}} }

// note writes or counts a line.
func (r *repeats) note(l line) {
	key := l.key()
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.lines[key]; known != nil {
		known.since++
		return
	}
	l.out.Log(l.level, l.msg, l.args...)
	if !r.ended && len(r.lines) < repeatsMax {
		known := &repeated{line: l}
		known.timer = time.AfterFunc(repeatPause, func() { r.pauseOver(key, known) })
		r.lines[key] = known
	}
}

// pauseOver writes a line that has come again in the pause, and begins the next one.
func (r *repeats) pauseOver(key string, known *repeated) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.lines[key] != known:
	case known.since == 0:
		delete(r.lines, key)
	default:
		known.write()
		known.timer.Reset(repeatPause)
	}
}

// over writes what is counted for one part of the gateway, and forgets it.
func (r *repeats) over(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, known := range r.lines {
		if known.out.Name() == name {
			r.forget(key, known)
		}
	}
}

// end writes all that is counted; from now on every line is written.
func (r *repeats) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for key, known := range r.lines {
		r.forget(key, known)
	}
}

func (r *repeats) forget(key string, known *repeated) {
	known.timer.Stop()
	if known.since > 0 {
		known.write()
	}
	delete(r.lines, key)
}

// write writes the line with its count, which begins anew.
func (r *repeated) write() {
	r.out.Log(r.level, r.msg, append(r.args[:len(r.args):len(r.args)], "repeated", r.since)...)
	r.since = 0
}
