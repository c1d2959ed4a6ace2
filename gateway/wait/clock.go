package wait

import (
	"errors"
	"fmt"
	"time"

	"evergate/gateway/session"
)

// Clock is the time of a round, and when the next one is needed. NewClock makes it.
type Clock struct {
	// Now is the time since any fixed moment; it never goes back.
	Now time.Duration

	next   time.Duration
	alarms []alarm
	ready  []session.Ref // sessions to run before the round ends
	turn   []session.Ref // what Turn returned last, to be used again
}

// alarm is when a session is to run again, if nothing wakes it before.
type alarm struct {
	who session.Ref
	at  time.Duration
}

// NewClock returns a clock that nobody waits for.
func NewClock() Clock { return Clock{next: Never} }

// At asks for a round at the time t.
func (c *Clock) At(t time.Duration) { c.next = min(c.next, t) }

// Next is the earliest time that At was asked for; Never without one.
func (c *Clock) Next() time.Duration { return c.next }

// Due reports whether that time has come. Then it is forgotten: whoever has a later one asks again.
func (c *Clock) Due() bool {
	if c.Now < c.next {
		return false
	}
	c.next = Never
	return true
}

// Wake has a session run before the round ends.
func (c *Clock) Wake(who session.Ref, p *Place) {
	if !p.queued {
		p.queued = true
		c.ready = append(c.ready, who)
	}
}

// Idle reports whether no session is to run.
func (c *Clock) Idle() bool { return len(c.ready) == 0 }

// Turn returns the sessions that were woken since the last one, each of which must be Taken if it is still there. The
// slice is valid until the next Turn.
func (c *Clock) Turn() []session.Ref {
	c.ready, c.turn = c.turn[:0], c.ready
	return c.turn
}

// Alarm has a session run at the time t, if nothing wakes it before.
func (c *Clock) Alarm(who session.Ref, p *Place, t time.Duration) {
	if p.alarm > 0 && p.alarm <= t {
		return // it looks again before that
	}
	p.alarm = t
	c.alarms = append(c.alarms, alarm{who, t})
	c.At(t)
}

// Ring wakes the sessions whose alarm is due until the time t. find returns nil for a session that has left.
func (c *Clock) Ring(t time.Duration, find func(session.Ref) *Place) {
	kept := c.alarms[:0]
	for _, a := range c.alarms {
		p := find(a.who)
		switch {
		case p == nil || p.alarm != a.at: // it has left, or has an earlier one
		case a.at > t:
			kept = append(kept, a)
			c.At(a.at)
		default:
			p.alarm = 0
			if p.Waits() {
				c.Wake(a.who, p)
			}
		}
	}
	c.alarms = kept
}

// Check reports what is wrong with the clock where so many sessions are there.
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
