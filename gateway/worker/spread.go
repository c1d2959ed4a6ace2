package worker

import (
	"bytes"
	"slices"
	"strconv"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// What concerns all keys, or all servers, goes to every primary: a part for each shard of the view, and the replies are
// joined. A part has no key by which its shard could be found again under another view; it has a slot that the shard
// served. Where shards may have come or gone meanwhile, or slots from one to another, what can be done twice is begun
// anew: parts of two pictures do not make a whole.

// spread is what the parts of such a request share.
type spread struct {
	command *routing.Command
	read    bool
	// urgent: its parts must get past what the servers are busy with.
	urgent bool
	// epoch is that of the view whose shards the parts are, anchors a slot of each: -1 where there are no slots.
	epoch   uint64
	anchors []int16
	// saving is set for SAVE.
	saving *saving
}

// spread sends a request to every primary. Either all parts can be sent now or none is: the session parks for the first
// that cannot.
func (w *Worker) spread(c *client, d *routing.Decision, command *routing.Command, args [][]byte, frame []byte) bool {
	v := c.svc.View
	switch {
	case v == nil || len(v.Shards) == 0:
		return w.mayNot(c, -1, upstream.NoView)
	case command.Keyspace() && !v.Complete():
		return w.mayNot(c, -1, upstream.NoPrimary)
	case d.Merge == routing.OneOK, saidInScript(command) && c.svc.AnyInScript():
		return w.urgently(c, d, command, frame)
	}
	lanes := make([]*upstream.Conn, len(v.Shards))
	for i := range lanes {
		var why upstream.Obstacle
		if lanes[i], why = w.choose(c, i, -1, d.Read, c.company(len(frame), 0)); lanes[i] == nil {
			return w.mayNot(c, i, why)
		}
	}
	w.alsoOnReplicas(c, command, frame)
	s := c.newSpread(d, command, v)
	s.limit = limitOf(args)
	if d.Merge == routing.Saved {
		s.spread.saving = w.newSaving(lanes)
		frame = bgsave
	}
	for i, l := range lanes {
		w.send(c, l, &request{seq: s.seq, part: int16(i), slot: -1, shard: i, read: d.Safe, frame: frame})
	}
	return true
}

// newSpread begins a request with a part for each shard of a view.
func (c *client) newSpread(d *routing.Decision, command *routing.Command, v *topology.View) *split {
	s := &split{
		seq: c.Replies.Reserve(), write: !d.Safe, kind: joinKinds[d.Merge],
		spread: &spread{command: command, read: d.Read},
	}
	c.over(s, v)
	c.own().splits = append(c.splits, s)
	return s
}

// over gives a spread its parts: the shards of a view.
func (c *client) over(s *split, v *topology.View) {
	s.spread.epoch, s.spread.anchors = v.Epoch, v.FirstSlots()
	s.left = len(v.Shards)
	c.dropParts(s)
	s.parts = make([]resp.JoinPart, len(v.Shards))
	for i := range s.parts {
		s.parts[i].Name = v.Shards[i].Name
	}
}

// limitOf reads how many entries SLOWLOG GET or COMMANDLOG GET asks for. What is no number is refused by every server.
func limitOf(args [][]byte) int {
	if len(args) < 3 {
		return 10
	}
	n, _ := strconv.Atoi(string(args[2]))
	return n
}

// urgently begins a command that must get past what the servers are busy with. Each part goes on a connection of the
// session's own, one after the other, as what is retried does.
func (w *Worker) urgently(c *client, d *routing.Decision, command *routing.Command, frame []byte) bool {
	s := c.newSpread(d, command, c.svc.View)
	s.spread.urgent = true
	for i := range s.parts {
		t := upstream.Pending{Seq: s.seq, Part: int16(i), Slot: -1, Shard: int16(i)}
		if !d.Safe {
			t.Flags = upstream.Write
		}
		w.addRetry(c, &t, frame, retry.Entry{Target: -1})
	}
	w.wake(c)
	return true
}

// resendSpread sends the first part that must be retried, or answers it. It returns false when the session was
// parked.
func (w *Worker) resendSpread(c *client, s *split) bool {
	a, v := &c.retries[0], c.svc.View
	switch {
	case v == nil || len(v.Shards) == 0:
		return w.mayNotResend(c, a, -1, upstream.NoView)
	case len(c.flights) > 0 && (c.flightEpoch != v.Epoch || s.spread.urgent):
		w.park(c, wait.InFlight)
		return false
	case s.spread.command.Keyspace() && !v.Complete():
		return w.mayNotResend(c, a, -1, upstream.NoPrimary)
	}
	if s.spread.epoch != v.Epoch && c.mayRenew(s) {
		c.over(s, v)
		c.forgetWithheld(s.seq)
		c.renew(s)
		a = &c.retries[0]
	}
	shard := s.shardOf(v, a.Part)
	var l *upstream.Conn
	var why upstream.Obstacle
	if s.spread.urgent {
		l, why = w.privateAt(c, shard, true)
	} else {
		l, why = w.choose(c, shard, -1, s.spread.read && !a.Primary, c.company(len(a.Frame), a.Cost))
	}
	if l == nil {
		return w.mayNotResend(c, a, shard, why)
	}
	if s.spread.saving != nil && !w.savesOn(c, s, a, l) {
		return true
	}
	w.send(c, l, &request{
		seq: a.Seq, part: a.Part, slot: -1, redirects: a.Redirects, retries: a.Retries, cost: a.Cost, shard: shard,
		read: a.Read, frame: a.Frame, foreign: s.spread.urgent,
	})
	return true
}

// shardOf finds the shard of a part in a view; -1 when nobody serves its slot.
func (s *split) shardOf(v *topology.View, part int16) int {
	switch anchor := s.spread.anchors[part]; {
	case s.spread.epoch == v.Epoch:
		return int(part)
	case !v.Sharded:
		return 0
	case anchor < 0 || v.Shard(int(anchor)) == nil:
		return -1
	default:
		return v.Shard(int(anchor)).Index
	}
}

// mayRenew says that a request of which a part must be retried can be begun anew: it can be done twice, and no part
// of it has the gateway's own answer.
func (c *client) mayRenew(s *split) bool {
	stale := slices.ContainsFunc(c.retries, func(a retry.Entry) bool { return a.Seq == s.seq && a.Overtaken })
	return s.spread.command.Repeats() && !stale && !slices.ContainsFunc(s.parts, func(p resp.JoinPart) bool {
		return refusedHere(p.Reply) || bytes.HasPrefix(p.Reply, []byte("-UNCERTAIN "))
	})
}

// renew puts all parts of the request in front where some of them were.
func (c *client) renew(s *split) {
	first := c.retries[0]
	rest := slices.DeleteFunc(c.retries, func(a retry.Entry) bool { return a.Seq == s.seq })
	all := make(retry.Queue, len(s.parts), len(s.parts)+len(rest))
	for i := range all {
		all[i] = first
		all[i].Part = int16(i)
	}
	c.own().retries = append(all, rest...)
}

// apart says that two requests of one flight went to different shards, and that one is the part of a spread, which
// concerns its own shard alone.
func (c *client) apart(a *retry.Entry, t *upstream.Pending) bool {
	if a.Flown != c.flightEpoch || a.Shard == t.Shard {
		return false
	}
	for _, seq := range [...]uint32{a.Seq, t.Seq} {
		if s := c.splitOf(seq); s != nil && s.spread != nil {
			return true
		}
	}
	return false
}
