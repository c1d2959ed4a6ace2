package exchange

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// While a primary is being demoted its replies to writes are withheld: the new primary may lack these writes. They are
// passed on when the new primary has everything, or when the old one keeps its role in the same run; otherwise the
// client is answered that the outcome is unknown. The replies behind them wait, since replies are in order.

// Withhold keeps the reply to a write, which it copies. t is at the front of the connection; its mark was taken, and is
// passed in. settled is called before the client gets the reply, or an error instead.
func (x *Exchange) Withhold(c *sessions.Session, l *upstream.Conn, t *upstream.Pending, mark upstream.Mark,
	reply []byte, settled func()) {
	x.totals.Withheld++
	h := sessions.Withheld{
		Seq: t.Seq, Part: t.Part, Slot: t.Slot, Node: l.Key.Node, RunID: l.RunID,
		Reply: bytes.Clone(reply), Since: x.clock.Now, Settled: settled, Mark: mark,
	}
	if t.Flags&upstream.Blocking != 0 {
		h.Frame = bytes.Clone(l.Queue.Frame(l.Queue.AnsweredTo(), t.End))
	}
	first := !c.Withholds()
	if c.Withhold(h); first {
		c.Service.Withholds(c)
	}
	x.CheckOutput(c)
}

// Judge settles the withheld replies of a service that its present view decides, and those that have waited for as long
// as their client may. old is the view before, or the present one.
func (x *Exchange) Judge(s *sessions.Service, old *topology.View) {
	for _, ref := range s.Withholding() {
		c := x.Session(ref)
		if c == nil {
			continue
		}
		x.judgeClient(c, old)
		if !c.Closed() && c.Withholds() {
			s.Withholds(c)
		}
	}
}

// judgeClient does so for one session.
func (x *Exchange) judgeClient(c *sessions.Session, old *topology.View) {
	if !c.Withholds() {
		return
	}
	all := c.TakeWithheld()
	for i, h := range all {
		if c.Closed() {
			for _, h := range all[i:] {
				c.Service.EndWrite(h.Mark)
			}
			return
		}
		v := c.Service.View.Judge(old, h.Node, h.RunID, int(h.Slot))
		if v == topology.StillOpen && x.clock.Now-h.Since >= c.Patience() {
			v = topology.MayBeLost
		}
		if v == topology.StillOpen {
			c.Withhold(h)
			continue
		}
		c.Service.EndWrite(h.Mark)
		reply := h.Reply
		switch v {
		case topology.MayBeLost, topology.Restarted:
			if h.Frame != nil && x.blockingLost(c, &upstream.Pending{
				Seq: h.Seq, Part: h.Part, Slot: h.Slot, Flags: upstream.Write | upstream.Blocking}, h.Frame) {
				x.Wake(c)
				continue
			}
			x.CountUncertain(c.Service)
			reply = mayBeLostReply(c.Service, h.Node, v)
		default:
			x.totals.WithheldReleased++
			x.Acked(c.Service, h.Node, reply)
		}
		h.Settled()
		x.Settle(c, &upstream.Pending{Seq: h.Seq, Part: h.Part}, reply)
	}
	if !c.Closed() {
		x.Judged(c)
	}
}

// mayBeLostReply is the error for a write that was executed on a primary which then lost its role, or restarted.
func mayBeLostReply(s *sessions.Service, node topology.NodeID, v topology.Verdict) []byte {
	meanwhile := " executed the command while another server was promoted"
	if v == topology.Restarted {
		meanwhile = " executed the command and then restarted"
	}
	return resp.AppendError(nil, "UNCERTAIN evergate: service '"+s.Name+"': "+s.NodeName(node)+meanwhile+
		"; its effect may or may not have been kept")
}

// Acked counts a write that is now acknowledged to its client, if the reply is no error.
func (x *Exchange) Acked(s *sessions.Service, node topology.NodeID, reply []byte) {
	if reply[0] != '-' {
		x.conf.Acked(s.Of, node, 1)
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
