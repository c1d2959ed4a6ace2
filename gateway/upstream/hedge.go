package upstream

import (
	"time"

	"evergate/gateway/latency"
	"evergate/gateway/wait"
)

// A read that a replica owes for long can be sent to another one as well (package exchange). The pool knows when to
// look for such reads, and which replica to ask. The requests of a connection are looked at in the order in which they
// were sent, when the first may be late: so no request needs a timer of its own.

// hedging is the part of Servers for that.
type hedging struct {
	after time.Duration // after how long a read may be late; 0: none is hedged
}

// HedgeAfter sets after how long a read may be late; 0: none is hedged.
func (h *hedging) HedgeAfter(after time.Duration) { h.after = after }

// looks is the part of Pool for that.
type looks struct {
	clock *wait.Clock
	at    time.Duration // when the next look is due
}

// HedgeAt asks for a look at the reads in flight at this time, or earlier.
func (k *looks) HedgeAt(at time.Duration) {
	if at < k.at {
		k.at = at
		k.clock.At(at)
	}
}

// HedgesDue reports whether it is time for that. The next look must be asked for.
func (k *looks) HedgesDue() bool {
	if k.clock.Now < k.at {
		return false
	}
	k.at = wait.Never
	return true
}

// wroteTo has the reads looked at that were written to a replica now.
func (k *looks) wroteTo(s *Servers) {
	if s.hedging.after > 0 {
		k.HedgeAt(k.clock.Now + s.hedging.after)
	}
}

// LookedAt sets HedgedTo and LookedTo.
func (l *Conn) LookedAt(hedged, looked uint64) {
	l.HedgedTo, l.LookedTo = hedged, max(l.LookedTo, looked)
}

// FrameOf returns the bytes of the pending request with an index. They are valid until the queue changes.
func (l *Conn) FrameOf(i int) []byte {
	from := l.Queue.AnsweredTo()
	if i > 0 {
		from = l.Inflight.At(i - 1).End
	}
	return l.Queue.Frame(from, l.Inflight.At(i).End)
}

// Hedge records that a request is in flight on another connection as well, Unhedge that it is on this one alone.
func (t *Pending) Hedge()   { t.Flags |= Hedged }
func (t *Pending) Unhedge() { t.Flags &^= Hedged }

// Dropped has the reply to a hedged request dropped, which was sent at this time: only its time is taken.
func (t *Pending) Dropped(sent wait.Stamp) {
	t.Began = sent
	t.Abandon()
}

// IsLate records that another replica was faster.
func (l *Conn) IsLate() { l.Late = l.Awaits() }

// Second returns a connection to another replica than that of l which takes requests and serves a read; nil for none.
func Second(s *Servers, l *Conn, read *Read) *Conn {
	r := &s.routesFor(l.Key.Setup)[read.Shard]
	r.next++
	first := r.next
	for i := range r.replicas {
		set := r.turn(first+uint32(i), i)
		if set.key.Node == l.Key.Node || set.health.out() {
			continue
		}
		for _, other := range set.conns {
			if other.Usable(s.pool.Clock.Now) && !other.OnTrial && !other.Late && !other.Full() && s.Serves(other, read) {
				return other
			}
		}
	}
	return nil
}

// TookToRead adds up how long the replicas of a shard took to answer reads, since the start.
func TookToRead(s *Servers, shard int) (sum latency.Histogram) {
	for _, n := range s.View.Shards[shard].Replicas {
		of := s.pool.servers[s.Of].measured
		if int(n.ID) < len(of) && of[n.ID] != nil && of[n.ID].Took != nil {
			sum.Merge(&of[n.ID].Took[0])
		}
	}
	return sum
}
