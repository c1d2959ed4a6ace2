package worker

import (
	"fmt"
	"reflect"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// Check returns what is wrong with the state of the rooms and with their books of each other, nil as a rule. It looks
// at everything: tests call it after each step.
func (w *Worker) Check() error {
	a := audit{w: w}
	a.rooms()
	a.connections()
	a.clients()
	a.topics()
	return a.err
}

// CheckTimers returns what is due before the next round begins, nil as a rule: tests call it at the end of a round,
// when Out wants nothing more.
func CheckTimers(w *Worker) error {
	a := audit{w: w}
	a.deadlines()
	return a.err
}

// CheckRest returns what somebody still waits for, nil when nothing is under way: tests call it when all servers have
// answered.
func CheckRest(w *Worker) error {
	a := audit{w: w}
	a.rest()
	return a.err
}

// audit is one look at a worker. err is the first thing that is wrong.
type audit struct {
	w   *Worker
	err error
}

func (a *audit) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// room takes in what a room says of itself.
func (a *audit) room(name string, err error) {
	if err != nil {
		a.wrong("%s: %w", name, err)
	}
}

// rooms asks those that have a Check of their own, and looks at what they have in common.
func (a *audit) rooms() {
	w := a.w
	a.room("wait", w.clock.Check(len(w.clients)))
	a.room("trace", w.monitors.Check())
	for i := range w.services {
		for ref := range w.monitors.Sessions([]int{i}) {
			if c := w.client(ref); c == nil || c.svc.Index != i || !c.monitor.Is() {
				a.wrong("trace: session %v is shown records of service %d, and is none of its monitors", ref, i)
			}
		}
	}
	for _, s := range w.services {
		a.room("catalog", s.catalog.Check())
		a.room("pubsub", s.Subscriptions.Check())
		if asked := a.asked(s.Index); asked != s.catalog.Asked() {
			a.wrong("catalog: service %d: %d questions are on connections, %d known", s.Index, asked, s.catalog.Asked())
		}
		if s.longScripts > 0 && w.clock.Next() > w.clock.Now+scriptAfter {
			a.wrong("service %d: nobody looks for the end of a long script", s.Index)
		}
		if !reflect.ValueOf(s.none).IsZero() {
			a.wrong("service %d: the clients that own no rare share %+v", s.Index, s.none)
		}
	}
	a.accounts()
}

// asked counts the questions of a service's catalog that servers owe an answer to.
func (a *audit) asked(service int) (n int) {
	for l := range a.w.pool.All {
		if l.Key.Service != service || l.Key.Purpose == upstream.Dedicated {
			continue
		}
		for t := range l.Inflight.All {
			if t.Flags&upstream.Internal != 0 {
				n++
			}
		}
	}
	return n
}

// accounts holds sums against each other that are counted in different places.
func (a *audit) accounts() {
	s := &a.w.stats
	waiting := uint64(0)
	for _, c := range a.w.clients {
		if c != nil && c.WaitsSince != 0 {
			waiting++
		}
	}
	if s.Held != s.HoldReleased+s.HoldExpired+s.HoldLeft+waiting || s.Holds < s.HoldsEnded {
		a.wrong("%d requests waited: %d resumed, %d expired, %d left, %d wait; %d buffers began, %d ended", s.Held,
			s.HoldReleased, s.HoldExpired, s.HoldLeft, waiting, s.Holds, s.HoldsEnded)
	}
	closed := uint64(0)
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if closed+uint64(a.w.open) != s.ClientsOpened {
		a.wrong("%d clients came, %d have left, %d are here", s.ClientsOpened, closed, a.w.open)
	}
	if s.WithheldReleased > s.Withheld {
		a.wrong("%d replies were withheld, %d of them released", s.Withheld, s.WithheldReleased)
	}
}

// pending counts the requests of each session that are on connections.
func (a *audit) pending() map[session.Ref]int32 {
	pending := map[session.Ref]int32{}
	for l := range a.w.pool.All {
		for t := range l.Inflight.All {
			if t.Flags&(upstream.Quiet|upstream.Internal) == 0 {
				pending[t.To]++
			}
		}
	}
	return pending
}
