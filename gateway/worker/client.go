package worker

import (
	"slices"

	"evergate/gateway/facade"
	"evergate/gateway/hold"
	"evergate/gateway/session"
)

const (
	// pauseBytes is how much a parked client may send before the loop stops reading from it.
	pauseBytes = 64 << 10
	// owedMax is how many replies a client may be owed before its next request waits.
	owedMax = 4096
	// owedBytes is how many reply bytes may wait for a client before its next request waits.
	owedBytes = 1 << 20

	parkedOwed = session.OwedTooMuch
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
	s, hold, face := w.behind(door)
	c := &client{
		ref: ClientRef{id, w.nextSeen}, svc: s, hold: hold, door: int32(door), face: face, number: w.env.ClientNumber(),
		remote: remote, local: local, carefulSlot: -1,
	}
	c.Proto, c.Authenticated = 2, !s.AsksPassword
	c.OpenedAt, c.ActiveAt = w.now, w.now
	w.clients[id] = c
	w.open++
	w.stats.ClientsOpened++
	if w.conf.IdleMax > 0 || !c.Authenticated && w.conf.AuthMax > 0 {
		w.at(w.sweepAt)
	}
	return id
}

// behind returns the service that a client came to, how its requests wait, and what the listener pretends to be.
func (w *Worker) behind(door int) (*service, Hold, *facade.Face) {
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
	c.ActiveAt = w.now
	w.stats.ClientInBytes += uint64(len(b))
	if len(c.Unread) == 0 && c.Parked == session.Running && len(c.again) == 0 {
		n := w.run(c, b)
		w.keep(c, b[n:])
		return
	}
	for len(b) > 0 && !c.closed {
		take := len(b)
		if need := c.scan.Need() - int64(len(c.Unread)); need > 0 {
			take = int(min(int64(take), need)) // so that a big frame ends where its buffer does
		}
		w.keep(c, b[:take])
		b = b[take:]
		if !c.closed && c.Parked == session.Running && len(c.again) == 0 {
			w.runUnread(c)
		}
	}
}

// keep appends bytes that cannot be understood yet.
func (w *Worker) keep(c *client, b []byte) {
	if len(b) == 0 || c.closed || c.Ending {
		return
	}
	have := len(c.Unread) + len(b)
	if have > w.conf.QueryBytesMax {
		w.close(c, session.QueryLimit)
		return
	}
	if cap(c.Unread) < have {
		larger := append(w.blocks.Take(roomFor(int64(have), c.scan.Need())), c.Unread...)
		w.blocks.Give(c.Unread)
		c.Unread = larger
	}
	c.Unread = append(c.Unread, b...)
	w.weigh(c)
	if (c.Parked != session.Running || len(c.again) > 0) && len(c.Unread) > pauseBytes {
		w.pause(c, true)
	}
}

// roomFor is how large to make a buffer that holds have bytes of a frame of need bytes (0: not known). The whole frame
// gets its room when a sixteenth of it has come: an announcement alone costs nothing, and what was copied on the way
// is small beside the frame.
func roomFor(have, need int64) int {
	switch {
	case need <= have:
		return int(max(512, have+have/4))
	case have*16 >= need || need <= 4<<10:
		return int(need)
	}
	return int(max(have, min(have*8, need/16)))
}

// runUnread understands what was kept.
func (w *Worker) runUnread(c *client) {
	if len(c.Unread) == 0 {
		return
	}
	n := w.run(c, c.Unread)
	switch {
	case c.Unread == nil: // it was handed to a lane, or the client has left
	case n >= len(c.Unread):
		w.blocks.Give(c.Unread)
		c.Unread = nil
	default:
		c.Unread = c.Unread[n:]
	}
	w.weigh(c)
	if c.Parked == session.Running || len(c.Unread) <= pauseBytes {
		w.pause(c, false)
	}
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
	if c.Ending {
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
			w.readLane(l, true)
		}
	}
	w.blocks.Give(c.out)
	w.blocks.Give(c.pushes)
	c.pushes = nil
	c.out, c.Unread, c.again, c.splits, c.flights, c.withheld = nil, nil, nil, nil, nil, nil
	w.clients[c.ref.ID] = nil
	w.freed[0] = append(w.freed[0], c.ref.ID)
	w.open--
}

// end stops reading from a client and closes it when all it is owed has been written.
func (w *Worker) end(c *client, why session.CloseReason) {
	if c.Ending || c.closed {
		return
	}
	c.Ending, c.Why, c.ActiveAt = true, why, w.now
	w.endings++
	w.at(w.sweepAt)
	c.Unread = nil
	w.unlisten(c)
	w.finished(c)
}

// ClientEnded says that a client will send nothing more but may still read (printf | nc): what it is owed is finished,
// what it waits for is not begun.
func (w *Worker) ClientEnded(id uint32) {
	c := w.clients[id]
	switch {
	case c == nil:
	case c.Parked != session.Running || len(c.again) > 0 || w.isBlocked(c):
		w.close(c, session.ClientLeft)
	default:
		w.end(c, session.ClientLeft)
	}
}

// deliver hands a whole reply to its client, now or when its turn comes.
func (w *Worker) deliver(c *client, seq uint32, reply []byte) {
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
	if c.sent < len(c.out) { // nothing where it was dropped
		w.dirtyClient(c)
	}
	w.checkOutput(c)
}

func (w *Worker) checkOutput(c *client) {
	if len(c.out)-c.sent+c.Replies.KeptBytes()+c.withheld.size()+len(c.pushes) > w.conf.OutputBytesMax {
		w.close(c, session.OutputLimit)
	}
}

// answer gives the gateway's own reply to the request that is being read.
func (w *Worker) answer(c *client, reply []byte) {
	w.deliver(c, c.Replies.Reserve(), reply)
}

func (w *Worker) owesLittle(c *client) bool {
	return c.Replies.Owed() <= owedMax/2 && len(c.out)-c.sent <= owedBytes/2
}

// wake puts a parked session on the list of those that run before the round ends.
func (w *Worker) wake(c *client) {
	if !c.queued && !c.closed {
		c.queued = true
		w.ready = append(w.ready, c.waiter())
	}
}

func (c *client) waiter() hold.Waiter {
	return hold.Waiter{Session: c.ref.ID, Generation: c.ref.Generation}
}

// resume goes on with a session that was parked: first what must be done again, then what it has not been read yet.
func (w *Worker) resume(c *client) {
	if len(c.again) > 0 && !w.runAgain(c) {
		return
	}
	if !c.closed && !c.Ending {
		w.runUnread(c)
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
			if c.Parked == session.Flight || c.Parked == session.Blocked || len(c.again) > 0 && len(c.flights) == 0 {
				w.wake(c)
			}
		}
		break
	}
	if c.Parked == parkedOwed && w.owesLittle(c) {
		w.wake(c)
	}
	w.finished(c)
}

// finished closes a client that was to end and has been given all it is owed.
func (w *Worker) finished(c *client) {
	if c.Ending && !c.closed && c.Replies.Owed() == 0 && c.sent == len(c.out) {
		w.close(c, c.Why)
	}
}
