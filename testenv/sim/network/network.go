// Package network is what the processes of a simulation share: a clock, dice, ways between places that can be cut,
// bytes and calls under way, and the trace. It knows no process and no protocol.
package network

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"evergate/testenv/sim/scenario"
)

// Place is an end of the network that can be cut from others.
type Place int

const (
	Gateway        Place = 0
	FirstNode      Place = 1
	FirstSentinel  Place = 100
	callDelay            = 2 * time.Millisecond
	slowCallDelay        = 40 * time.Millisecond
	callsSlowOneIn       = 20
	traceMax             = 400
	// settleMax is how long all takes to find out that the faults are over.
	settleMax = 10 * time.Second
)

// Net is what all processes of a run share: a clock, dice, ways between places that can be cut, what is under way,
// and the trace of what has happened.
type Net struct {
	Options scenario.Options
	Rnd     *rand.Rand
	Now     time.Duration
	coming  []coming // by time
	cuts    map[[2]Place]time.Duration
	called  map[Place]string
	names   int
	// Calm: the faults are over, since calmAt.
	Calm   bool
	calmAt time.Duration
	Trace  []string
}

// New returns a network with nothing but the gateway.
func New(o scenario.Options) *Net {
	return &Net{Options: o, Rnd: rand.New(rand.NewPCG(o.Seed, 17)), cuts: map[[2]Place]time.Duration{},
		called: map[Place]string{Gateway: "the gateway"}}
}

// Settle ends all that is wrong with the network, and says that no fault comes any more.
func (w *Net) Settle() {
	w.Tracef("all heals")
	w.Calm, w.calmAt = true, w.Now
	clear(w.cuts)
}

// Join gives a process at a place the name that the trace has for it.
func (w *Net) Join(p Place, called string) { w.called[p] = called }

// coming is something that happens at a time.
type coming struct {
	at time.Duration
	f  func()
}

// After has f happen in d.
func (w *Net) After(d time.Duration, f func()) {
	at := w.Now + d
	i, _ := slices.BinarySearchFunc(w.coming, at, func(c coming, at time.Duration) int {
		if c.at <= at {
			return -1 // what was planned first comes first
		}
		return cmp.Compare(c.at, at)
	})
	w.coming = slices.Insert(w.coming, i, coming{at, f})
}

// Happen lets everything happen whose time has come.
func (w *Net) Happen() {
	for len(w.coming) > 0 && w.coming[0].at <= w.Now {
		f := w.coming[0].f
		w.coming = w.coming[1:]
		f()
	}
}

// Delay is how long a message between two processes takes.
func (w *Net) Delay() time.Duration {
	if w.Rnd.IntN(callsSlowOneIn) == 0 && !w.Calm && !w.Options.Planned {
		return w.Between(0, slowCallDelay)
	}
	return w.Between(0, callDelay)
}

// Cut says that nothing gets from a to b or back now.
func (w *Net) Cut(a, b Place) bool { return w.Now < w.cuts[link(a, b)] }

// link is the key of the way between two places, whichever comes first.
func link(a, b Place) [2]Place { return [2]Place{min(a, b), max(a, b)} }

// Sever cuts a from b for d.
func (w *Net) Sever(a, b Place, d time.Duration) {
	w.Tracef("%s is cut from %s for %v", w.called[a], w.called[b], d)
	w.cuts[link(a, b)] = w.Now + d
}

// Message has f happen at the process at b when a message from a has come there. It is lost where the way is cut; loses
// says that it may be lost elsewhere too.
func (w *Net) Message(a, b Place, loses bool, f func()) {
	if loses && !w.Calm && !w.Options.Planned && w.Rnd.IntN(50) == 0 {
		return
	}
	w.After(w.Delay(), func() {
		if !w.Cut(a, b) {
			f()
		}
	})
}

// Tracef remembers what happens, the latest last.
func (w *Net) Tracef(format string, args ...any) {
	if len(w.Trace) >= 2*traceMax {
		w.Trace = append(w.Trace[:0], w.Trace[traceMax:]...)
	}
	w.Trace = append(w.Trace, fmt.Sprintf("%9.3fms ", float64(w.Now)/1e6)+fmt.Sprintf(format, args...))
}

// Between returns a time in [low, high).
func (w *Net) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.Rnd.Int64N(int64(high-low)))
}

// Send puts bytes on the way.
func (w *Net) Send(p *Pipe, b []byte) {
	delay := w.Between(0, time.Millisecond)
	if w.Rnd.IntN(20) == 0 {
		delay = w.Between(0, 30*time.Millisecond)
	}
	p.put(w.Now+delay, b)
}

// Advance moves the clock: usually a little, when it is calm to what happens next.
func (w *Net) Advance() {
	longest := 80 * time.Millisecond
	if w.Options.Planned {
		longest /= 10
	}
	switch w.Rnd.IntN(20) {
	case 0:
		w.Now += w.Between(0, longest)
	case 1, 2, 3:
		w.Now += w.Between(0, 5*time.Millisecond)
	default:
		w.Now += w.Between(0, 400*time.Microsecond)
	}
	if w.Calm || w.Options.RealState() {
		w.Now += time.Millisecond
	}
}

// Piece is how much one read returns: mostly all, sometimes a few bytes.
func (w *Net) Piece() int {
	switch w.Rnd.IntN(6) {
	case 0:
		return 1 + w.Rnd.IntN(8)
	case 1:
		return 1 + w.Rnd.IntN(300)
	}
	return 64 << 10
}

// Name makes a run id or a replication id.
func (w *Net) Name() string {
	w.names++
	return fmt.Sprintf("id%04d", w.names)
}

func Clip[T string | []byte](s T) string {
	if len(s) > 200 {
		return string(s[:200]) + "..."
	}
	return string(s)
}

// SettledBy says that no fault had happened for a while at a time.
func (w *Net) SettledBy(at time.Duration) bool { return w.Calm && at-w.calmAt > settleMax }

// SettledDown says that no fault has happened for a while.
func (w *Net) SettledDown() bool { return w.SettledBy(w.Now) }
