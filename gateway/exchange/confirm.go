package exchange

import (
	"bytes"
	"strconv"
	"strings"

	"evergate/gateway/acks"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Where replicas must confirm writes (package acks), the reply to a write that was executed is kept until the WAIT
// behind it is answered. Until then the write is in flight for its session, so whatever the session sends to the shard
// goes on the same connection, and replies stay in order. Error replies, and those of writes that took nothing, are
// passed on at once. Where too few replicas confirm, or the connection is lost before, the client is answered that the
// outcome is unknown: the primary has executed the write, and others can see it.

// confirmed are the terms on which replicas must confirm a request; none for most.
func (x *Exchange) confirmed(c *sessions.Session, l *upstream.Conn, r *Request) (t acks.Terms) {
	if !r.Changes || r.Read || l.Bypass {
		return t
	}
	if t = c.Acks(); t.Asked() && l.Key.Purpose != upstream.Dedicated && l.Key.Acks != t {
		panic("exchange: a write that replicas must confirm on a connection for others")
	}
	return t
}

// KeepUnconfirmed keeps the reply to a write until replicas have confirmed it. It is copied, as is what its time was
// spent on. It may close the session.
func (x *Exchange) KeepUnconfirmed(c *sessions.Session, l *upstream.Conn, t *upstream.Pending, reply []byte,
	spent acks.Spent) {
	r := acks.Reply{To: t.To, Seq: t.Seq, Part: t.Part, Slot: t.Slot, Shard: t.Shard, Command: t.Command, Spent: spent}
	if t.Flags&upstream.Blocking == 0 {
		r.Began = uint32(t.Began)
	}
	c.CountUnconfirmed(l.Acks.Keep(r, reply))
	x.CheckOutput(c)
}

// TakeConfirmation takes the answer to the WAIT under way on a connection, which was taken off its queue. answer is the
// number of replicas, or an error.
func (x *Exchange) TakeConfirmation(l *upstream.Conn, answer []byte) {
	failed := "its WAIT was answered: "
	if len(l.Queued) > 0 { // the answer is for too few writes
		answer, failed = l.Queued, "what is sent ahead of its WAIT was rejected: "
	}
	count, counted := resp.Int(answer)
	enough := counted && count >= int64(l.Acks.Need())
	// A WAIT is a blocking command: CLIENT UNBLOCK that comes when the pop in front of it was served ends it early.
	if !enough && l.Once && len(l.Queued) == 0 && l.RepeatWait(x.pool) {
		return
	}
	round := l.Confirmed(x.pool)
	s := x.Served(l)
	s.CountWait(x.clock.Now - round.AskedAt)
	if enough {
		x.release(l, &round)
		return
	}
	s.ReportUnconfirmed(s.View.LedBy(l.Key.Node))
	why := strconv.FormatInt(count, 10) + " of " + strconv.Itoa(round.Need) + " replicas confirmed it within " +
		round.Terms.Timeout.String()
	if answer[0] == '-' {
		why = failed + strings.TrimSpace(string(answer[1:]))
	}
	x.unconfirmed(l, &round, why)
}

// release passes the replies of a round on. Where the server is being demoted they are withheld as well, until it is
// known what the new primary has; it has all that each replica which may be promoted has confirmed.
func (x *Exchange) release(l *upstream.Conn, round *acks.Round) {
	judged := l.Draining && round.Terms.Level != acks.All
	for r, reply := range round.All {
		c := x.Session(r.To)
		if c == nil {
			continue
		}
		c.Service.CountConfirmed()
		t := upstream.Pending{Seq: r.Seq, Part: r.Part, Slot: r.Slot, Shard: r.Shard}
		c.CountUnconfirmed(-r.Size())
		if judged {
			x.Withhold(c, l, &t, 0, reply, x.settled(c, l, r))
		} else {
			x.count(c, l, r)
			x.Acked(c.Service, l.Key.Node, reply)
			x.Settle(c, &t, reply)
		}
		if !c.Closed() {
			x.Landed(c, r.Shard)
			x.HoldBack(c, l)
		}
	}
	l.Acks.Recycle(round)
}

// count counts the time of a write whose client gets the reply, or an error instead.
func (x *Exchange) count(c *sessions.Session, l *upstream.Conn, r *acks.Reply) {
	if r.Began != 0 {
		x.conf.Verbs.Confirmed(c, l, r)
	}
}

// settled is count for later.
func (x *Exchange) settled(c *sessions.Session, l *upstream.Conn, r *acks.Reply) func() {
	of := *r
	of.Spent.Head = bytes.Clone(of.Spent.Head)
	return func() { x.count(c, l, &of) }
}

// LostUnconfirmed settles the writes on a connection that has ended, whose replies wait for replicas.
func (x *Exchange) LostUnconfirmed(l *upstream.Conn) {
	round := l.Acks.End()
	x.unconfirmed(l, &round, "the connection was lost before replicas had confirmed it")
}

// unconfirmed answers that it is unknown whether the writes of a round last.
func (x *Exchange) unconfirmed(l *upstream.Conn, round *acks.Round, why string) {
	if round.Len() == 0 {
		l.Acks.Recycle(round)
		return
	}
	s := x.Served(l)
	text := resp.AppendError(nil, "UNCERTAIN evergate: service '"+s.Name+"': "+s.NodeName(l.Key.Node)+
		" executed the command, and "+why+"; its effect may or may not be kept")
	for r := range round.All {
		c := x.Session(r.To)
		if c == nil {
			continue
		}
		c.Service.CountUnconfirmed()
		x.CountUncertain(c.Service)
		c.CountUnconfirmed(-r.Size())
		x.count(c, l, r)
		x.Settle(c, &upstream.Pending{Seq: r.Seq, Part: r.Part}, text)
		if !c.Closed() {
			x.Landed(c, r.Shard)
		}
	}
	l.Acks.Recycle(round)
}

// awaitReplicas blocks a session whose write too few replicas could confirm, while a new primary waits for its
// replicas; or else it returns the reason for the client.
func (x *Exchange) awaitReplicas(c *sessions.Session, shard int) (refused string) {
	s := c.Service
	s.ReportUnconfirmed(shard)
	if until := s.ComeUntil(shard); until > 0 && c.Window() > 0 {
		if _, over := x.BlockFor(c, wait.LacksReplicas); !over {
			x.clock.Alarm(c.Ref, &c.Place, min(c.WaitsSince+c.Patience(), until))
			return ""
		}
	}
	s.CountLacking()
	copies := topology.Copies{}
	if s.View.Primary(shard) != nil {
		copies = s.View.Shards[shard].Copies
	}
	return s.ShardName(shard) + " has " + strconv.Itoa(max(copies.Attached, 0)) + " replicas attached, and " +
		strconv.Itoa(c.Acks().Level.Need(copies)) + " must confirm a write"
}

// MayConfirm reports whether enough replicas are attached to the primary of a shard for a write of a session.
func (x *Exchange) MayConfirm(c *sessions.Session, shard int) bool {
	t := c.Acks()
	return !t.Asked() || c.Service.View == nil || !c.Service.Lacks(shard, t.Level)
}

// lacksReplicas begins the error for a write that was not sent.
var lacksReplicas = []byte("-NOREPLICAS evergate: ")

// IsLackOfReplicas reports whether a reply is the gateway's error for a write that was not sent for lack of replicas.
func IsLackOfReplicas(reply []byte) bool { return bytes.HasPrefix(reply, lacksReplicas) }
