package worker

import (
	"evergate/gateway/catalog"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What the catalog of a service lacks a server is asked, any primary, while the sessions that need it wait. What nobody
// knows is answered in Redis's words.

// inquiry is how far the gateway is with what only a server can tell.
type inquiry uint8

const (
	settled  inquiry = iota // it is known
	parked                  // a server is being asked; the command is read again
	answered                // it could not be asked, and the client was told
)

// learn finds the row of a command that the table does not have; nil when nobody knows it.
func (w *Worker) learn(c *exchange.Session, args [][]byte) (*routing.Command, inquiry) {
	row, state := c.Service.Catalog.Command(args, w.clock.Now)
	switch state {
	case catalog.Failed:
		w.x.Answer(c, c.Service.Loading("the server cannot say what the command is"))
		return nil, answered
	case catalog.Ask:
		return nil, w.inquire(c, catalog.OfCommand(args))
	}
	return row, settled
}

// learnKeys has a server tell the keys of a request. What the server has against it is the answer.
func (w *Worker) learnKeys(c *exchange.Session, args [][]byte) inquiry {
	err, state := c.Service.Catalog.KeysError(args, w.clock.Now)
	if state == catalog.Ask && sizeOf(args) > exchange.BigBytes {
		err, state = keysUnasked, catalog.Unknown
	}
	if state == catalog.Ask {
		return w.inquire(c, catalog.OfKeys(args))
	}
	w.x.Refuse(c, err)
	return answered
}

var keysUnasked = resp.AppendError(nil, "ERR evergate: only a server can report the keys of the command, and it is "+
	"too long for COMMAND GETKEYS; it was not executed")

func sizeOf(args [][]byte) (n int) {
	for _, a := range args {
		n += len(a)
	}
	return n
}

// inquired is what comes of a request about which a server must be asked first.
func (w *Worker) inquired(c *exchange.Session, how inquiry) bool {
	if c.Multi != nil && how == answered {
		c.Multi.Aborted = true
	}
	return how == answered
}

// inquire puts a question to any primary, or joins the sessions for which it was.
func (w *Worker) inquire(c *exchange.Session, q catalog.Question) inquiry {
	if w.joins(c, q) {
		return parked
	}
	var l *upstream.Conn
	why := upstream.NoView
	if c.Service.View != nil {
		l, why = w.pickAny(c)
	}
	if l == nil {
		if w.x.Unavailable(c, 0, why) {
			return answered
		}
		return parked
	}
	w.question(c, l, q)
	return parked
}

// pickAny finds a lane to the primary of any shard; why there is none is said of the first.
func (w *Worker) pickAny(c *exchange.Session) (l *upstream.Conn, why upstream.Obstacle) {
	if l, why = c.Service.Pick(c.Setup(), 0, false, upstream.Anybody); l != nil {
		return l, why
	}
	for shard := 1; shard < len(c.Service.View.Shards); shard++ {
		if l, _ := c.Service.Pick(c.Setup(), shard, false, upstream.Anybody); l != nil {
			return l, upstream.Free
		}
	}
	return nil, why
}

// joins parks a session with those that wait for the answer to a question that is being asked.
func (w *Worker) joins(c *exchange.Session, q catalog.Question) bool {
	if !c.Service.Catalog.Join(q, c.Ref) {
		return false
	}
	w.x.Block(c, wait.Asking)
	return true
}

// question puts a question to a server, for a session that is parked until its answer.
func (w *Worker) question(c *exchange.Session, l *upstream.Conn, q catalog.Question) {
	tag, frame, ahead := c.Service.Catalog.Ask(q, c.Ref, l.Key.DB)
	w.internally(l, frame, tag, ahead)
	w.x.Block(c, wait.Asking)
}

// internally puts a command of the worker's own on a lane. took gets the reply.
func (w *Worker) internally(l *upstream.Conn, frame []byte, tag, ahead uint32) {
	end := l.Queue.Append(frame)
	t := l.Inflight.Push()
	t.End, t.Seq, t.Flags, t.Part, t.Slot, t.Ahead = end, tag, upstream.Internal, -1, -1, ahead
	w.pool.Dirty(l)
}

// took takes the reply to what the worker itself has asked; nil when the connection was lost. On a private lane that is
// to be set up otherwise.
func (w *Worker) took(l *upstream.Conn, tag uint32, reply []byte) {
	if l.Key.Purpose == upstream.Dedicated {
		w.wentAlong(l, reply)
		return
	}
	w.x.WakeAll(w.services[l.Key.Service].Catalog.Take(tag, reply, w.clock.Now))
}
