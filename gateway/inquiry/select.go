package inquiry

import (
	"strconv"

	"evergate/gateway/catalog"
	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// SELECT is answered here: a session that has chosen a database is served by connections to that database. Whether
// there is one of that number only a server can say, in a cluster too, where Valkey has several since 9.0. It is
// asked once, on a shared connection and without leaving a trace there: a transaction selects it and goes back.

// Select answers SELECT. It returns false when the session was blocked.
func (q *Inquiries) Select(c *sessions.Session, arg []byte) bool {
	n, ok := resp.Integer(arg)
	reply := resp.OK
	switch {
	case !ok:
		reply = resp.NotInteger
	case int64(int32(n)) != n:
		reply = noInt32
	case n < 0:
		reply = noSuchDB
	case n == int64(c.DB):
	case c.Service.View == nil:
		return q.x.Unavailable(c, -1, upstream.NoView)
	case n != 0 && !c.Service.View.Sharded && c.Role.Is(facade.Cluster):
		reply = oneDatabase
	case n > 0:
		err, state := c.Service.Catalog.Database(int32(n), q.clock.Now)
		if state == catalog.Ask {
			return q.inquire(c, catalog.OfDatabase(int32(n))) == Answered
		}
		if state == catalog.Unknown {
			reply = err
			break
		}
		fallthrough
	default:
		if !q.SetUp(c, upstream.Setup{Proto: c.Proto, DB: int32(n)}) {
			return false
		}
	}
	q.x.AnswerLocal(c, reply)
	return true
}

var noInt32 = []byte("-ERR value is out of range, value must between -2147483648 and 2147483647\r\n")

var noSuchDB = []byte("-ERR DB index is out of range\r\n")

// SetUp has a session served in another protocol or database from now on; the connections for it are dialled while the
// client reads the answer. One that watches keys for the session goes along, since no other would know of them: its
// server is told first. It returns false when the session was blocked for that.
func (q *Inquiries) SetUp(c *sessions.Session, to upstream.Setup) bool {
	l := c.Dedicated()
	if l != nil && l.State == upstream.Open && l.Now != to && c.Watch.Intact() {
		frame := resp.AppendCommandStrings(nil, "SELECT", strconv.Itoa(int(to.DB)))
		if l.Now.Proto != to.Proto {
			frame = resp.AppendCommandStrings(nil, "HELLO", strconv.Itoa(int(to.Proto)))
		}
		q.pool.AskSetup(l, to, frame)
		q.x.Block(c, wait.Asking)
		return false
	}
	c.SwitchTo(to.Proto, to.DB)
	c.Service.DialAhead(to)
	return true
}

// changed takes the answer of a server whose connection was to be set up otherwise; nil when it was lost. Where it
// would not, the watch is broken.
func (q *Inquiries) changed(l *upstream.Conn, reply []byte) {
	c, agreed := q.x.Session(l.Owner), reply != nil && reply[0] != '-'
	l.SetUp(agreed)
	if !agreed && c != nil && c.Dedicated() == l {
		c.Watch.Break()
	}
	if c != nil && c.Reason == wait.Asking {
		q.x.Wake(c)
	}
}

// oneDatabase is what a node of a cluster answers to SELECT of another than 0.
var oneDatabase = []byte("-ERR SELECT is not allowed in cluster mode\r\n")
