package worker

import (
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/throttle"
	"evergate/gateway/wait"
)

// ClientOpened adds a client and returns its id, which stays its own until it is closed. listener is the index of its
// service, or behind Config.Places that of a Config.Listeners. remote and local are its addresses as CLIENT LIST shows
// them.
func (w *Worker) ClientOpened(listener int, remote, local string) uint32 {
	s, face := w.behind(listener)
	a := sessions.Arrival{Listener: listener, Terms: w.terms.at[listener], Role: face, Remote: remote, Local: local}
	c := w.x.Open(s.Service, a)
	w.throttle.Begin(c)
	if !w.policy.Initial(c, c.Service.UsersAt(c.Listener)) {
		w.x.Answer(c, throttle.TooMany)
		w.x.End(c, session.TooMany)
	}
	w.policy.Meet(c)
	return c.Ref.ID
}

// behind returns the service of a listener, and the role that it emulates.
func (w *Worker) behind(listener int) (*service, *facade.Role) {
	if n := w.conf.Places; listener >= n {
		d := &w.conf.Listeners[listener-n]
		return w.services[d.Service], d.Role
	}
	return w.services[listener], nil
}

// ClientRead takes bytes that a client sent. They are not kept.
func (w *Worker) ClientRead(id uint32, b []byte) {
	c := w.x.ByID(id)
	if c == nil || c.Ending {
		return
	}
	c.Touch(w.clock.Now)
	w.counts.ClientInBytes += uint64(len(b))
	if c.Input.Len() == 0 && c.Reason == wait.Running && !c.Retrying() {
		n := w.run(c, b)
		w.x.Keep(c, b[n:])
		w.x.Account(c)
		w.x.Evict()
		return
	}
	for len(b) > 0 && !c.Closed() {
		take := len(b)
		if need := c.Input.Missing(); need > 0 {
			take = int(min(int64(take), need)) // so that a large frame ends where its buffer does
		}
		w.x.Keep(c, b[:take])
		b = b[take:]
		if !c.Closed() && c.Reason == wait.Running && !c.Retrying() {
			w.runUnread(c)
		}
	}
	w.x.Evict()
}

// runUnread handles the requests that were kept.
func (w *Worker) runUnread(c *sessions.Session) {
	if c.Input.Len() == 0 || w.x.Grows(c) {
		return
	}
	c.Input.Used(w.blocks, w.run(c, c.Input.Bytes()))
	w.x.Account(c)
	w.x.Weigh(c)
	w.x.Pace(c)
}

// resume goes on with a session that was blocked: first what must be retried, then what is unread.
func (w *Worker) resume(c *sessions.Session) {
	if (!c.Retrying() || w.x.RunRetries(c)) && !c.Closed() && !c.Ending {
		w.runUnread(c)
	}
	w.x.Account(c)
	if c.HalfClosed {
		w.x.GoOnHalfClosed(c)
	}
}

// ClientEnded records that a client has closed its sending side, and that everything it sent has been read.
func (w *Worker) ClientEnded(id uint32) {
	c := w.x.ByID(id)
	if c == nil || c.HalfClosed || c.Ending {
		return
	}
	c.HalfClose()
	w.x.WillClose(c)
	w.x.Wake(c)
}
