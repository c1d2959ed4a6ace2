package worker

import (
	"slices"
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

const (
	// pauseBytes is how much a parked client may send before the loop stops reading from it, where it is not itself what
	// it waits for.
	pauseBytes = 64 << 10
	// owedBytes is how many reply bytes may wait for a client before its next request waits.
	owedBytes = 1 << 20
	// blockedGrace is how long the server may take to answer a blocking command of a client that has half-closed.
	blockedGrace = 50 * time.Millisecond
)

// ClientOpened adds a client and returns its id, which stays its own until it is closed. door is the number of its
// service, or behind the services that of a Config.Doors. remote and local are its addresses as CLIENT LIST shows them.
func (w *Worker) ClientOpened(door int, remote, local string) uint32 {
	var id uint32
	if n := len(w.free); n > 0 {
		id = w.free[n-1]
		w.free = w.free[:n-1]
	} else {
		id = uint32(len(w.clients))
		w.clients = append(w.clients, nil)
	}
	w.nextSeen++
	if w.nextSeen == 0 {
		w.nextSeen = 1 // it has wrapped around: 0 is nobody
	}
	s, hold, face := w.behind(door)
	c := &client{
		Session: session.Session{Proto: 2, Listener: int32(door)}, Conn: downstream.New(),
		ref: session.Ref{ID: id, Generation: w.nextSeen}, svc: s, hold: hold,
		face: face, rare: &s.none,
		number: w.env.ClientNumber(), remote: remote, local: local,
	}
	c.Authenticated = !s.AsksPassword
	c.OpenedAt, c.ActiveAt = w.clock.Now, w.clock.Now
	w.clients[id] = c
	w.open++
	w.stats.ClientsOpened++
	if w.conf.IdleMax > 0 || !c.Authenticated && w.conf.AuthMax > 0 {
		w.clock.At(w.sweepAt)
	}
	return id
}

// behind returns the service that a client came to, how its requests wait, and what the listener pretends to be.
func (w *Worker) behind(door int) (*service, Hold, *facade.Role) {
	if n := len(w.services); door >= n {
		d := w.conf.Doors[door-n]
		return w.services[d.Service], d.Hold, d.Face
	}
	return w.services[door], w.services[door].Hold, nil
}

// ClientRead takes bytes that a client sent. They are not kept.
func (w *Worker) ClientRead(id uint32, b []byte) {
	c := w.clients[id]
	if c == nil || c.Ending {
		return
	}
	c.ActiveAt = w.clock.Now
	w.stats.ClientInBytes += uint64(len(b))
	if c.Input.Len() == 0 && c.Reason == wait.Running && len(c.retries) == 0 {
		n := w.run(c, b)
		w.keep(c, b[n:])
		return
	}
	for len(b) > 0 && !c.closed {
		take := len(b)
		if need := c.Input.Missing(); need > 0 {
			take = int(min(int64(take), need)) // so that a big frame ends where its buffer does
		}
		w.keep(c, b[:take])
		b = b[take:]
		if !c.closed && c.Reason == wait.Running && len(c.retries) == 0 {
			w.runUnread(c)
		}
	}
}

// keep appends bytes that cannot be understood yet.
func (w *Worker) keep(c *client, b []byte) {
	if len(b) == 0 || c.closed || c.Ending {
		return
	}
	if c.Input.Len()+len(b) > w.conf.QueryBytesMax {
		w.close(c, session.QueryLimit)
		return
	}
	c.Input.Keep(w.blocks, b)
	w.weigh(c)
	w.pace(c)
}

// pace has the loop stop or go on reading from a client. One that waits for servers is not read while much of it waits:
// so it sends no faster than they execute. But many a client writes all it has before it reads anything. What waits for
// the client itself, or for another client, would then wait for ever: such a one is read until QueryBytesMax.
func (w *Worker) pace(c *client) {
	stop := c.Input.Len() > pauseBytes && (c.Reason != wait.Running || len(c.retries) > 0)
	switch c.Reason {
	case wait.OwedTooMuch, wait.Blocked, wait.Paused:
		stop = false
	}
	w.pause(c, stop && c.Output.Len() <= pauseBytes)
}

// runUnread understands what was kept.
func (w *Worker) runUnread(c *client) {
	if c.Input.Len() == 0 {
		return
	}
	c.Input.Used(w.blocks, w.run(c, c.Input.Bytes()))
	w.weigh(c)
	w.pace(c)
}

// forgetArgs sees that a big command is not kept by what pointed into it.
func (w *Worker) forgetArgs() {
	if cap(w.args) > 64 {
		w.args = make([][]byte, 0, 64)
	}
	clear(w.args[:cap(w.args)])
}

// ClientClosed says that a client has left. What it sent and was not begun is forgotten.
func (w *Worker) ClientClosed(id uint32) {
	if c := w.clients[id]; c != nil {
		w.forget(c, session.ClientLeft)
		return
	}
	// It left in the moment in which it was to be closed.
	w.out.CloseClients = slices.DeleteFunc(w.out.CloseClients, func(closing uint32) bool { return closing == id })
}

// close ends a client at once.
func (w *Worker) close(c *client, why session.CloseReason) {
	if !c.closed {
		w.out.CloseClients = append(w.out.CloseClients, c.ref.ID)
		w.forget(c, why)
	}
}

// forget removes a client. Its tickets stay on their lanes; their replies find nobody.
func (w *Worker) forget(c *client, why session.CloseReason) {
	c.closed = true
	w.unpark(c)
	w.notHeld(c, &w.stats.HoldLeft)
	if c.Ending || c.HalfClosed {
		w.endings--
	}
	if c.pin != nil {
		w.unpin(c)
	}
	w.unlisten(c)
	w.unmonitor(c)
	w.stats.ClientsClosed[why]++
	for i := range c.flights {
		if l := c.flights[i].lane; l.Paused {
			w.pool.Read(l, true)
		}
	}
	c.Output.Drop(w.blocks)
	c.pushes.Drop(w.blocks)
	c.Input.Forget()
	c.retries, c.splits, c.flights, c.withheld = nil, nil, nil, nil
	w.clients[c.ref.ID] = nil
	w.freed[0] = append(w.freed[0], c.ref.ID)
	w.open--
}

// end stops reading from a client and closes it when all it is owed has been written.
func (w *Worker) end(c *client, why session.CloseReason) {
	if c.Ending || c.closed {
		return
	}
	if !c.HalfClosed {
		w.leaves(c)
	}
	c.Ending, c.Why = true, why
	c.Input.Forget()
	w.unlisten(c)
	w.finished(c)
}

// leaves bounds the stay of a client that is to go, see sweep.
func (w *Worker) leaves(c *client) {
	c.ActiveAt = w.clock.Now
	w.endings++
	w.clock.At(w.sweepAt)
}

// deliver hands a whole reply to its client, now or when its turn comes.
func (w *Worker) deliver(c *client, seq uint32, reply []byte) {
	c.Weigh(len(reply))
	if !c.Replies.AtFront(seq) {
		c.Replies.Keep(seq, reply)
		w.checkOutput(c)
		return
	}
	w.pass(c, reply)
	w.flush(c)
}

// flush hands over the replies whose turn has come.
func (w *Worker) flush(c *client) {
	for {
		reply, ok := c.Replies.Ready()
		if !ok {
			break
		}
		w.pass(c, reply)
	}
	if c.Output.Len() > 0 { // nothing where it was dropped
		w.dirtyClient(c)
	}
	w.checkOutput(c)
	if c.Reason == wait.OwedTooMuch && w.owesLittle(c) {
		w.wake(c)
	}
}

// checkOutput holds a client to its output limit, and goes on reading one that has replies to read.
func (w *Worker) checkOutput(c *client) {
	if c.holds() > w.conf.OutputBytesMax {
		w.close(c, session.OutputLimit)
	} else if c.paused {
		w.pace(c)
	}
}

// holds is how many bytes of replies and messages are kept for a client.
func (c *client) holds() int {
	n := c.Output.Len() + c.Replies.KeptBytes() + c.withheld.size() + c.pushes.Len()
	for i := range c.flights { // a redirection may have two shards on one connection
		l := c.flights[i].lane
		if !slices.ContainsFunc(c.flights[:i], func(f flight) bool { return f.lane == l }) {
			n += c.assembled(l)
		}
	}
	return n
}

// assembled is how much a lane has of a reply to this client that must be whole before it is handed on.
func (c *client) assembled(l *upstream.Conn) int {
	if len(l.Reply) == 0 {
		return 0
	}
	if t := l.Inflight.Front(); t == nil || t.To != c.ref {
		return 0
	}
	return len(l.Reply)
}

// answer gives the gateway's own reply to the request that is being read.
func (w *Worker) answer(c *client, reply []byte) {
	w.deliver(c, c.Replies.Reserve(), reply)
}

// owedTooMuch says that a client must be given replies, or read them, before its next request is sent.
func (w *Worker) owedTooMuch(c *client) bool {
	return c.OwedTooMuch(c.underWay()) || c.Output.Len() > owedBytes
}

func (w *Worker) owesLittle(c *client) bool {
	return c.OwedLittle(c.underWay()) && c.Output.Len() <= owedBytes/2
}

// underWay is how many replies may come without anything more being sent: what must be retried has a place among
// them, too, and is not.
func (c *client) underWay() (n int) {
	if len(c.retries) == 0 {
		return c.Replies.Owed()
	}
	for i := range c.flights {
		n += int(c.flights[i].owed)
	}
	return n
}

// wake puts a parked session on the list of those that run before the round ends.
func (w *Worker) wake(c *client) {
	if !c.closed {
		w.clock.Wake(c.ref, &c.Place)
	}
}

// resume goes on with a session that was parked: first what must be retried, then what it has not been read yet.
func (w *Worker) resume(c *client) {
	if (len(c.retries) == 0 || w.runRetries(c)) && !c.closed && !c.Ending {
		w.runUnread(c)
	}
	if c.HalfClosed {
		w.goOnHalfClosed(c)
	}
}

// flightOf returns the flight of a shard, or nil.
func (c *client) flightOf(shard int) *flight {
	for i := range c.flights {
		if int(c.flights[i].shard) == shard {
			return &c.flights[i]
		}
	}
	return nil
}

// landed counts one reply of a flight. When it was the last the session may have waited for it.
func (w *Worker) landed(c *client, shard int16) {
	for i := range c.flights {
		if c.flights[i].shard != int32(shard) {
			continue
		}
		c.flights[i].owed--
		if c.flights[i].owed == 0 {
			last := len(c.flights) - 1
			c.flights[i] = c.flights[last]
			c.flights = c.flights[:last]
			if c.Reason == wait.InFlight || c.Reason == wait.Blocked || len(c.retries) > 0 && len(c.flights) == 0 {
				w.wake(c)
			}
		}
		break
	}
	if c.Reason == wait.OwedTooMuch && w.owesLittle(c) {
		w.wake(c)
	}
	w.finished(c)
}

// finished closes a client that was to end and has been given all it is owed.
func (w *Worker) finished(c *client) {
	if c.Ending && !c.closed && c.Replies.Owed() == 0 && c.Output.Len() == 0 {
		w.close(c, c.Why)
	}
}
