package upstream

import (
	"time"

	"evergate/gateway/acks"
	"evergate/topology"
)

// Writes that replicas must confirm have connections of their own: at the end of a round that put some on a connection
// one WAIT follows them, and their replies are kept until it is answered. Until then nothing else is sent there: the
// server would execute it only afterwards, and what comes meanwhile is confirmed by one WAIT, too.

// waitSlack is by how much a server may answer a WAIT too late: it looks for timeouts ten times a second.
const waitSlack = 100 * time.Millisecond

// PickAcked is Pick for a write that replicas must confirm on these terms.
func (s *Servers) PickAcked(setup Setup, shard int, t acks.Terms, with Company) (*Conn, Obstacle) {
	routes := s.routesOf(setup)
	if shard < 0 || shard >= len(routes.byShard) {
		return nil, NoPrimary
	}
	r := &routes.byShard[shard]
	switch {
	case r.primary == nil:
		return nil, NoPrimary
	case r.inScript:
		return nil, RunsScript
	}
	at := routes.terms.Place(t, s.pool.Clock.Now)
	for len(r.acked) <= at {
		r.acked = append(r.acked, nil)
	}
	if r.acked[at] == nil {
		r.acked[at] = s.AckedSet(s.View.Shards[shard].Primary, setup, t)
	}
	return r.acked[at].Take(with)
}

// AckedSet returns the connections to a node for writes that replicas must confirm on these terms.
func (s *Servers) AckedSet(n *topology.Node, setup Setup, t acks.Terms) *Set {
	return s.set(n, Key{Service: s.Index, Node: n.ID, Purpose: Acked, Setup: setup, Acks: t})
}

// keepTerms opens the connections for the terms of earlier routes that were used of late.
func (r *routes) keepTerms(s *Servers, terms acks.Used) {
	for _, t := range terms {
		if s.pool.Clock.Now-t.At >= IdleAfter {
			continue
		}
		r.terms = append(r.terms, t)
		for i := range r.byShard {
			var set *Set
			if n := s.View.Shards[i].Primary; n != nil {
				set = s.AckedSet(n, r.setup, t.Terms)
			}
			r.byShard[i].acked = append(r.byShard[i].acked, set)
		}
	}
}

// Confirm records that the request which was sent last on a connection is a write that replicas must confirm on these
// terms. blocking: the server may execute it on behalf of another client.
func (p *Pool) Confirm(l *Conn, t acks.Terms, blocking bool) {
	if l.Acks.Sent(t, blocking) && l.Acks.Wanted() {
		p.written = append(p.written, l)
	}
}

// AskReplicas sends a WAIT behind the writes of this round, on each connection that has some and on which none is under
// way. It is called at the end of a round.
func (p *Pool) AskReplicas() {
	for i, l := range p.written {
		p.written[i] = nil
		if l.State != Open || l.Retiring || !l.Acks.Wanted() {
			continue
		}
		if l.Acks.NeedsAhead() {
			l.SendQuietly(acks.Ahead(l.OwnOffset), Confirms|Counts)
		}
		t := l.Acks.Terms()
		need := t.Level.Need(p.servers[l.Key.Service].View.CopiesOf(l.Key.Node))
		p.frame = acks.AppendWait(p.frame[:0], need, t.Timeout)
		l.SendQuietly(p.frame, Confirms)
		p.counts.AckRounds++
		p.counts.AckWrites += uint64(l.Acks.Ask(l.Queue.End(), need, p.Clock.Now))
		p.Dirty(l)
		if l.Owned {
			p.Users.Resized(l)
		}
	}
	p.written = p.written[:0]
}

// Lacks reports whether fewer replicas are attached to the primary of a shard than must confirm a write.
func (s *Servers) Lacks(shard int, level acks.Level) bool {
	return s.View.Primary(shard) != nil && level.Lacks(s.View.Shards[shard].Copies)
}

// ComeUntil is until when replicas that a shard lacks are waited for, since its primary was promoted a moment ago; 0
// when they are not.
func (s *Servers) ComeUntil(shard int) time.Duration {
	n := s.View.Primary(shard)
	if n == nil {
		return 0
	}
	at, switched := s.promoted[n.ID]
	if !switched || s.pool.Clock.Now >= at+replicasComeIn {
		return 0
	}
	return at + replicasComeIn
}

// Confirmed takes the replies that the WAIT under way on a connection was for, which was answered. They are given back
// with Recycle of its Acks.
func (l *Conn) Confirmed(p *Pool) acks.Round {
	r := l.Acks.Answered()
	if l.Queue.Pending() > 0 { // it waited for this answer
		p.Dirty(l)
	}
	if l.Acks.Wanted() {
		p.written = append(p.written, l)
	}
	return r
}

// RepeatWait has the WAIT repeated that was just answered; false where it was repeated before, or cannot be.
func (l *Conn) RepeatWait(p *Pool) bool {
	repeats := l.State == Open && !l.Retiring && l.Acks.Repeat()
	if repeats {
		p.written = append(p.written, l)
	}
	return repeats
}

// ReportUnconfirmed has the control plane look which replicas are attached to the primary of a shard.
func (s *Servers) ReportUnconfirmed(shard int) {
	n := s.View.Primary(shard)
	if n == nil || s.pool.Clock.Now < s.reportNotBefore {
		return
	}
	s.reportNotBefore = s.pool.Clock.Now + topology.TickEvery
	s.pool.Reported(s.Of, topology.Report{Kind: topology.Unconfirmed, Node: n.ID, Shard: shard, Epoch: s.View.Epoch,
		Slot: -1})
}

// Owes reports whether the server owes a reply, or replicas a confirmation.
func (l *Conn) Owes() bool { return l.Inflight.Len() > 0 || l.Acks.Owes() }

// waiting is for how much longer than for another request a server may be silent, since it waits for replicas.
func (l *Conn) waiting() time.Duration {
	if t := l.Inflight.Front(); t != nil && t.Flags&Confirms != 0 {
		return l.Acks.Terms().Timeout + waitSlack
	}
	return 0
}

// upToWait cuts what would be sent behind the WAIT under way on a connection.
func (l *Conn) upToWait(b []byte) []byte {
	end := l.Acks.Asked()
	if end == 0 {
		return b
	}
	return b[:min(uint64(len(b)), end-l.Queue.WroteTo())]
}
