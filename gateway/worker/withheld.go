package worker

import (
	"bytes"
	"slices"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// What a primary that is being left still answers to writes is withheld: the write may be missing on the new primary.
// It is passed on when the new primary has everything, or when the old one keeps its role in the same run; otherwise
// the client is told that nobody knows. The replies behind it wait, since replies are in order. What is withheld counts
// as the client's output and goes when the client goes.

// withheld are a session's replies that wait, in the order in which they came. There is one at least.
type withheld struct {
	replies []withheldReply
	bytes   int
}

// size of the replies; none when nil.
func (h *withheld) size() int {
	if h == nil {
		return 0
	}
	return h.bytes
}

// withheldReply is one reply that waits for the verdict on its server.
type withheldReply struct {
	seq   uint32
	part  int16
	slot  int16
	node  topology.NodeID
	runID string // the run of the node that answered; empty when not known
	reply []byte
	since time.Duration
	// frame is the request where that was a blocking one: it can be put again. Nil otherwise.
	frame []byte
}

// tookNothing says that a reply is the null of a blocking command whose time is over, or of an EXEC whose keys had
// changed: nothing was executed that could be lost.
func tookNothing(t *upstream.Pending, reply []byte) bool {
	if t.Flags&(upstream.Blocking|upstream.Watched) == 0 {
		return false
	}
	return resp.IsNull(reply)
}

// withhold keeps the reply to a write. Its request must still be the oldest of the lane's queue.
func (w *Worker) withhold(c *client, l *upstream.Conn, t *upstream.Pending, reply []byte) {
	w.stats.Withheld++
	if c.withheld == nil {
		c.svc.withholding = append(c.svc.withholding, c.ref)
	}
	h := withheldReply{
		seq: t.Seq, part: t.Part, slot: t.Slot, node: l.Key.Node, runID: l.RunID,
		reply: bytes.Clone(reply), since: w.clock.Now,
	}
	if t.Flags&upstream.Blocking != 0 {
		h.frame = bytes.Clone(l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	c.withholdMore(h)
	w.clock.At(w.clock.Now + c.patience())
	w.checkOutput(c)
}

func (c *client) withholdMore(r withheldReply) {
	if c.withheld == nil {
		c.own().withheld = &withheld{}
	}
	c.withheld.replies = append(c.withheld.replies, r)
	c.withheld.bytes += len(r.reply)
}

// forgetWithheld drops the replies to a request that is begun anew: its parts are others now.
func (c *client) forgetWithheld(seq uint32) {
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

// judge settles what is withheld and can be judged under the present view, or has waited for the hold window.
func (w *Worker) judge(s *service, old *topology.View) {
	waiting := s.withholding
	s.withholding = nil
	for _, who := range waiting {
		c := w.client(who)
		if c == nil {
			continue
		}
		w.judgeClient(c, old)
		if !c.closed && c.withheld != nil {
			s.withholding = append(s.withholding, who)
			w.clock.At(c.withheld.replies[0].since + c.patience())
		}
	}
}

func (w *Worker) judgeClient(c *client, old *topology.View) {
	if c.withheld == nil {
		return
	}
	all := c.withheld.replies
	c.withheld = nil
	for i := range all {
		h := &all[i]
		v := c.svc.View.Judge(old, h.node, h.runID, int(h.slot))
		if v == topology.StillOpen && w.clock.Now-h.since >= c.patience() {
			v = topology.MayBeLost
		}
		reply := h.reply
		switch v {
		case topology.StillOpen:
			c.withholdMore(*h)
			continue
		case topology.MayBeLost, topology.Restarted:
			if h.frame != nil && w.blockingLost(c, &upstream.Pending{
				Seq: h.seq, Part: h.part, Slot: h.slot, Flags: upstream.Write | upstream.Blocking}, h.frame) {
				if c.closed {
					return
				}
				w.wake(c)
				continue
			}
			w.stats.Uncertain++
			reply = mayBeLostReply(c.svc, h.node, v)
		default:
			w.stats.WithheldReleased++
			w.acked(c.svc, h.node, reply)
		}
		w.settle(c, &upstream.Pending{Seq: h.seq, Part: h.part}, reply)
		if c.closed {
			return
		}
	}
	if c.Reason == wait.InFlight || c.Reason == wait.Blocked || c.Reason == wait.OwedTooMuch && w.owesLittle(c) {
		w.wake(c)
	}
	w.finished(c)
}

// mayBeLostReply answers a write that was executed on a primary that then lost its role, or its run.
func mayBeLostReply(s *service, node topology.NodeID, v topology.Verdict) []byte {
	meanwhile := " executed the command while another server was promoted"
	if v == topology.Restarted {
		meanwhile = " executed the command and then restarted"
	}
	return resp.AppendError(nil, "UNCERTAIN evergate: service '"+s.Name+"': "+s.NodeName(node)+meanwhile+
		"; its effect may or may not have been kept")
}

// acked counts a write that is now acknowledged.
func (w *Worker) acked(s *service, node topology.NodeID, reply []byte) {
	if reply[0] != '-' {
		w.env.Acked(s.Index, node, 1)
	}
}
