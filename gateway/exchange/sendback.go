package exchange

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// A request that its server rejected was not executed. Package retry decides what becomes of it, from the Facts here.

// TooManyRedirects is the error for a request that servers redirected to each other too often.
var TooManyRedirects = resp.AppendError(nil,
	"TRYAGAIN evergate: too many redirections; the command was not executed")

// NotElsewhere is the error for a dangerous command that was not executed: it may be meant for no other server.
var NotElsewhere = resp.AppendError(nil,
	"TRYAGAIN evergate: the server did not accept the command, which is not retried on another one; it was not executed")

// carefulFor is how long a session has one request at a time in flight for a slot that is being moved.
const carefulFor = 2 * time.Second

// Facts returns what the verdict on a rejected request depends on.
func (r *Retries) Facts(l *upstream.Conn, t *upstream.Pending, kind retry.Kind) retry.Facts {
	f := retry.Facts{
		Redirects: t.Redirects, Retries: t.Retries, Replica: l.Key.Purpose == upstream.Replica,
		Watched: t.Flags&upstream.Watched != 0, Bypass: l.Bypass, Switching: l.Draining || r.x.pool.JustSwitched(l),
	}
	c := r.x.Session(t.To)
	f.OnlyReplicas = c != nil && c.Reading().From == session.OnlyReplica
	switch {
	case c == nil:
	case kind == retry.TryAgain:
		f.Window = c.Patience()
	default:
		f.Window = c.Window()
	}
	return f
}

// SendBack executes the verdict on a rejected request: its session retries it, or gets an error.
func (r *Retries) SendBack(c *sessions.Session, l *upstream.Conn, t *upstream.Pending, frame []byte, a retry.Entry,
	kind retry.Kind, v *retry.Verdict,
) {
	if t.Flags&upstream.Watched != 0 {
		r.x.watchLost(c, t, frame)
		if !c.Closed() {
			r.x.Landed(c, t.Shard)
		}
		return
	}
	if kind.Careful() {
		c.BeCareful(t.Slot, r.x.clock.Now+carefulFor)
	}
	switch {
	case v.Outcome == retry.Retry:
		a.Redirects, a.Retries, a.Ask, a.Primary = v.Redirects, v.Retries, v.Ask, v.Primary
		a.At, a.Firm = r.x.clock.Now+v.After, v.Firm
		first := !c.Retrying()
		r.Retry(c, t, frame, a)
		// A server that lacks a script executes the writes behind it; after these neither it nor a read would be in order.
		if first && v.Siblings && !(kind == retry.NoScript && writesBehind(c, l, t)) {
			r.takeReads(c, l, t)
		}
	case kind == retry.Unable:
		if c.Terms().Hold.Mode == session.HoldDryRun {
			r.x.CountDryRun()
		}
		r.x.Settle(c, t, c.Service.Loading(c.Service.ShardName(int(t.Shard))+" has rejected the command for "+
			retry.Waited(t.Retries).String()))
	default:
		r.x.Settle(c, t, TooManyRedirects)
	}
	if !c.Closed() {
		r.x.Landed(c, t.Shard)
	}
}

// Redirected returns the node that a MOVED or an ASK names, -1 where the view has none: the request then waits until
// the control plane, which gets a report, has found it. It sets the slot of t. ok is false where the reply is
// malformed.
func (x *Exchange) Redirected(l *upstream.Conn, reply []byte, kind retry.Kind, t *upstream.Pending,
) (target topology.NodeID, ok bool) {
	slot, addr, ok := topology.Redirection(string(reply[1:]))
	if !ok {
		return -1, false
	}
	s := x.Served(l)
	if kind == retry.Moved {
		x.conf.Report(s.Of, topology.Report{
			Kind: topology.Moved, Node: l.Key.Node, Shard: -1, Epoch: s.View.Epoch, Slot: slot, Addr: addr,
		})
	}
	t.Move(slot)
	if n := s.View.NodeNamed(addr, s.View.Node(l.Key.Node)); n != nil {
		return n.ID, true
	}
	return -1, true
}
