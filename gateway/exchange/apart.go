package exchange

import (
	"bytes"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A server may close a connection for what one client asks: the request is longer than it takes, or the reply longer
// than its client-output-buffer-limit lets it be; a request may even end the server. On a shared connection that
// harms all who have something under way there. So a request goes apart that is long, or that a connection has ended
// on: on a connection on which nothing of others is. The first time nobody knows which request it was, and all reads
// that were sent are suspects: each session's go together, with nobody else's. What is closed on again, alone, is
// answered, unless the server has died. One connection is always left to all the others.

const (
	// livesAfter is how long a server's other connections must stay open after one has ended to tell that it lives.
	livesAfter = time.Second
	// livesEvery is how often that is looked at.
	livesEvery = 5 * time.Millisecond
)

// closedWhileSending answers what the server's query buffer may be too small for: it says nothing then.
var closedWhileSending = resp.AppendError(nil, "ERR evergate: the server closed two connections while it received "+
	"the command, which may exceed its client-query-buffer-limit; the command was not executed")

var protocolError = []byte("-ERR Protocol error: ")

// Company is who may share a connection with a request of this length, on which that many connections have ended.
func (c *Session) Company(length int, cost uint8) upstream.Company {
	switch {
	case length > BigBytes || cost > 1:
		return upstream.Nobody
	case cost > 0 || c.Costly:
		return upstream.OwnSession
	}
	return upstream.Anybody
}

// costs says that a request may be what a server closed a connection on: it was under way there, or it is long and was
// being sent, and can be retried. What blocks says nothing: it waits for long, on a connection of its own.
func costs(l *upstream.Conn, r *upstream.Lost, front bool, why upstream.LostReason) bool {
	if why != upstream.PeerClosed || l.Retiring || r.Fate != upstream.Again {
		return false
	}
	if l.Queue.Sent(r.Pending.End) {
		return r.Pending.Flags&upstream.Blocking == 0
	}
	return front && l.Queue.Begun() && len(r.Frame) > BigBytes
}

// endedTwice answers a request that a second connection has ended on, if its server lives: then it has closed both
// because of it. One that died, or was killed, says nothing about the request, and the next server is asked. unknown
// says that it is not known yet.
func (r *Retries) endedTwice(c *Session, a *retry.Entry) (answered, unknown bool) {
	if a.Ended.At == 0 {
		return false, false
	}
	lives := r.x.clock.Now-a.Ended.At >= livesAfter
	var open *upstream.Conn
	for l := range r.x.pool.All {
		if l.State == upstream.Open && leadsTo(c.Service, l, &a.Ended) {
			open = l // its end may not have been seen yet
			// One that was being made by then, and is only heard of now, tells nothing.
			lives = lives || l.OpenedAt > a.Ended.At && l.DialledAt >= a.Ended.At
		}
	}
	switch {
	case open == nil:
		return false, false
	case !lives:
		r.x.pool.TryServer(open)
		return false, true
	}
	c.Costly = true // the next one of this client may be like it
	text := closedWhileSending
	if a.Ended.Sent {
		text = lostTooOften
	}
	r.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, text)
	return true, false
}

// leadsTo says that a shared connection leads to the server that has ended a connection, and not to another one at its
// address.
func leadsTo(s *Service, l *upstream.Conn, e *retry.Ended) bool {
	shared := l.Key.Purpose == upstream.Primary || l.Key.Purpose == upstream.Replica
	return shared && l.Key.Service == s.Index && l.Key.Node == e.Node && l.RunID == e.RunID
}

// LastWord deals with what a server says before it closes: it takes the request in front for a breach of the protocol,
// and reads nothing behind it. It may come before the request was sent whole. It returns false for any other reply; a
// script can word its error like that.
func (x *Exchange) LastWord(l *upstream.Conn, reply []byte) bool {
	t := l.Inflight.Front()
	if !bytes.HasPrefix(reply, protocolError) || t == nil || !l.Queue.Begun() {
		return false
	}
	if l.Queue.Sent(t.End) {
		x.args = resp.Args(l.Queue.Frame(l.Queue.AnsweredTo(), t.End), x.args[:0])
		if command := routing.Lookup(x.args); command == nil || command.Has(routing.RunsScript) {
			return false
		}
	}
	x.refusedWith(l, reply)
	return true
}

// refusedWith gives a server's last word to the client whose request it is about, and closes that client as the server
// would. Nothing behind it was read: all of that is retried.
func (x *Exchange) refusedWith(l *upstream.Conn, reply []byte) {
	answered := false
	for _, r := range l.Lost(false) {
		t := &r.Pending
		if t.Flags&upstream.Internal != 0 {
			x.conf.Verbs.Internal(l, t.Seq, nil)
			continue
		}
		c := x.Session(t.To)
		switch {
		case t.Flags&upstream.Quiet != 0: // ahead of what it is for
			continue
		case answered && c != nil:
			x.retryLost(c, l, &r, retry.Ended{})
		case c != nil:
			x.Settle(c, t, reply)
			x.End(c, session.ProtocolError)
		}
		answered = true
		if c != nil && !c.closed {
			x.Landed(c, t.Shard)
		}
	}
	x.pool.HangUp(l)
	x.pool.StartOver(l, upstream.Refused)
}
