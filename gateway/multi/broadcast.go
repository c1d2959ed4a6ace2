package multi

import (
	"bytes"
	"slices"
	"strconv"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// What concerns all keys, or all servers, goes to every primary: a part for each shard of the view, and the replies are
// joined. A part has no key by which its shard could be found under another view. It has an anchor instead: a slot that
// its shard served. Where shards, or slots of them, may have changed meanwhile, a request that can be executed twice is
// begun anew: parts of two views do not make a whole.

// broadcast is what the parts of such a request share.
type broadcast struct {
	command *routing.Command
	use     exchange.Use
	// bypass: its parts must reach servers that are busy with a script. busy are replicas that are: they have the parts
	// behind those of the shards.
	bypass bool
	busy   []topology.NodeID
	// epoch is that of the view whose shards the parts are; anchors has a slot of each, -1 where there are no slots.
	epoch   uint64
	anchors []int16
	// saving is set for SAVE.
	saving *saving
}

// Broadcast sends a request to every primary. Either all parts can be sent now, or none is, and the session is blocked
// for the first that cannot. It returns false when the session was blocked.
func (m *Multi) Broadcast(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	v := c.Service.View
	switch {
	case v == nil || len(v.Shards) == 0:
		return m.x.Unavailable(c, -1, upstream.NoView)
	case command.Keyspace() && !v.Complete():
		return m.x.Unavailable(c, -1, upstream.NoPrimary)
	case d.Merge == routing.OneOK, command.RunsDuringScript() && c.Service.AnyInScript():
		return m.bypassing(c, d, command, frame)
	}
	conns := make([]*upstream.Conn, len(v.Shards))
	for i := range conns {
		var why upstream.Obstacle
		if conns[i], why = m.x.Choose(c, i, -1, exchange.UseOf(d), nil, c.Company(len(frame), 0)); conns[i] == nil {
			return m.x.Unavailable(c, i, why)
		}
	}
	m.x.AlsoOnReplicas(c, command, frame)
	s := m.newBroadcast(c, d, command, v)
	s.limit = limitOf(args)
	if d.Merge == routing.Saved {
		s.broadcast.saving = m.newSaving(conns)
		frame = bgsave
	}
	for i, l := range conns {
		m.x.Send(c, l, &exchange.Request{Seq: s.seq, Part: int16(i), Slot: -1, Shard: i, Read: d.Safe, Changes: d.Changes,
			Keys: changed(command), Frame: frame})
	}
	return true
}

// newBroadcast registers a request with a part for each shard of a view.
func (m *Multi) newBroadcast(c *sessions.Session, d *routing.Decision, command *routing.Command,
	v *topology.View) *parted {
	s := &parted{
		m: m, seq: c.Replies.Reserve(), write: !d.Safe, kind: joinKinds[d.Merge],
		broadcast: &broadcast{command: command, use: exchange.UseOf(d)},
	}
	over(c, s, v)
	c.Compose(s)
	return s
}

// over makes the shards of a view the parts of a broadcast.
func over(c *sessions.Session, s *parted, v *topology.View) {
	s.broadcast.epoch, s.broadcast.anchors = v.Epoch, v.FirstSlots()
	s.left = len(v.Shards)
	dropParts(c, s)
	s.parts = make([]resp.JoinPart, len(v.Shards))
	for i := range s.parts {
		s.parts[i] = resp.JoinPart{Name: v.Shards[i].Name}
	}
}

// limitOf returns how many entries COMMANDLOG GET asks for. Servers reject what is no number.
func limitOf(args [][]byte) int {
	if len(args) < 3 {
		return 10
	}
	n, _ := strconv.Atoi(string(args[2]))
	return n
}

// bypassing begins a command that must reach servers which are busy with a script. Each part goes on a dedicated
// connection, one after the other, in the way of what is retried.
func (m *Multi) bypassing(c *sessions.Session, d *routing.Decision, command *routing.Command, frame []byte) bool {
	s := m.newBroadcast(c, d, command, c.Service.View)
	s.broadcast.bypass = true
	if d.Merge == routing.OneOK {
		s.onBusyReplicas(c.Service.View)
	}
	for i := range s.parts {
		t := upstream.Pending{Seq: s.seq, Part: int16(i), Slot: -1, Shard: int16(i)}
		if n := s.busyReplica(c.Service.View, t.Part); n != nil {
			t.Shard = int16(c.Service.View.ShardOf(n.ID))
		}
		if !d.Safe {
			t.Flags = upstream.Write
		}
		m.x.Retry(c, &t, frame, retry.Entry{Target: -1})
	}
	m.x.Wake(c)
	return true
}

// onBusyReplicas adds a part for each replica that is busy with a script: one that only reads runs there.
func (s *parted) onBusyReplicas(v *topology.View) {
	for i := range v.Shards {
		for _, n := range v.Shards[i].Replicas {
			if n.Busy != "" {
				s.broadcast.busy = append(s.broadcast.busy, n.ID)
				s.parts = append(s.parts, resp.JoinPart{Name: n.Addr})
				s.left++
			}
		}
	}
}

// busyReplica returns the replica of a part while it is busy with a script, or nil.
func (s *parted) busyReplica(v *topology.View, part int16) *topology.Node {
	i := int(part) - len(s.broadcast.anchors)
	if i < 0 || v == nil {
		return nil
	}
	if n := v.Node(s.broadcast.busy[i]); n != nil && n.Busy != "" && v.ShardOf(n.ID) >= 0 {
		return n
	}
	return nil
}

// resendBroadcast sends the first part that must be retried, or answers it. It returns false when the session was
// blocked.
func (m *Multi) resendBroadcast(c *sessions.Session, s *parted) bool {
	a, v := c.NextRetry(), c.Service.View
	switch {
	case v == nil || len(v.Shards) == 0:
		return m.x.StillUnavailable(c, a, -1, upstream.NoView)
	case c.InFlightUnder(v.Epoch), s.broadcast.bypass && c.InFlight():
		m.x.Block(c, wait.InFlight)
		return false
	case s.broadcast.command.Keyspace() && !v.Complete():
		return m.x.StillUnavailable(c, a, -1, upstream.NoPrimary)
	}
	if s.broadcast.epoch != v.Epoch && mayRenew(c, s) {
		over(c, s, v)
		c.RetryAll(len(s.parts))
		a = c.NextRetry()
	}
	var shard int
	var l *upstream.Conn
	var why upstream.Obstacle
	if int(a.Part) >= len(s.broadcast.anchors) {
		n := s.busyReplica(v, a.Part)
		if n == nil { // the script has ended, or the server is gone: it has nothing to add to what primaries have replied
			m.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, s.parts[0].Reply)
			return true
		}
		shard = v.ShardOf(n.ID)
		l, why = m.x.DedicateToBusy(c, n)
	} else if shard = s.shardOf(v, a.Part); s.broadcast.bypass {
		l, why = m.x.DedicateAt(c, shard, true)
	} else {
		use := s.broadcast.use
		if use == exchange.Reads && a.Primary {
			use = exchange.Asks
		}
		l, why = m.x.Choose(c, shard, -1, use, nil, c.Company(len(a.Frame), a.Cost))
	}
	if l == nil {
		return m.x.StillUnavailable(c, a, shard, why)
	}
	if s.broadcast.saving != nil && !m.savesOn(c, s, a, l) {
		return true
	}
	m.x.Send(c, l, &exchange.Request{
		Seq: a.Seq, Part: a.Part, Slot: -1, Redirects: a.Redirects, Retries: a.Retries, Cost: a.Cost, Shard: shard,
		Began: a.Began, Command: a.Command,
		Read: a.Read, Changes: s.broadcast.use == exchange.Writes, Keys: changed(s.broadcast.command), Frame: a.Frame,
		Foreign: s.broadcast.bypass,
	})
	return true
}

// changed returns the keys that a broadcast may change: any, or none.
func changed(command *routing.Command) upstream.Keys {
	if command.ReplicaRefuses() {
		return nil
	}
	return upstream.Keys{}
}

// shardOf returns the shard of a part in a view, -1 when none serves its slot.
func (s *parted) shardOf(v *topology.View, part int16) int {
	switch anchor := s.broadcast.anchors[part]; {
	case s.broadcast.epoch == v.Epoch:
		return int(part)
	case !v.Sharded:
		return 0
	case anchor < 0 || v.Shard(int(anchor)) == nil:
		return -1
	default:
		return v.Shard(int(anchor)).Index
	}
}

// mayRenew reports whether a broadcast can be begun anew: it can be executed twice, and no part of it has an error of
// the gateway.
func mayRenew(c *sessions.Session, s *parted) bool {
	return s.broadcast.command.Repeats() && !c.Overtaken(s.seq) && !slices.ContainsFunc(s.parts,
		func(p resp.JoinPart) bool {
			return refusedHere(p.Reply) || bytes.HasPrefix(p.Reply, []byte("-UNCERTAIN "))
		})
}
