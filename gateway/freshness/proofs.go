package freshness

import (
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

// May returns Fresh if the replica with this NodeID may serve a read on a connection, under the consistency "gateway";
// else why not, and the replica is polled soon if that helps. It does not allocate. The answer holds for a read that is
// sent now, also if it is on its way for long: what is written meanwhile is concurrent with it.
func (s *Service) May(r *Read, node topology.NodeID, on Opened) Reason {
	t, replica, why := s.find(r, node, on)
	if replica == nil {
		return why
	}
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
		where := s.whereabouts(r.Slot)
		if where.isAwayFrom(replica.primary) {
			return SlotElsewhere
		}
		if s.current.Load() != t {
			return OtherView
		}
		need = max(need, where.since())
	}
	switch proof := replica.proof.Load(); {
	case !replica.proves(proof, on):
		s.want(replica)
		return Unproven
	case proof&pollMask < need:
		s.want(replica)
		return NotReached
	}
	return Fresh
}

// find returns what is proven of a replica under the view of a read; nil, and the answer, where that needs no proof.
func (s *Service) find(r *Read, node topology.NodeID, on Opened) (*table, *replica, Reason) {
	t := s.current.Load()
	switch {
	case t == nil || t.epoch != r.Epoch:
		return nil, nil, OtherView
	case uint(node) >= uint(len(t.replicas)) || t.replicas[node] == nil:
		return nil, nil, Unproven
	case node == t.replicas[node].primary:
		return nil, nil, s.onPrimary(t, t.replicas[node], r, on)
	}
	return t, t.replicas[node], Fresh
}

// onPrimary is May for the primary of a shard that is fenced or has been demoted, and serves reads until there is
// another one: it has executed all that the gateway has acknowledged, if it is in the same run.
func (s *Service) onPrimary(t *table, primary *replica, r *Read, on Opened) Reason {
	switch {
	case on.run == 0 || on.run != primary.number:
		return Unproven
	case r.Slot >= 0 && s.whereabouts(r.Slot).isAwayFrom(primary.primary):
		return SlotElsewhere
	case s.current.Load() != t:
		return OtherView
	}
	return Fresh
}

// whereabouts returns what is known of a slot beyond the view.
func (s *Service) whereabouts(slot int) whereabouts { return whereabouts(s.elsewhere[slot].Load()) }

// proves reports whether a proof says anything about the server at the other end of a connection.
func (r *replica) proves(proof uint64, on Opened) bool {
	return on.run != 0 && uint32(proof>>pollBits) == on.run && proof&pollMask >= on.after
}

// want asks for a poll that shows what a replica has.
func (s *Service) want(r *replica) {
	if !r.wanted.Load() && r.wanted.CompareAndSwap(false, true) {
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
	_, replica, why := s.find(r, node, on)
	if replica == nil {
		return why
	}
	s.wantWithin(replica.line, b.gap())
	at, asOf, measured := s.at(now), replica.asOf.Load(), replica.measured.Load()
	behind := replica.behind.Load()
	switch proof := replica.proof.Load(); {
	case !replica.proves(proof, on):
		s.want(replica)
		return Unproven
	case proof&pollMask < r.Floor:
		s.want(replica)
		return NotReached
	case b.Age > 0 && (asOf == never || at-asOf > int64(b.Age)),
		b.Age <= 0 && (measured == never || at-measured > int64(BytesAge)):
		s.want(replica)
		return TooOld
	case b.Age <= 0 && behind > b.Bytes:
		s.want(replica)
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
	// Age is how long ago the last poll of both began. Time is how much older the poll that it had reached was; 0 if it
	// lacked nothing.
	Age, Time time.Duration
}

// Lags returns the Lag of each replica of the view at a time, by NodeID.
func (s *Service) Lags(now time.Time) []Lag {
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
		asOf, measured := r.asOf.Load(), r.measured.Load()
		if l.Proven && asOf != never && measured != never {
			l.Bytes, l.Age = r.behind.Load(), time.Duration(s.at(now)-measured)
			if l.Bytes > 0 {
				l.Time = time.Duration(max(0, measured-asOf))
			}
		}
		lags = append(lags, l)
	}
	return lags
}
