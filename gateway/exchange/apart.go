package exchange

import (
	"bytes"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A server may close a connection because of what one client asks: the request is longer than its query buffer, the
// reply is longer than its client-output-buffer-limit, or the request even ends the server. On a shared connection that
// harms all sessions with requests in flight there. So a long request, or one that a connection has ended on, is sent
// in isolation: on a connection that nothing else is in flight on. The first time the culprit is unknown, and all reads
// that were sent are suspect: those of one session are retried together, apart from all other sessions. A request on
// which a second connection ends while it is alone there gets an error, unless the server itself has died, or had
// opened that connection before the first one ended. One connection is always left to everything else.

const (
	// livesAfter is how long the other connections to a server must stay open after one has ended to show that it
	// lives.
	livesAfter = time.Second
	// livesEvery is how often that is checked.
	livesEvery = 5 * time.Millisecond
)

// closedWhileSending is the error for a request that may exceed the server's query buffer: then a server closes without
// an error.
var closedWhileSending = resp.AppendError(nil, "ERR evergate: the server closed two connections while it received "+
	"the command, which may exceed its client-query-buffer-limit; the command was not executed")

var protocolError = []byte("-ERR Protocol error: ")

// costs reports whether a request can be why a server closed its connection: it was sent, or it is long and was being
// sent, and it can be retried. A blocking command is never suspect: it is in flight for long, on a connection of its
// own.
func costs(l *upstream.Conn, r *upstream.Lost, front bool, why upstream.LostReason) bool {
	if why != upstream.PeerClosed || l.Retiring || r.Fate != upstream.Retriable {
		return false
	}
	if l.Queue.Sent(r.Pending.End) {
		return r.Pending.Flags&upstream.Blocking == 0
	}
	return front && l.Queue.Begun() && len(r.Frame) > upstream.BigBytes
}

// endedTwice answers a request on which a second connection has ended, if its server lives: then the request is why.
// The end of a server that died, or was killed, has other reasons; the request is then retried on the next one. unknown
// reports that it is not known yet whether the server lives.
func (r *Retries) endedTwice(c *sessions.Session, a *retry.Entry) (answered, unknown bool) {
	if a.Ended.At == 0 {
		return false, false
	}
	lives := r.x.clock.Now-a.Ended.At >= livesAfter
	var open *upstream.Conn
	for l := range r.x.pool.All {
		if l.State == upstream.Open && leadsTo(c.Service, l, &a.Ended) {
			open = l // it may have ended, too, without its end having been read
			// One that was being dialled when the other ended may have been accepted before the server died.
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
	c.Suspect() // the next request of this client may be like this one
	text := closedWhileSending
	if a.Ended.Sent {
		text = lostTooOften
	}
	r.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, text)
	return true, false
}

// leadsTo reports whether a shared connection leads to the server, in the same run, that closed a connection.
func leadsTo(s *sessions.Service, l *upstream.Conn, e *retry.Ended) bool {
	shared := l.Key.Purpose == upstream.Primary || l.Key.Purpose == upstream.Replica
	return shared && l.Key.Service == s.Index && l.Key.Node == e.Node && l.RunID == e.RunID
}

// LastWord handles the error that a server sends before it closes a connection: it takes the request at the front for a
// breach of the protocol, and reads nothing behind it. The error may come before the request was sent whole. It returns
// false for any other reply, and for one of a script, which can have the same words.
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

// refusedWith answers the request at the front with the error that its server closes the connection with, and closes
// the client, as the server would. Nothing behind it was read: all of that is retried.
func (x *Exchange) refusedWith(l *upstream.Conn, reply []byte) {
	answered := false
	x.GiveUpHedged(l)
	x.LostUnconfirmed(l) // they are older
	for _, r := range l.Lost(false) {
		t := &r.Pending
		if t.Flags&upstream.Internal != 0 {
			x.conf.Verbs.Internal(l, t.Seq, nil)
			continue
		}
		c := x.Session(t.To)
		switch {
		case t.Flags&upstream.Quiet != 0: // it belongs to the request behind it
			continue
		case answered && c != nil:
			x.retryLost(c, l, &r, retry.Ended{})
		case c != nil:
			x.Settle(c, t, reply)
			x.End(c, session.ProtocolError)
		}
		answered = true
		if c != nil && !c.Closed() {
			x.Landed(c, t.Shard)
		}
	}
	x.pool.HangUp(l)
	x.pool.StartOver(l, upstream.Refused)
}
