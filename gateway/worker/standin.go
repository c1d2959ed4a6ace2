package worker

import (
	"bytes"
	"slices"

	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// A command that the gateway answers by itself may stand in a transaction too: pipelines of client libraries are
// transactions by default, and name their connection in them. A PING is sent in its place, and the element that the
// server gives for it in EXEC's reply is replaced. So it is done when the transaction has been, and not when EXEC
// answers nil or an error; an admin request is waited for before the next. What the session sends behind such an
// EXEC waits, since it may depend on it.

const (
	// standInsMax bounds the commands of one transaction for which others stand in, standInBytes the length of each.
	standInsMax  = 1000
	standInBytes = 4 << 10
)

// mayStandIn says whether a command can be done so.
func mayStandIn(c *exchange.Session, command *routing.Command) bool {
	return !command.Has(routing.NoMulti) && !(c.Face.Is(facade.Cluster) && command.Family == routing.CmdCluster)
}

// standIn has a PING stand for a command in the transaction that is being queued.
func standIn(c *exchange.Session, args [][]byte) []byte {
	m := c.Multi
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = bytes.Clone(a)
	}
	m.Placeholders = append(m.Placeholders, session.Placeholder{At: m.Count, Args: own})
	return resp.Ping
}

// sendStandIns notes what the answer to an EXEC is to be completed with. It returns the part of the ticket.
func (w *Worker) sendStandIns(c *exchange.Session, seq uint32) int16 {
	if len(c.Multi.Placeholders) == 0 {
		return -1
	}
	c.Compose(&split{
		w: w, seq: seq, left: 1, parts: make([]resp.JoinPart, 1), standIns: c.Multi.Placeholders})
	return 0
}

// awaitsStandIn says that an EXEC is under way that the gateway has a part in.
func awaitsStandIn(c *exchange.Session) bool {
	return slices.ContainsFunc(c.Composites(), func(of exchange.Composite) bool {
		s, ok := of.(*split)
		return ok && s.standIns != nil
	})
}

// complete delivers the reply to an EXEC when it has the gateway's own parts, which it gets one after the other.
func (w *Worker) complete(c *exchange.Session, s *split) {
	reply := s.parts[0].Reply
	executed := len(reply) > 0 && reply[0] == '*' && !resp.IsNull(reply)
	for executed && len(s.own) < len(s.standIns) {
		args := s.standIns[len(s.own)].Args
		command := routing.Lookup(args)
		var own []byte
		if !admin.Is(command.ID) {
			f := w.facts(c)
			var do local.Effect
			own, do = w.ownReply(c, command, args, &f)
			w.apply(c, &do) // none that parks stands in a transaction
		} else if r, wrong := w.adminRequest(c, command, args); wrong == nil {
			w.sendAdmin(c, r, s.seq)
			return
		} else {
			own = wrong
		}
		if !w.completedBy(c, s, own) {
			return
		}
	}
	c.Composed(s)
	dropParts(c, s)
	if executed {
		places := make([]int, 0, len(s.standIns))
		for _, stand := range s.standIns {
			places = append(places, stand.At)
		}
		reply = resp.Replace(nil, reply, places, s.own)
	}
	w.Deliver(c, s.seq, reply)
}

// completedBy takes one more of those parts. It returns false when that is too much for one client.
func (w *Worker) completedBy(c *exchange.Session, s *split, own []byte) bool {
	s.own = append(s.own, own)
	keepPart(c, s, len(own))
	w.CheckOutput(c)
	return !c.Closed()
}
