package transaction

import (
	"bytes"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// EXEC sends what was queued. Its frame begins with MULTI and ends with EXEC; the server's replies to all but the last
// are taken off (upstream.Pending.Ahead).

// exec sends the transaction, or answers EXEC without a server. It returns false when the session was blocked: EXEC is
// read again then.
func (tx *Transactions) exec(c *sessions.Session) bool {
	m := c.Multi
	switch {
	case m == nil:
		tx.x.Answer(c, noMulti)
		return true
	case m.Aborted:
		return tx.EndExec(c, execAborted)
	}
	shard := 0
	if v := c.Service.View; v != nil && v.Sharded && slotOfMulti(c) >= 0 {
		shard = c.ShardOfSlot(slotOfMulti(c))
	}
	l, why := tx.execConn(c, shard)
	switch {
	case why == upstream.InFlight:
		return tx.x.Unavailable(c, shard, why)
	case c.Watch.Broken():
		return tx.EndExec(c, resp.NullArrayIn(c.Proto))
	case m.Count == 0 && !c.Watch.Is() && !m.Nested:
		return tx.EndExec(c, resp.EmptyArray)
	case l == nil:
		refused := tx.x.Await(c, shard, why)
		if refused == "" {
			return false
		}
		reply := c.Service.NotTaken(shard, why, refused)
		if why == upstream.RunsScript {
			reply = append([]byte(Because), reply[1:]...)
		}
		return tx.EndExec(c, reply)
	}
	ends, ahead := [][]byte{execFrame}, uint32(m.Count)+1
	if m.Nested {
		ends, ahead = [][]byte{resp.Multi, execFrame}, ahead+1
	}
	first, rest := m.With(ends...)
	seq := c.Replies.Reserve()
	r := exchange.Request{
		Seq: seq, Part: tx.sendPlaceholders(c, seq), Slot: int16(slotOfMulti(c)), Shard: shard, Read: !m.Writes,
		Changes: m.Writes,
		Frame:   first, Rest: rest, Ahead: ahead, Watched: c.Watch.Is(), Counts: m.Counts, Foreign: m.Alone,
	}
	if m.Writes {
		r.Keys = tx.x.KeysOfBody(c.Service, m.Body, tx.conf.Limits)
	}
	if m.Named {
		r.Load = c.Service.Catalog.MissingAll(exchange.PlaceOf(l), m.Body, tx.conf.Limits)
	}
	if m.Scripts { // a script that it contains is there for its later commands
		c.Service.Catalog.NoteAll(m.Body, tx.conf.Limits)
	}
	tx.x.Send(c, l, &r)
	c.EndMulti()
	c.Watch.End()
	return true
}

// execConn returns the connection for a transaction. One with a dangerous command gets a dedicated connection.
func (tx *Transactions) execConn(c *sessions.Session, shard int) (*upstream.Conn, upstream.Obstacle) {
	switch {
	case !c.Multi.Alone:
		use := exchange.Asks
		if c.Multi.Writes {
			use = exchange.Writes
		}
		return tx.x.Choose(c, shard, slotOfMulti(c), use, nil, c.Company(c.Multi.Size(), 0))
	case c.InFlight():
		return nil, upstream.InFlight
	case c.Multi.Writes && !tx.x.MayConfirm(c, shard):
		return nil, upstream.LacksReplicas
	}
	l, why := tx.x.Dedicate(c, shard)
	if l != nil {
		tx.x.Alone(c, l)
	}
	return l, why
}

// slotOfMulti is the slot in which the transaction must be executed, or -1.
func slotOfMulti(c *sessions.Session) int {
	if c.Multi.Slot < 0 && c.Watch.Is() {
		return c.Watch.Slot()
	}
	return c.Multi.Slot
}

// EndExec answers EXEC without a server, and ends the transaction and the WATCH. It returns true.
func (tx *Transactions) EndExec(c *sessions.Session, reply []byte) bool {
	tx.x.CountLocal(c)
	c.EndMulti()
	tx.Unwatch(c)
	tx.x.Answer(c, reply)
	return true
}

// ResendExec sends a transaction again that was not executed, or answers it. It returns false when the session was
// blocked.
func (tx *Transactions) ResendExec(c *sessions.Session, a *retry.Entry) bool {
	body := [][]byte{a.Frame}
	for args := range resp.Commands(body, tx.conf.Limits) {
		if command := routing.Lookup(args); command != nil && command.Has(routing.Harmful) {
			tx.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, exchange.NotElsewhere)
			return true
		}
	}
	d := routing.Decision{Kind: routing.Forward, Shard: 0, Slot: -1, Changes: !a.Read}
	if v := c.Service.View; v == nil {
		d.Shard = -1
	} else if v.Sharded && a.Slot >= 0 {
		d.Slot = int(a.Slot)
		d.Shard = c.ShardOfSlot(d.Slot)
	}
	l, why := tx.x.ChooseForRetry(c, a, &d, nil)
	if l == nil {
		return tx.x.StillUnavailable(c, a, d.Shard, why)
	}
	r := exchange.Request{
		Seq: a.Seq, Part: a.Part, Slot: int16(d.Slot), Redirects: a.Redirects, Retries: a.Retries, Cost: a.Cost,
		Shard: d.Shard, Read: a.Read, Changes: !a.Read, Frame: a.Frame, Ask: a.Ask, Foreign: a.Target >= 0,
		Began: a.Began, Command: a.Command,
		Load: c.Service.Catalog.MissingAll(exchange.PlaceOf(l), body, tx.conf.Limits),
	}
	commands := uint32(0)
	for args := range resp.Commands(body, tx.conf.Limits) {
		command := routing.Lookup(args)
		r.Counts = r.Counts || command != nil && command.Has(routing.Counting)
		commands++
	}
	r.Ahead = commands - 1
	if !a.Read {
		r.Keys = tx.x.KeysOfBody(c.Service, body, tx.conf.Limits)
	}
	tx.x.Send(c, l, &r)
	return true
}

// TakeAhead takes a reply that comes before that of EXEC: OK, QUEUED, or an error. The first error is kept in l.Queued.
func (tx *Transactions) TakeAhead(l *upstream.Conn, t *upstream.Pending, reply []byte) {
	t.CameAhead()
	if reply[0] == '-' && !bytes.Equal(reply, multiNested) && !bytes.Equal(reply, notNested) {
		l.Reject(reply)
	}
}

// AbortCause returns the reason in the error of an EXEC, or the error that one of its commands was rejected with: that
// shows whether the transaction belongs to another server. Either way nothing of it was executed. Any other reply is
// returned as it is.
func AbortCause(l *upstream.Conn, reply []byte) []byte {
	switch {
	case bytes.HasPrefix(reply, []byte(Because)):
		return append([]byte{'-'}, reply[len(Because):]...)
	case bytes.HasPrefix(reply, []byte("-EXECABORT")) && len(l.Queued) > 0:
		return l.Queued
	}
	return reply
}

// FirstCause returns AbortCause for a transaction of the gateway's own: the error that MULTI was rejected with counts
// as well.
func FirstCause(l *upstream.Conn, reply []byte) []byte {
	if reply[0] == '-' && len(l.Queued) > 0 {
		return l.Queued
	}
	return AbortCause(l, reply)
}

// WithCause returns the reply to an EXEC with the error in it that one of its commands was rejected with. The client
// was answered QUEUED for that command, and would search in vain for the "previous errors".
func WithCause(l *upstream.Conn, reply []byte) []byte {
	if bytes.Equal(reply, execAborted) && len(l.Queued) > 0 {
		return append([]byte(Because), l.Queued[1:]...)
	}
	return reply
}

// MultiRejected replaces the reply to an EXEC whose MULTI the server has rejected, for lack of rights: the commands
// may have been executed one by one. For a while MULTI is answered with that error. Any other reply is returned as it
// is.
func (tx *Transactions) MultiRejected(l *upstream.Conn, reply []byte) []byte {
	if !bytes.HasPrefix(reply, []byte("-ERR EXEC without MULTI")) ||
		!bytes.HasPrefix(l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End), resp.Multi) {
		return reply
	}
	s := tx.x.Served(l)
	s.Catalog.MultiFails(l.Queued, tx.clock.Now)
	tx.x.CountUncertain(s)
	return resp.AppendError(nil, "UNCERTAIN evergate: service '"+s.Name+"': "+s.NodeName(l.Key.Node)+
		" rejected MULTI; the commands of the transaction may have been executed one by one")
}
