package sim

import (
	"cmp"
	"slices"
	"time"
)

// place is an end of the network that can be cut from others.
type place int

const (
	gateway        place = 0
	firstNode      place = 1
	firstSentinel  place = 100
	callDelay            = 2 * time.Millisecond
	slowCallDelay        = 40 * time.Millisecond
	callsSlowOneIn       = 20
)

// coming is something that happens at a time.
type coming struct {
	at time.Duration
	f  func()
}

// after has f happen in d.
func (w *world) after(d time.Duration, f func()) {
	at := w.now + d
	i, _ := slices.BinarySearchFunc(w.coming, at, func(c coming, at time.Duration) int {
		if c.at <= at {
			return -1 // what was planned first comes first
		}
		return cmp.Compare(c.at, at)
	})
	w.coming = slices.Insert(w.coming, i, coming{at, f})
}

// happen lets everything happen whose time has come.
func (w *world) happen() {
	for len(w.coming) > 0 && w.coming[0].at <= w.now {
		f := w.coming[0].f
		w.coming = w.coming[1:]
		f()
	}
}

// delay is how long a message between two processes takes.
func (w *world) delay() time.Duration {
	if w.rnd.IntN(callsSlowOneIn) == 0 && !w.calm && !w.o.Planned {
		return w.between(0, slowCallDelay)
	}
	return w.between(0, callDelay)
}

// cut says that nothing gets from a to b or back now.
func (w *world) cut(a, b place) bool { return w.now < w.cuts[link(a, b)] }

// link is the key of the way between two places, whichever comes first.
func link(a, b place) [2]place { return [2]place{min(a, b), max(a, b)} }

// sever cuts a from b for d.
func (w *world) sever(a, b place, d time.Duration) {
	w.tracef("%s is cut from %s for %v", w.placeName(a), w.placeName(b), d)
	w.cuts[link(a, b)] = w.now + d
}

func (w *world) placeName(p place) string {
	switch {
	case p >= firstSentinel:
		return w.sentinels[p-firstSentinel].addr
	case p >= firstNode:
		return w.nodes[p-firstNode].addr
	}
	return "the gateway"
}

// message has f happen at the process at b when a message from a has come there. It is lost where the way is cut; loses
// says that it may be lost elsewhere too.
func (w *world) message(a, b place, loses bool, f func()) {
	if loses && !w.calm && !w.o.Planned && w.rnd.IntN(50) == 0 {
		return
	}
	w.after(w.delay(), func() {
		if !w.cut(a, b) {
			f()
		}
	})
}
