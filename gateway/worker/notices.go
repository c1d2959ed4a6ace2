package worker

import (
	"time"

	"evergate/gateway/local"
	"evergate/gateway/maintenance"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
)

// noticed is what a worker does for CLIENT MAINT_NOTIFICATIONS.
type noticed Worker

// Notify has a worker notify the clients of a service that asked for it: of what Env.Held led to in some worker, or of
// a drain.
func Notify(w *Worker, service int, n maintenance.Notice) { w.notices.Take(service, n) }

// newNotices returns the notices of a worker.
func newNotices(w *Worker) *maintenance.Notices {
	return maintenance.New(maintenance.Config{Sessions: w.x.Sessions, Clock: w.clock, Holds: holdsOf(&w.conf),
		Held: w.env.Held})
}

// holdsOf are the holds of the clients of each service.
func holdsOf(conf *Config) [][]session.Hold {
	holds := make([][]session.Hold, len(conf.Services))
	for i := range conf.Services {
		holds[i] = append(holds[i], conf.Services[i].Hold)
		for _, u := range conf.Services[i].Users {
			if u.Hold != nil {
				holds[i] = append(holds[i], *u.Hold)
			}
		}
	}
	for i := range conf.Listeners {
		l := &conf.Listeners[i]
		holds[l.Service] = append(holds[l.Service], l.Hold)
	}
	return holds
}

// alone sets Env.Held where the caller has left it out: there is one worker.
func (n *noticed) alone() {
	if n.env.Held != nil {
		return
	}
	all := maintenance.NewServices(len(n.conf.Services))
	n.env.Held = func(service int, held bool) {
		var now time.Time
		if n.env.WallClock != nil {
			now = n.env.WallClock()
		}
		if notice, ok := all.Held(service, held, now); ok {
			n.notices.Take(service, notice)
		}
	}
}

// turn executes CLIENT MAINT_NOTIFICATIONS. The notices that are under way come behind the reply.
func (n *noticed) turn(c *sessions.Session, do *local.Effect, reply []byte) {
	if do.Has(local.NoticesOff) {
		c.ForgetNotices()
		n.x.Answer(c, reply)
		return
	}
	c.AskNotices(do.Has(local.NoticesUnnamed))
	if n.x.Answer(c, reply); !c.Closed() {
		n.notices.Begin(c)
	}
}
