package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/wait"
)

// ClientOpened adds a client and returns its id, which stays its own until it is closed. door is the number of its
// service, or behind the services that of a Config.Doors. remote and local are its addresses as CLIENT LIST shows them.
func (w *Worker) ClientOpened(door int, remote, local string) uint32 {
	s, hold, face := w.behind(door)
	return w.x.Open(s.Service, exchange.Arrival{Listener: door, Hold: hold, Role: face, Remote: remote, Local: local,
		Authenticated: !w.conf.Services[s.Servers.Index].AsksPassword}).Ref.ID
}

// behind returns the service that a client came to, how its requests wait, and what the listener pretends to be.
func (w *Worker) behind(door int) (*service, exchange.Hold, *facade.Role) {
	if n := len(w.services); door >= n {
		d := w.conf.Doors[door-n]
		return w.services[d.Service], d.Hold, d.Role
	}
	return w.services[door], w.conf.Services[door].Hold, nil
}

// ClientRead takes bytes that a client sent. They are not kept.
func (w *Worker) ClientRead(id uint32, b []byte) {
	c := w.x.ByID(id)
	if c == nil || c.Ending {
		return
	}
	c.ActiveAt = w.clock.Now
	w.counts.ClientInBytes += uint64(len(b))
	if c.Input.Len() == 0 && c.Reason == wait.Running && !c.Retrying() {
		n := w.run(c, b)
		w.x.Keep(c, b[n:])
		return
	}
	for len(b) > 0 && !c.Closed() {
		take := len(b)
		if need := c.Input.Missing(); need > 0 {
			take = int(min(int64(take), need)) // so that a big frame ends where its buffer does
		}
		w.x.Keep(c, b[:take])
		b = b[take:]
		if !c.Closed() && c.Reason == wait.Running && !c.Retrying() {
			w.runUnread(c)
		}
	}
}

// runUnread understands what was kept.
func (w *Worker) runUnread(c *exchange.Session) {
	if c.Input.Len() == 0 {
		return
	}
	c.Input.Used(w.blocks, w.run(c, c.Input.Bytes()))
	w.x.Weigh(c)
	w.x.Pace(c)
}

// forgetArgs sees that a big command is not kept by what pointed into it.
func (w *Worker) forgetArgs() {
	if cap(w.args) > 64 {
		w.args = make([][]byte, 0, 64)
	}
	clear(w.args[:cap(w.args)])
}

// resume goes on with a session that was parked: first what must be retried, then what it has not been read yet.
func (w *Worker) resume(c *exchange.Session) {
	if (!c.Retrying() || w.x.RunRetries(c)) && !c.Closed() && !c.Ending {
		w.runUnread(c)
	}
	if c.HalfClosed {
		w.x.GoOnHalfClosed(c)
	}
}

// ClientEnded says that a client has closed its half of the connection, and that all it sent has been read.
func (w *Worker) ClientEnded(id uint32) {
	c := w.x.ByID(id)
	if c == nil || c.HalfClosed || c.Ending {
		return
	}
	c.HalfClosed = true
	w.x.Leaves(c)
	w.x.Wake(c)
}
