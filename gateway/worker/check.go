package worker

import (
	"fmt"

	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Check returns what is wrong with the state of the rooms and with their books of each other, nil as a rule. It looks
// at everything: tests call it after each step.
func (w *Worker) Check() error {
	a := look{w: w}
	a.rooms()
	a.connections()
	a.marks()
	a.topics()
	return a.err
}

// CheckTimers returns what is due before the next round begins, nil as a rule: tests call it at the end of a round,
// when Out wants nothing more.
func CheckTimers(w *Worker) error {
	a := look{w: w}
	a.deadlines()
	return a.err
}

// CheckRest returns what somebody still waits for, nil when nothing is under way: tests call it when all servers have
// answered.
func CheckRest(w *Worker) error {
	a := look{w: w}
	a.room("exchange", w.x.Rest())
	a.room("maintenance", w.notices.Rest())
	a.topicsRest()
	return a.err
}

// look is one look at a worker. err is the first thing that is wrong.
type look struct {
	w   *Worker
	err error
}

func (a *look) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// room takes in what a room says of itself.
func (a *look) room(name string, err error) {
	if err != nil {
		a.wrong("%s: %w", name, err)
	}
}

// rooms asks those that have a Check of their own, and looks at what they have in common.
func (a *look) rooms() {
	w := a.w
	if w.unchecked {
		a.wrong("a request came past the check of rights")
	}
	a.room("exchange", w.x.Check())
	a.room("wait", w.clock.Check(w.x.Places()))
	a.room("clients", w.clients.Check())
	a.room("maintenance", w.notices.Check())
	for c := range w.x.All {
		if c.Reason == wait.RateLimited && !c.Awake() && !w.throttle.Waits(c) {
			a.wrong("client %d waits for a token, and nothing wakes it", c.Ref.ID)
		}
	}
	for s := range w.services.All {
		a.room("pubsub", s.Subscriptions.Check())
		if asked := a.asked(s.Index); asked != s.Catalog.Asked() {
			a.wrong("catalog: service %d: %d questions are on connections, %d known", s.Index, asked, s.Catalog.Asked())
		}
	}
}

// asked counts the questions of a service's catalog that servers owe an answer to.
func (a *look) asked(service int) (n int) {
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
