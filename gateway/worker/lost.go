package worker

import (
	"strconv"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/topology"
)

// A lost lane splits by arithmetic. A request whose last byte never reached the kernel was not executed, and a sent
// read does no harm: both are retried. The outcome of a sent write is unknown: the client is told so, and it is
// never sent again. A reply whose first bytes the client already has cannot be taken back: that client is closed.

// LaneOpened says that a connection was made and greeted.
func (w *Worker) LaneOpened(id backend.LaneID, met Met) {
	l := w.lanes[id]
	if l != nil && l.State == backend.Open {
		return
	}
	if l == nil || l.State != backend.Dialing {
		w.out.CloseLanes = append(w.out.CloseLanes, id) // nobody waits for it any more
		return
	}
	l.State, l.OpenedAt, l.UsedAt = backend.Open, w.clock.Now, w.clock.Now
	l.Client, l.OwnOffset = met.Client, met.OwnOffset
	if met.RunID != "" {
		l.RunID = met.RunID
	}
	if len(l.Kill) > 0 {
		w.stats.Fenced += uint64(w.services[l.Key.Service].kill.Killed(l.Key.Node, l.Kill))
	}
	l.Kill = nil
	w.stats.LanesOpened++
	switch l.Key.Purpose {
	case backend.Private:
		w.pinOpened(l)
		return
	case backend.Feed:
		w.feedOpened(l)
		return
	}
	w.releaseHeld(w.services[l.Key.Service])
}

// LaneClosed says that a connection ended, or could not be made.
func (w *Worker) LaneClosed(id backend.LaneID, why backend.LostReason) {
	l := w.lanes[id]
	if l == nil {
		return
	}
	if l.State == backend.Open {
		w.lanes[id].Dirty = false
		w.lose(l, why)
		return
	}
	if l.State != backend.Dialing || why == backend.PeerClosed {
		return // the end of a connection that was given up a moment ago
	}
	w.stats.LanesLost[why]++
	if why == backend.OtherRun {
		w.report(l, topology.OtherRun)
	} else {
		w.report(l, topology.ConnectionLost)
		if set := w.sets[l.Key]; len(set.lanes) > 1 && why == backend.DialFailed {
			set.singleUntil = w.clock.Now + redialMax
		}
	}
	if l.Key.Purpose == backend.Feed && w.feedLost(w.services[l.Key.Service], l, w.clock.Now) {
		w.removeLane(l, backend.DialFailed)
		return
	}
	w.redial(l)
}

// laneLost ends a lane that cannot be trusted any more.
func (w *Worker) laneLost(l *backend.Lane, why backend.LostReason) {
	w.out.CloseLanes = append(w.out.CloseLanes, l.ID)
	w.lose(l, why)
}

// lose deals with everything that was in flight on an open lane, and dials again.
func (w *Worker) lose(l *backend.Lane, why backend.LostReason) {
	s := w.services[l.Key.Service]
	sharded := s.view.IsSharded()
	lost := l.Lost(sharded)
	s.kill.Add(l, lost)
	if l.Key.Purpose == backend.Private {
		w.pinLost(l, false)
	}
	for i := range lost {
		w.lostRequest(s, l, &lost[i], i == 0, why)
	}
	w.over(l, why)
}

// over makes a new beginning for a lane on which nothing is under way any more.
func (w *Worker) over(l *backend.Lane, why backend.LostReason) {
	s := w.services[l.Key.Service]
	s.catalog.Unload(l.Key.Node)
	retiring, since := l.Retiring, w.clock.Now
	if l.Silent {
		since = l.WaitsFrom
	}
	steady := w.clock.Now-l.OpenedAt >= steadyAfter
	l.Reset()
	l.State = backend.Waiting
	if why != backend.Retired && why != backend.Refused {
		w.report(l, topology.ConnectionLost)
	}
	if w.publishes == l {
		w.publishes = nil
	}
	unneeded := l.Key.Purpose == backend.Feed && w.feedLost(s, l, since)
	switch {
	case unneeded || retiring || !w.needed(w.sets[l.Key]) || l.Key.Purpose == backend.Private:
		w.removeLane(l, why)
		return
	case steady:
		l.Attempts = 0
		w.dial(l)
	default:
		w.redial(l)
	}
	w.stats.LanesLost[why]++
}

// lostRequest settles one request of a lane that died. The one in front may be what the lane died of: where its reply
// made no sense, or it was retried too often, it is not retried.
func (w *Worker) lostRequest(s *service, l *backend.Lane, r *backend.Lost, front bool, why backend.LostReason) {
	t := &r.Ticket
	if t.Flags&backend.Internal != 0 {
		w.took(l, t.Seq, nil)
		return
	}
	c := w.client(t.To)
	if c == nil || t.Flags&backend.Quiet != 0 {
		return
	}
	if t.Flags&backend.Blocking != 0 {
		if c.ghost = nil; l.Client != 0 {
			c.own().ghost = &ghost{l.Key.Node, l.RunID, l.Client}
		}
		if w.clock.Now-l.OpenedAt >= steadyAfter {
			t.Redirects = 0
		} else {
			c.own().pinAt = w.clock.Now + privateRetry
		}
	}
	switch {
	case front && l.Streams:
		w.close(c, session.HalfReply)
		return
	case t.Flags&backend.Watched != 0 && r.Fate != backend.Uncertain:
		w.watchLost(c, t, r.Frame)
	case t.Flags&backend.Blocking != 0 && r.Fate == backend.Uncertain && why != backend.Poisoned &&
		w.blockingLost(c, t, r.Frame):
	case r.Fate == backend.Uncertain:
		w.stats.Uncertain++
		w.executed(c, t, r.Frame)
		w.settle(c, t, uncertain(s, l))
	case r.Fate == backend.OutOfOrder:
		w.stats.OutOfOrder++
		w.settle(c, t, outOfOrder)
	case front && why == backend.Poisoned && (l.Queue.Sent(t.End) || t.Redirects >= retry.RedirectsMax),
		t.Redirects >= retry.RedirectsMax && l.Queue.Sent(t.End):
		w.settle(c, t, lostTooOften)
	default:
		var e retry.Ended
		if costs(l, r, front, why) {
			if t.Cost > 0 && l.Alone() {
				e = retry.Ended{Node: l.Key.Node, RunID: l.RunID, At: max(w.clock.Now, 1), Sent: l.Queue.Sent(t.End)}
			}
			t.Cost++
		}
		w.retryLost(c, l, r, e)
	}
	if !c.closed {
		w.landed(c, t.Shard)
	}
}

// retryLost retries a request of a lost lane.
func (w *Worker) retryLost(c *client, l *backend.Lane, r *backend.Lost, e retry.Ended) {
	w.stats.DoneAgain++
	redirects := r.Ticket.Redirects
	if l.Queue.Sent(r.Ticket.End) {
		redirects++
	}
	w.addRetry(c, &r.Ticket, r.Frame, retry.Entry{Target: -1, Redirects: redirects, Retries: r.Ticket.Retries, Ended: e})
}

// settle answers a request, or its part of a split one.
func (w *Worker) settle(c *client, t *backend.Ticket, reply []byte) {
	if t.Part >= 0 {
		w.partDone(c, t.Seq, t.Part, reply)
	} else {
		w.deliver(c, t.Seq, reply)
	}
}

var lostTooOften = resp.AppendError(nil,
	"ERR evergate: the connection to the server was lost while it answered; the command changed nothing")

func uncertain(s *service, l *backend.Lane) []byte {
	text := "UNCERTAIN evergate: service '" + s.Name + "': the connection to " + s.nodeName(l.Key.Node)
	return resp.AppendError(nil, text+" was lost after the command was sent; it may or may not have been executed")
}

// outOfOrder answers what can only be done behind a later command of the same client.
var outOfOrder = resp.AppendError(nil,
	"TRYAGAIN evergate: the command was not executed, because a later one of this connection already was")

// nodeName is how texts call a node.
func (s *service) nodeName(id topology.NodeID) string {
	if n := s.view.Node(id); n != nil {
		return n.Addr
	}
	return "node " + strconv.Itoa(int(id))
}

// redial plans the next attempt: soon, then with growing pauses, never two workers at the same moment.
func (w *Worker) redial(l *backend.Lane) {
	set := w.sets[l.Key]
	if l.Retiring || !w.needed(set) || len(set.lanes) > 1 && set.lanes[0] != l || l.Key.Purpose == backend.Private {
		l.State = backend.Waiting
		w.removeLane(l, backend.DialFailed)
		if l.Key.Purpose != backend.Private {
			w.wakeHeld(w.services[l.Key.Service])
		}
		return
	}
	l.Attempts++
	pause := min(redialMax, redialMin<<min(l.Attempts-1, 10))
	l.State = backend.Waiting
	l.RedialAt = w.clock.Now + pause/2 + time.Duration(w.rnd.Int64N(int64(pause)))
	w.clock.At(l.RedialAt)
	if l.Attempts == 1 {
		w.wakeHeld(w.services[l.Key.Service]) // reads may go elsewhere
	}
}

func (w *Worker) report(l *backend.Lane, kind topology.ReportKind) {
	s := w.services[l.Key.Service]
	if s.view == nil {
		return
	}
	w.env.Report(s.index, topology.Report{
		Kind: kind, Node: l.Key.Node, Shard: s.view.ShardOf(l.Key.Node), Epoch: s.view.Epoch, Slot: -1,
	})
}
