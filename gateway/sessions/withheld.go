package sessions

import (
	"slices"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// withheld are the replies to a session that are withheld until the fate of their server is known, in the order in
// which they came. There is at least one. What is withheld counts as output of the client, and is dropped with it.
type withheld struct {
	replies []Withheld
	bytes   int // of all replies
}

// Withheld is a reply that waits for the verdict on its server.
type Withheld struct {
	Seq   uint32
	Part  int16
	Slot  int16
	Node  topology.NodeID
	RunID string // the run of the node that answered; empty when not known
	Reply []byte
	Since time.Duration
	// Frame is a blocking request, which can be retried; nil for others.
	Frame []byte
	// Settled is called before the client gets the reply, or an error instead; not if it is retried, or has left.
	Settled func()
	// Mark has the keys for which the write is in flight until the verdict.
	Mark upstream.Mark
}

// Withholds reports whether replies to the session are withheld.
func (r *rare) Withholds() bool { return r.withheld != nil }

// Withhold adds a reply to those that are withheld. It takes Reply and Frame over.
func (c *Session) Withhold(r Withheld) {
	if c.withheld == nil {
		c.own().withheld = &withheld{}
	}
	c.withheld.replies = append(c.withheld.replies, r)
	c.withheld.bytes += len(r.Reply)
}

// TakeWithheld removes all replies of a session that are withheld. The caller ends their marks, or withholds them
// again.
func (r *rare) TakeWithheld() []Withheld {
	if r.withheld == nil {
		return nil
	}
	all := r.withheld.replies
	r.withheld = nil
	return all
}

// WithheldSince is since when the first of them is withheld; there must be one.
func (r *rare) WithheldSince() time.Duration { return r.withheld.replies[0].Since }

// forgetWithheld drops the replies to a request that is begun anew, with other parts.
func (c *Session) forgetWithheld(seq uint32) {
	c.DropWithheld(func(r *Withheld) bool { return r.Seq == seq })
}

// DropWithheld drops the withheld replies of which that is true.
func (c *Session) DropWithheld(is func(r *Withheld) bool) {
	h := c.withheld
	if h == nil {
		return
	}
	h.replies = slices.DeleteFunc(h.replies, func(r Withheld) bool {
		if !is(&r) {
			return false
		}
		h.bytes -= len(r.Reply)
		c.Service.EndWrite(r.Mark)
		return true
	})
	if len(h.replies) == 0 {
		c.withheld = nil
	}
}

// WithheldMarks calls yield for the mark of each withheld reply. Tests call it.
func (r *rare) WithheldMarks(yield func(upstream.Mark) bool) {
	for i := 0; r.withheld != nil && i < len(r.withheld.replies); i++ {
		if !yield(r.withheld.replies[i].Mark) {
			return
		}
	}
}

// Withholding returns the sessions that have withheld replies, and forgets them.
func (s *Service) Withholding() []session.Ref {
	all := s.withholding
	s.withholding = nil
	return all
}

// Withholds records that a session has withheld replies, which wait for its Patience at most.
func (s *Service) Withholds(c *Session) {
	s.withholding = append(s.withholding, c.Ref)
	s.x.clock.At(c.WithheldSince() + c.Patience())
}

// Judged goes on with a session of whose withheld replies some were delivered.
func (x *Sessions) Judged(c *Session) {
	x.Account(c)
	if c.Reason == wait.InFlight || c.Reason == wait.Blocked || c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
	x.CloseIfDone(c)
}

// size is how many bytes are withheld; h may be nil.
func (h *withheld) size() int {
	if h == nil {
		return 0
	}
	return h.bytes
}
