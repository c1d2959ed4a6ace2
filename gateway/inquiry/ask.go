package inquiry

import (
	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What the catalog of a service lacks a server is asked, any primary, while the sessions that need it wait. What nobody
// knows is answered in Redis's words.

// Outcome is how far the gateway is with what only a server can tell.
type Outcome uint8

const (
	Known    Outcome = iota // it is known
	Blocked                 // a server is being asked; the command is read again
	Answered                // it could not be asked, and the client was told
)

// Command finds the row of a command that the table does not have; nil when nobody knows it.
func (q *Inquiries) Command(c *sessions.Session, args [][]byte) (*routing.Command, Outcome) {
	row, state := c.Service.Catalog.Command(args, q.clock.Now)
	switch state {
	case catalog.Failed:
		q.x.Answer(c, c.Service.Loading("no server could describe the command"))
		return nil, Answered
	case catalog.Ask:
		return nil, q.inquire(c, catalog.OfCommand(args))
	}
	return row, Known
}

// Keys has a server tell the keys of a request. If the server rejects COMMAND GETKEYS, its error
// is the reply.
func (q *Inquiries) Keys(c *sessions.Session, args [][]byte) Outcome {
	err, state := c.Service.Catalog.KeysError(args, q.clock.Now)
	if state == catalog.Ask && sizeOf(args) > upstream.BigBytes {
		err, state = keysUnasked, catalog.Unknown
	}
	if state == catalog.Ask {
		return q.inquire(c, catalog.OfKeys(args))
	}
	q.x.Refuse(c, err)
	return Answered
}

// Multi has a server tell whether the user of a session may execute transactions, if each user has connections of its
// own. Without the right the commands would be executed one by one.
func (q *Inquiries) Multi(c *sessions.Session) Outcome {
	if c.Service.As == nil || c.Multi != nil || c.Service.Catalog.Multi(q.clock.Now) == catalog.Known {
		return Known
	}
	return q.inquire(c, catalog.OfTransactions())
}

var keysUnasked = resp.AppendError(nil, "ERR evergate: only a server can report the keys of the command, and it is "+
	"too long for COMMAND GETKEYS; it was not executed")

func sizeOf(args [][]byte) (n int) {
	for _, a := range args {
		n += len(a)
	}
	return n
}

// Done turns an Outcome into the result of a step: true, the client was answered.
func (q *Inquiries) Done(c *sessions.Session, how Outcome) bool {
	if c.Multi != nil && how == Answered {
		c.Multi.Abort()
	}
	return how == Answered
}

// inquire puts a question to any primary, or joins the sessions for which it was.
func (q *Inquiries) inquire(c *sessions.Session, about catalog.Question) Outcome {
	if q.joins(c, about) {
		return Blocked
	}
	var l *upstream.Conn
	why := upstream.NoView
	if c.Service.View != nil {
		l, why = q.pickAny(c)
	}
	if l == nil {
		if q.x.Unavailable(c, 0, why) {
			return Answered
		}
		return Blocked
	}
	q.question(c, l, about)
	return Blocked
}

// pickAny finds a connection to the primary of any shard; if there is none, why is that of
// the first shard.
func (q *Inquiries) pickAny(c *sessions.Session) (l *upstream.Conn, why upstream.Obstacle) {
	if l, why = c.Service.Pick(c.Setup(), 0, nil, upstream.Anybody); l != nil {
		return l, why
	}
	for shard := 1; shard < len(c.Service.View.Shards); shard++ {
		if l, _ := c.Service.Pick(c.Setup(), shard, nil, upstream.Anybody); l != nil {
			return l, upstream.Free
		}
	}
	return nil, why
}

// joins blocks a session with those that wait for the answer to a question that is being asked.
func (q *Inquiries) joins(c *sessions.Session, about catalog.Question) bool {
	if !c.Service.Catalog.Join(about, c.Ref) {
		return false
	}
	q.x.Block(c, wait.Asking)
	return true
}

// question puts a question to a server, for a session that is blocked until its answer.
func (q *Inquiries) question(c *sessions.Session, l *upstream.Conn, about catalog.Question) {
	tag, frame, ahead := c.Service.Catalog.Ask(about, c.Ref, l.Key.DB)
	q.pool.Ask(l, frame, tag, ahead)
	q.x.Block(c, wait.Asking)
}

// Take takes the reply to what the worker itself has asked; nil when the connection was lost. On a dedicated
// connection it is the reply to SELECT or HELLO, see SetUp.
func (q *Inquiries) Take(l *upstream.Conn, tag uint32, reply []byte) {
	if l.Key.Purpose == upstream.Dedicated {
		q.changed(l, reply)
		return
	}
	q.x.WakeAll(q.x.Served(l).Catalog.Take(tag, reply, q.clock.Now))
}
