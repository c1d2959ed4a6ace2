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

// line is one line of the log.
type line struct {
	out   *part
	level hclog.Level
	msg   string
	args  []any
}

// key has all facts.
func (l *line) key() string {
	return fmt.Sprintf("%s %d %q %q %q", l.out.name, l.level, l.msg, l.out.args, l.args)
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
	l.out.write(l.level, l.msg, l.args)
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
		if known.out.name == name {
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
	r.out.write(r.level, r.msg, append(r.args[:len(r.args):len(r.args)], "repeated", r.since))
	r.since = 0
}
