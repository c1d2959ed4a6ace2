package exchange

import (
	"bytes"
	"slices"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// While a primary is being demoted its replies to writes are withheld: the new primary may lack these writes. They are
// passed on when the new primary has everything, or when the old one keeps its role in the same run; otherwise the
// client is answered that the outcome is unknown. The replies behind them wait, since replies are in order. What is
// withheld counts as output of the client, and is dropped with it.

// withheld are the replies to a session that are withheld, in the order in which they came. There is at least one.
type withheld struct {
	replies []withheldReply
	bytes   int // of all replies
}

// withheldReply is a reply that waits for the verdict on its server.
type withheldReply struct {
	seq   uint32
	part  int16
	slot  int16
	node  topology.NodeID
	runID string // the run of the node that answered; empty when not known
	reply []byte
	since time.Duration
	// frame is a blocking request, which can be retried; nil for others.
	frame []byte
}

// Withhold keeps the reply to a write, which it copies. The request must still be at the front of the connection.
func (x *Exchange) Withhold(c *Session, l *upstream.Conn, t *upstream.Pending, reply []byte) {
	x.totals.Withheld++
	if c.withheld == nil {
		c.Service.withholding = append(c.Service.withholding, c.Ref)
	}
	h := withheldReply{
		seq: t.Seq, part: t.Part, slot: t.Slot, node: l.Key.Node, runID: l.RunID,
		reply: bytes.Clone(reply), since: x.clock.Now,
	}
	if t.Flags&upstream.Blocking != 0 {
		h.frame = bytes.Clone(l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	c.withholdMore(h)
	x.clock.At(x.clock.Now + c.Patience())
	x.CheckOutput(c)
}

// withholdMore adds a reply.
func (c *Session) withholdMore(r withheldReply) {
	if c.withheld == nil {
		c.own().withheld = &withheld{}
	}
	c.withheld.replies = append(c.withheld.replies, r)
	c.withheld.bytes += len(r.reply)
}

// forgetWithheld drops the replies to a request that is begun anew, with other parts.
func (c *Session) forgetWithheld(seq uint32) {
	h := c.withheld
	if h == nil {
		return
	}
	h.replies = slices.DeleteFunc(h.replies, func(r withheldReply) bool {
		if r.seq == seq {
			h.bytes -= len(r.reply)
		}
		return r.seq == seq
	})
	if len(h.replies) == 0 {
		c.withheld = nil
	}
}

// Judge settles the withheld replies that the present view decides, and those that have waited for as long as their
// client may. old is the view before, or the present one.
func (s *Service) Judge(old *topology.View) {
	waiting := s.withholding
	s.withholding = nil
	for _, ref := range waiting {
		c := s.x.Session(ref)
		if c == nil {
			continue
		}
		s.x.judgeClient(c, old)
		if !c.closed && c.withheld != nil {
			s.withholding = append(s.withholding, ref)
			s.x.clock.At(c.withheld.replies[0].since + c.Patience())
		}
	}
}

// judgeClient does so for one session.
func (x *Exchange) judgeClient(c *Session, old *topology.View) {
	if c.withheld == nil {
		return
	}
	all := c.withheld.replies
	c.withheld = nil
	for i := range all {
		h := &all[i]
		v := c.Service.View.Judge(old, h.node, h.runID, int(h.slot))
		if v == topology.StillOpen && x.clock.Now-h.since >= c.Patience() {
			v = topology.MayBeLost
		}
		reply := h.reply
		switch v {
		case topology.StillOpen:
			c.withholdMore(*h)
			continue
		case topology.MayBeLost, topology.Restarted:
			if h.frame != nil && x.blockingLost(c, &upstream.Pending{
				Seq: h.seq, Part: h.part, Slot: h.slot, Flags: upstream.Write | upstream.Blocking}, h.frame) {
				if c.closed {
					return
				}
				x.Wake(c)
				continue
			}
			x.totals.Uncertain++
			reply = mayBeLostReply(c.Service, h.node, v)
		default:
			x.totals.WithheldReleased++
			c.Service.Acked(h.node, reply)
		}
		x.Settle(c, &upstream.Pending{Seq: h.seq, Part: h.part}, reply)
		if c.closed {
			return
		}
	}
	x.Account(c)
	if c.Reason == wait.InFlight || c.Reason == wait.Blocked || c.Reason == wait.OwedTooMuch && c.owesLittle() {
		x.Wake(c)
	}
	x.CloseIfDone(c)
}

// mayBeLostReply is the error for a write that was executed on a primary which then lost its role, or restarted.
func mayBeLostReply(s *Service, node topology.NodeID, v topology.Verdict) []byte {
	meanwhile := " executed the command while another server was promoted"
	if v == topology.Restarted {
		meanwhile = " executed the command and then restarted"
	}
	return resp.AppendError(nil, "UNCERTAIN evergate: service '"+s.Name+"': "+s.NodeName(node)+meanwhile+
		"; its effect may or may not have been kept")
}

// Acked counts a write that is now acknowledged to its client, if the reply is no error.
func (s *Service) Acked(node topology.NodeID, reply []byte) {
	if reply[0] != '-' {
		s.x.conf.Acked(s.Of, node, 1)
	}
}

// TookNothing reports whether a reply is the null of a blocking command that timed out, or of an EXEC whose keys had
// changed: nothing was executed that could be lost.
func TookNothing(t *upstream.Pending, reply []byte) bool {
	if t.Flags&(upstream.Blocking|upstream.Watched) == 0 {
		return false
	}
	return resp.IsNull(reply)
}

// size is how many bytes are withheld; h may be nil.
func (h *withheld) size() int {
	if h == nil {
		return 0
	}
	return h.bytes
}
