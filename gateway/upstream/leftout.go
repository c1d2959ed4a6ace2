package upstream

import (
	"time"

	"evergate/gateway/resp"
)

// A replica that answers slowly, is silent or replies that it cannot serve gets no reads for a while, as long as
// another one of its shard does. Then it is asked by a PING; if the answer is slow again it is left out for twice as
// long.

const (
	// slowReplica is from which time on a replica may be slow, slowTimes how many times as long as another one of its
	// shard it must take besides.
	slowReplica = 20 * time.Millisecond
	slowTimes   = 4
	// slowAverage is over how many answers their times are averaged, so that a single one that was held up counts little.
	slowAverage = 64
	// leftOutMin and leftOutMax bound for how long a replica is left out.
	leftOutMin = time.Second
	leftOutMax = time.Minute
	// pingFor is how long the answer to the PING is awaited.
	pingFor = time.Second
)

var pingFrame = resp.AppendCommandStrings(nil, "PING")

// health is how a replica answers.
type health struct {
	// took is a moving average of the time of its answers.
	took time.Duration
	// leftOut is for how long it is left out, or was last; 0: it was not, or long ago. until is when it is asked; 0: it
	// is not left out. asked: its answer is awaited until then. back is since when it gets reads again.
	leftOut, until, back time.Duration
	asked                bool
}

// out reports whether the replica gets no reads.
func (h *health) out() bool { return h.until > 0 }

// LeftOut reports whether the connection leads to a replica that gets no reads.
func (l *Conn) LeftOut() bool { return l.health != nil && l.health.out() }

// heard records how long the server of a connection to a replica took to answer.
func (l *Conn) heard(p *Pool, took time.Duration) {
	h := l.health
	h.took += (took - h.took) / slowAverage
	switch {
	case h.asked && took < slowReplica:
		h.letIn(p.Clock.Now)
	case h.asked:
		l.leaveOut(p)
	case h.took >= slowReplica && !h.out() && l.isSlow(p):
		l.leaveOut(p)
	}
}

// isSlow reports whether a replica takes much longer than another one of its shard.
func (l *Conn) isSlow(p *Pool) bool {
	s := p.servers[l.Key.Service]
	shard := s.View.ShardOf(l.Key.Node)
	for i := range s.routes {
		if s.routes[i].setup != l.Key.Setup || shard < 0 {
			continue
		}
		for _, set := range s.routes[i].byShard[shard].replicas {
			if set.key.Node != l.Key.Node && l.health.took >= slowTimes*max(set.health.took, time.Millisecond) {
				return true
			}
		}
	}
	return false
}

// leaveOut gives a replica no reads for a while.
func (l *Conn) leaveOut(p *Pool) {
	h := l.health
	if l.Key.Purpose != Replica || h.out() && !h.asked {
		return
	}
	p.counts.ReplicasLeftOut++
	if h.back > 0 && p.Clock.Now-h.back > leftOutMax { // it was well for long
		h.leftOut = 0
	}
	h.leftOut = min(max(leftOutMin, 2*h.leftOut), leftOutMax)
	h.until, h.asked = p.Clock.Now+h.leftOut, false
	p.Clock.At(h.until)
}

// letIn ends that.
func (h *health) letIn(now time.Duration) { *h = health{leftOut: h.leftOut, back: now} }

// askLeftOut asks the replica of a connection whether it answers quickly again, if it has been left out for long
// enough.
func (l *Conn) askLeftOut(p *Pool) {
	h := l.health
	switch {
	case p.sets[l.Key].conns[0] != l:
	case p.Clock.Now < h.until:
		p.Clock.At(h.until)
	case h.asked:
		l.leaveOut(p)
	case p.servers[l.Key.Service].Lazy: // a PING would keep the connection of a user in use
		h.letIn(p.Clock.Now)
	case !l.Usable(p.Clock.Now):
		h.until = p.Clock.Now + leftOutMin
		p.Clock.At(h.until)
	default:
		h.asked, h.until = true, p.Clock.Now+pingFor
		p.Clock.At(h.until)
		l.SendQuietly(pingFrame, 0)
		p.Dirty(l)
	}
}
