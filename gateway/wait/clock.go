package wait

import (
	"errors"
	"fmt"
	"time"

	"evergate/gateway/session"
)

// Clock has the time of a round, and when the next one is needed. NewClock makes it.
type Clock struct {
	// Now is the time of the round, since any fixed moment. Stamp is the same in four bytes.
	Now   time.Duration
	Stamp Stamp

	next   time.Duration
	alarms []alarm
	ready  []session.Ref // sessions to run before the round ends
	turn   []session.Ref // what Turn returned last, to be used again
}

// Stamp is a time of a Clock in microseconds, of which every second one is told apart. It wraps around after 71
// minutes. 0 is no time.
type Stamp uint32

// StampOf returns the stamp of a time of the clock.
func StampOf(t time.Duration) Stamp { return Stamp(t/time.Microsecond) | 1 }

// Since returns how long after another stamp this one is; both must be of the same 71 minutes.
func (s Stamp) Since(earlier Stamp) time.Duration { return time.Duration(s-earlier) * time.Microsecond }

// alarm is when a session is to run again, if nothing wakes it before.
type alarm struct {
	ref session.Ref
	at  time.Duration
}

// NewClock returns a clock without alarms.
func NewClock() Clock { return Clock{next: Never, Stamp: StampOf(0)} }

// Tick begins a round. now is the time since any fixed moment, and never decreases.
func (c *Clock) Tick(now time.Duration) { c.Now, c.Stamp = now, StampOf(now) }

// At asks for a round at the time t, or earlier.
func (c *Clock) At(t time.Duration) { c.next = min(c.next, t) }

// Next is the earliest time that At was called for; Never without one.
func (c *Clock) Next() time.Duration { return c.next }

// Due reports whether that time has come. If so it is reset, and callers that wait for a later time call At again.
func (c *Clock) Due() bool {
	if c.Now < c.next {
		return false
	}
	c.next = Never
	return true
}

// Wake makes a session run before the round ends.
func (c *Clock) Wake(ref session.Ref, p *Place) {
	if !p.queued {
		p.queued = true
		c.ready = append(c.ready, ref)
	}
}

// Idle reports whether no session is to run.
func (c *Clock) Idle() bool { return len(c.ready) == 0 }

// Turn returns the sessions that were woken since the last Turn. Place.Take must be called for each that still exists.
// The slice is valid until the next Turn.
func (c *Clock) Turn() []session.Ref {
	c.ready, c.turn = c.turn[:0], c.ready
	return c.turn
}

// Alarm makes a session run at the time t, if nothing wakes it before.
func (c *Clock) Alarm(ref session.Ref, p *Place, t time.Duration) {
	if p.alarm > 0 && p.alarm <= t {
		return // the earlier alarm makes it decide again
	}
	p.alarm = t
	c.alarms = append(c.alarms, alarm{ref, t})
	c.At(t)
}

// Ring wakes the blocked sessions whose alarm is at t or before. find returns nil for a session that has left.
func (c *Clock) Ring(t time.Duration, find func(session.Ref) *Place) {
	kept := c.alarms[:0]
	for _, a := range c.alarms {
		p := find(a.ref)
		switch {
		case p == nil || p.alarm != a.at: // it has left, or has an earlier one
		case a.at > t:
			kept = append(kept, a)
			c.At(a.at)
		default:
			p.alarm = 0
			if p.Waits() {
				c.Wake(a.ref, p)
			}
		}
	}
	c.alarms = kept
}

// Check returns what is wrong with the clock, given the number of sessions. Tests call it.
func (c *Clock) Check(sessions int) error {
	if n := len(c.alarms); n > 4*sessions+4 {
		return fmt.Errorf("%d alarms of %d sessions", n, sessions)
	}
	for _, a := range c.alarms {
		if a.at < c.next {
			return errors.New("an alarm is due before the next round")
		}
	}
	return nil
}
