package freshness

import (
	"math"
	"sync/atomic"
	"time"

	"evergate/topology"
)

// Reason is why a replica may not serve a read, which the primary then serves; it labels a metric.
type Reason uint8

const (
	// Fresh: the replica may serve the read.
	Fresh Reason = iota
	// OtherView: the worker has not taken the newest view yet, or there is none.
	OtherView
	// InFlight: a write to one of the keys is in flight.
	InFlight
	// AllInFlight: a write that may concern any key is in flight.
	AllInFlight
	// NotReached: the replica has not been seen to have the last write to one of the keys.
	NotReached
	// Unproven: nothing is known of the replica since its connection was opened, it restarted, its shard has this
	// primary, or its shard has gained a slot.
	Unproven
	// SlotElsewhere: a write of the slot was redirected, and the view has not followed yet.
	SlotElsewhere
	// TooOld: the replica was not seen to have what the primary had within the bound.
	TooOld
	// TooFarBehind: the replica lacks more bytes than the bound allows.
	TooFarBehind

	// Reasons is how many there are.
	Reasons
)

// ReasonNames are the reasons as labels of metrics.
var ReasonNames = [Reasons]string{"fresh", "other-view", "in-flight", "all-in-flight", "not-reached", "unproven",
	"slot-elsewhere", "too-old", "too-far-behind"}

func (r Reason) String() string { return ReasonNames[r] }

// Read is what decides whether a replica may serve a read. A worker fills one for each read; May keeps no reference.
type Read struct {
	// Epoch is that of the worker's view.
	Epoch uint64
	// Slot is that of the keys, -1 without slots.
	Slot int
	// Cells are those of the keys; a cell may appear twice. Without any, all that counts are AllKeys and Floor. A read
	// whose keys are unknown does not belong on a replica.
	Cells []Cell
	// Floor is the session's own: a poll that the replica must have reached in any case. 0: none.
	Floor uint64
}

// Opened is what May must know of a connection to a replica. The zero value proves nothing.
type Opened struct {
	// run is the number of the server's run.
	run uint32
	// after is the first poll that says something about the server at the other end.
	after uint64
}

// Open returns the Opened of a connection that has just been established and identified: runID is the run ID that its
// server reported, on this connection. An empty one lets no read use the connection under the consistency "gateway".
func (s *Service) Open(runID string) Opened { return Opened{s.run(runID), s.Next()} }

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
	// wanted: a read went to the primary because a replica was unproven, or had not been seen to have a write.
	wanted atomic.Bool
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
			t.shards[i].line = newLine(sh)
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

func newLine(sh *topology.Shard) *line {
	l := &line{primary: -1}
	if p := sh.Standing(); p != nil {
		l.primary, l.addr, l.run = p.ID, p.Addr, p.RunID
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

// May returns Fresh if the replica with this NodeID may serve a read on a connection, under the consistency "gateway";
// else why not, and the replica is polled soon if that helps. It does not allocate. The answer holds for a read that is
// sent now, also if it is on its way for long: what is written meanwhile is concurrent with it.
func (s *Service) May(r *Read, node topology.NodeID, on Opened) Reason {
	t := s.current.Load()
	if t == nil || t.epoch != r.Epoch {
		return OtherView
	}
	if uint(node) >= uint(len(t.replicas)) || t.replicas[node] == nil {
		return Unproven
	}
	replica := t.replicas[node]
	floor := s.cells[AllKeys].Load()
	if floor&inFlightMask != 0 {
		return AllInFlight
	}
	need := max(floor>>inFlightBits, r.Floor)
	for _, c := range r.Cells {
		cell := s.cells[c].Load()
		if cell&inFlightMask != 0 {
			return InFlight
		}
		need = max(need, cell>>inFlightBits)
	}
	if r.Slot >= 0 {
		// The order matters: a write is recorded here before it ends, and a record is dropped after the view has
		// changed.
		if by := s.elsewhere[r.Slot].Load(); by != 0 && topology.NodeID(by-1) != replica.primary {
			return SlotElsewhere
		}
		if s.current.Load() != t {
			return OtherView
		}
	}
	switch proof := replica.proof.Load(); {
	case !replica.proves(proof, on):
		s.want(replica.line)
		return Unproven
	case proof&pollMask < need:
		s.want(replica.line)
		return NotReached
	}
	return Fresh
}

// proves reports whether a proof says anything about the server at the other end of a connection.
func (r *replica) proves(proof uint64, on Opened) bool {
	return on.run != 0 && uint32(proof>>pollBits) == on.run && proof&pollMask >= on.after
}

// want asks for a poll of a line.
func (s *Service) want(l *line) {
	if !l.wanted.Load() && l.wanted.CompareAndSwap(false, true) {
		s.wake()
	}
}

// Bound is how stale a read may be. Exactly one of its fields is set.
type Bound struct {
	// Age: the replica has what the primary had this long ago, or later.
	Age time.Duration
	// Bytes: the replica lacked at most this much of the primary's replication stream when both were polled last, which
	// is at most BytesAge ago.
	Bytes int64
}

// BytesAge is how long a measured lag in bytes is believed.
const BytesAge = 500 * time.Millisecond

// gap returns how far polls may be apart where reads with this Bound come.
func (b Bound) gap() time.Duration {
	if b.Age > 0 {
		return b.Age / 3
	}
	return BytesAge / 3
}

// Within returns Fresh if the replica with this NodeID may serve a read on a connection, with a bound on its staleness;
// else why not. Of the read only Epoch and Floor count. Polls go on while such reads come. It does not allocate.
func (s *Service) Within(b Bound, r *Read, node topology.NodeID, on Opened, now time.Time) Reason {
	t := s.current.Load()
	if t == nil || t.epoch != r.Epoch {
		return OtherView
	}
	if uint(node) >= uint(len(t.replicas)) || t.replicas[node] == nil {
		return Unproven
	}
	replica := t.replicas[node]
	s.wantWithin(replica.line, b.gap())
	at, asOf, measured := s.at(now), replica.asOf.Load(), replica.measured.Load()
	behind := replica.behind.Load()
	switch proof := replica.proof.Load(); {
	case !replica.proves(proof, on):
		s.want(replica.line)
		return Unproven
	case proof&pollMask < r.Floor:
		s.want(replica.line)
		return NotReached
	case b.Age > 0 && (asOf == never || at-asOf > int64(b.Age)),
		b.Age <= 0 && (measured == never || at-measured > int64(BytesAge)):
		s.want(replica.line)
		return TooOld
	case b.Age <= 0 && behind > b.Bytes:
		s.want(replica.line)
		return TooFarBehind
	}
	return Fresh
}

// wantWithin asks for polls of a line that are at most gap apart, until the next one.
func (s *Service) wantWithin(l *line, gap time.Duration) {
	for {
		old := l.bound.Load()
		if old != 0 && old <= int64(gap) {
			return
		}
		if l.bound.CompareAndSwap(old, max(1, int64(gap))) {
			s.wake()
			return
		}
	}
}

// at returns a time as a number.
func (s *Service) at(t time.Time) int64 { return int64(t.Sub(s.base)) }

// Lag is how far a replica is behind its primary, as the last polls of both found it.
type Lag struct {
	Node topology.NodeID
	// Proven: the replica has reached a poll since its shard has this primary and these slots.
	Proven bool
	// Bytes of the replication stream that it lacked; Polls is how many of its shard's polls it had not reached.
	Bytes, Polls int64
}

// Lags returns the Lag of each replica of the view, by NodeID.
func (s *Service) Lags() []Lag {
	t := s.current.Load()
	if t == nil {
		return nil
	}
	var lags []Lag
	for _, r := range t.replicas {
		if r == nil {
			continue
		}
		l := Lag{Node: r.node, Proven: r.proof.Load() != 0, Polls: r.lag.Load()}
		if l.Proven {
			l.Bytes = r.behind.Load()
		}
		lags = append(lags, l)
	}
	return lags
}
