package worker

import (
	"bytes"
	"strconv"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/wait"
)

// SELECT is answered here: a session that has chosen a database is served by lanes to that database. Whether there is
// one of that number only a server can say, in a cluster too, where Valkey has several since 9.0. It is asked once, on
// a shared lane and without leaving a trace there: a transaction selects it and goes back.

// database is what a server said of a database; said is its error, empty when there is one.
type database struct {
	said []byte
	at   time.Duration
}

// databasesMax bounds what is remembered of a service's databases; past it everything is forgotten and asked anew.
const databasesMax = 1024

// selectDB answers SELECT. It returns false when the session was parked.
func (w *Worker) selectDB(c *client, arg []byte) bool {
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
	case c.svc.view == nil:
		return w.mayNot(c, -1, noView)
	case n != 0 && !c.svc.view.Sharded && c.face.Is(facade.Cluster):
		reply = oneDatabase
	case n > 0:
		known := c.svc.databases[int32(n)]
		if known == nil || len(known.said) > 0 && w.clock.Now-known.at >= unknownFor {
			return w.askDatabase(c, int32(n))
		}
		if len(known.said) > 0 {
			reply = known.said
			break
		}
		fallthrough
	default:
		if !w.setUp(c, backend.Setup{Proto: c.Proto, DB: int32(n)}) {
			return false
		}
	}
	w.stats.Local++
	w.answer(c, reply)
	return true
}

var noInt32 = []byte("-ERR value is out of range, value must between -2147483648 and 2147483647\r\n")

var noSuchDB = []byte("-ERR DB index is out of range\r\n")

// askDatabase parks a session until a server has said whether there is a database.
func (w *Worker) askDatabase(c *client, n int32) bool {
	q := question{svc: c.svc, name: "select " + strconv.Itoa(int(n)), database: n}
	if w.joinQuestion(c, q) {
		return false
	}
	l, why := w.pickAny(c)
	if l == nil {
		return w.mayNot(c, 0, why)
	}
	frame := resp.AppendCommandStrings(nil, "MULTI")
	frame = resp.AppendCommandStrings(frame, "SELECT", strconv.Itoa(int(n)))
	frame = resp.AppendCommandStrings(frame, "SELECT", strconv.Itoa(int(l.Key.DB)))
	frame = resp.AppendCommandStrings(frame, "EXEC")
	w.question(l, q, frame, 3)
	w.joinQuestion(c, q)
	return false
}

// learntDatabase takes the reply to that transaction; nil when the lane died.
func (w *Worker) learntDatabase(s *service, n int32, reply []byte) {
	d := &database{at: w.clock.Now}
	switch {
	case reply == nil, reply[0] == '-' && retry.Classify(reply, false) == retry.Unable:
		return // it is asked again
	case reply[0] == '-': // the gateway's user may not say this
		d.said = bytes.Clone(reply)
	default:
		if elements, ok := resp.Elements(reply); ok && len(elements) > 0 && elements[0][0] == '-' {
			d.said = bytes.Clone(elements[0])
		}
	}
	if len(s.databases) >= databasesMax {
		clear(s.databases)
	}
	s.databases[n] = d
}

// setUp has a session served in another protocol or database from now on; the connections for it are dialled while the
// client reads the answer. One that watches keys for the session goes along, since no other would know of them: its
// server is told first. It returns false when the session was parked for that.
func (w *Worker) setUp(c *client, to backend.Setup) bool {
	l := c.pin
	if l != nil && l.State == backend.Open && l.Now != to && c.Watch != nil && !c.Watch.Broken {
		q := question{svc: c.svc, name: "set up " + strconv.FormatUint(uint64(l.ID), 10), lane: l, setup: to}
		if w.joinQuestion(c, q) {
			return false
		}
		frame := resp.AppendCommandStrings(nil, "SELECT", strconv.Itoa(int(to.DB)))
		if l.Now.Proto != to.Proto {
			frame = resp.AppendCommandStrings(nil, "HELLO", strconv.Itoa(int(to.Proto)))
		}
		w.question(l, q, frame, 0)
		w.joinQuestion(c, q)
		return false
	}
	c.Proto, c.DB = to.Proto, to.DB
	if c.svc.view != nil {
		w.routesFor(c.svc, to)
	}
	return true
}

// wentAlong takes the answer of a server whose connection was to be set up otherwise; nil when it was lost. Where it
// would not, the watch is broken.
func (w *Worker) wentAlong(l *backend.Lane, to backend.Setup, reply []byte) {
	if reply != nil && reply[0] != '-' {
		l.Now, l.Once = to, true
		return
	}
	if c := w.client(l.Owner); c != nil && c.pin == l && c.Watch != nil {
		c.Watch.Broken = true
	}
}

// joinQuestion parks a session with those who wait for the answer to a question that is being asked.
func (w *Worker) joinQuestion(c *client, q question) bool {
	for i := range w.asking {
		if asked := &w.asking[i]; asked.svc == q.svc && asked.name == q.name && asked.keys == q.keys {
			w.park(c, wait.Asking)
			w.asking[i].waiters = append(w.asking[i].waiters, c.ref)
			return true
		}
	}
	return false
}

// question puts a question to a server.
func (w *Worker) question(l *backend.Lane, q question, frame []byte, ahead uint32) {
	at := len(w.asking)
	for i := range w.asking {
		if w.asking[i].svc == nil {
			at = i
			break
		}
	}
	if at == len(w.asking) {
		w.asking = append(w.asking, question{})
	}
	w.asking[at] = q
	end := l.Queue.Append(frame)
	t := l.Inflight.Push()
	t.End, t.Seq, t.Flags, t.Part, t.Slot, t.Ahead = end, uint32(at), backend.Internal, -1, -1, ahead
	w.dirtyLane(l)
}
