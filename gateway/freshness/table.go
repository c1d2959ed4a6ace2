package freshness

import (
	"math"
	"sync/atomic"

	"evergate/topology"
)

// A proof is one word: in its low bits the poll that a replica has reached, above them its run.
const (
	pollBits = 40
	pollMask = 1<<pollBits - 1
	runBits  = 64 - pollBits
)

// never is the time of what has not happened.
const never = math.MinInt64

// table is what is proven under one view. It is immutable, except for what is atomic.
type table struct {
	epoch  uint64
	shards []shard
	// replicas has those of all shards, by NodeID; nil where a node is none.
	replicas []*replica
	// owners has the index of the shard of each slot, -1 without one; nil if keys are not distributed by slot.
	owners []int16
}

type shard struct {
	*line
	// polled: the shard has a primary, which may be asked.
	polled   bool
	replicas []*replica
}

// line is one primary in one run with a set of slots that did not grow: proofs hold while it goes on. It outlives the
// tables that name it.
type line struct {
	primary   topology.NodeID
	addr, run string
	// number is that of run.
	number uint32
	// bound is how far polls may be apart for the reads with a bound that came since the last one, in nanoseconds; 0:
	// none came.
	bound atomic.Int64
}

// replica is what is proven of one replica under one line.
type replica struct {
	*line
	node  topology.NodeID
	addr  string
	proof atomic.Uint64
	// wanted: a read went to the primary because it was unproven, or had not been seen to have a write.
	wanted atomic.Bool
	// asOf is when the poll began that it has reached.
	asOf atomic.Int64
	// behind is how many bytes it lacked of the primary's offset at the last poll of both, which began at measured.
	// lag is the same as a number of polls.
	behind, measured, lag atomic.Int64
}

func newReplica(l *line, n *topology.Node) *replica {
	r := &replica{line: l, node: n.ID, addr: n.Addr}
	r.reset()
	return r
}

// reset makes a replica unproven. Each time is reset after what it belongs to, and read before it.
func (r *replica) reset() {
	r.proof.Store(0)
	r.asOf.Store(never)
	r.measured.Store(never)
	r.lag.Store(0)
}

// Publish takes a new view. It is called by one goroutine, before the view reaches any worker; a worker whose view is
// another one gets OtherView from then on.
//
// Proofs are carried over where a shard has the same primary in the same run, and no slot that it did not have: those
// of a new primary say nothing about the writes of the old one, and those of a shard say nothing about the writes that
// a slot had elsewhere.
func (s *Service) Publish(v *topology.View) {
	old := s.current.Load()
	t := &table{epoch: v.Epoch, shards: make([]shard, len(v.Shards)), replicas: make([]*replica, len(v.Nodes))}
	if v.Sharded {
		t.owners = make([]int16, topology.Slots)
		for slot := range t.owners {
			t.owners[slot] = -1
			if sh := v.Shard(slot); sh != nil {
				t.owners[slot] = int16(sh.Index)
			}
		}
	}
	before := old.continued(t, v)
	for i := range v.Shards {
		sh, was := &v.Shards[i], before[i]
		t.shards[i] = shard{polled: sh.Primary != nil}
		if was != nil {
			t.shards[i].line = was.line
		} else {
			t.shards[i].line = s.newLine(sh)
		}
		for _, n := range sh.Replicas {
			r := was.replica(n.ID)
			if r == nil {
				r = newReplica(t.shards[i].line, n)
			}
			t.shards[i].replicas = append(t.shards[i].replicas, r)
			t.replicas[n.ID] = r
		}
	}
	s.current.Store(t)
	s.forgetMoved(old, t)
	s.wake()
}

func (s *Service) newLine(sh *topology.Shard) *line {
	l := &line{primary: -1}
	if p := sh.Standing(); p != nil {
		l.primary, l.addr, l.run, l.number = p.ID, p.Addr, p.RunID, s.run(p.RunID)
	}
	return l
}

// continued returns, for each shard of a view, the shard of this table that it continues, or nil.
func (t *table) continued(next *table, v *topology.View) []*shard {
	from := make([]*shard, len(v.Shards))
	if t == nil {
		return from
	}
	for i := range v.Shards {
		p := v.Shards[i].Standing()
		for j := range t.shards {
			if was := &t.shards[j]; p != nil && was.primary == p.ID && was.run == p.RunID {
				from[i] = was
			}
		}
	}
	for slot, owner := range next.owners {
		if owner < 0 || from[owner] == nil {
			continue
		}
		if t.owners == nil || t.owners[slot] < 0 || &t.shards[t.owners[slot]] != from[owner] {
			from[owner] = nil
		}
	}
	return from
}

// replica returns the replica with this NodeID, or nil.
func (s *shard) replica(node topology.NodeID) *replica {
	if s != nil {
		for _, r := range s.replicas {
			if r.node == node {
				return r
			}
		}
	}
	return nil
}

// forgetMoved drops what is known of redirected writes in slots that have another owner now. A read under the old view
// that misses them notices that this is no longer the current one.
func (s *Service) forgetMoved(old, t *table) {
	for slot := range t.owners {
		at := &s.elsewhere[slot]
		was := at.Load()
		if was != 0 && old.owner(slot) != t.owner(slot) {
			at.CompareAndSwap(was, 0)
		}
	}
}

// owner returns the primary of the shard of a slot, -1 without one.
func (t *table) owner(slot int) topology.NodeID {
	if t == nil || t.owners == nil || t.owners[slot] < 0 {
		return -1
	}
	return t.shards[t.owners[slot]].primary
}
