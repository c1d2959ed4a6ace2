package decide

import (
	"fmt"

	"evergate/topology"
)

// Receipts bound what a failover can have lost. Replies carry no offsets; but a poll that began after a write was
// acknowledged returns an offset that includes it. So the records of polls (writes acknowledged before the poll began,
// then its offset) show how many of them a fork point certainly includes.

// recordsMax is how many polls of one primary are kept: at one each 50 ms under writes, 25 seconds of them. A fork
// further back is bounded by all writes that this primary acknowledged.
const recordsMax = 512

// erasMax is how many consecutive primaries are remembered.
const erasMax = 4

// Receipt bounds the acknowledged writes that a failover has lost.
type Receipt struct {
	// Acked is how many writes the old primary acknowledged in that role.
	Acked uint64
	// Lost is how many of them, and of its predecessors', may be missing at most. Meaningless unless Proven.
	Lost uint64
	// Proven: the new primary continues the history of the old one; otherwise nothing bounds the loss.
	Proven bool
	// Why is what was missing for a proof.
	Why string
}

func (r *Receipt) String() string {
	switch {
	case !r.Proven:
		return fmt.Sprintf("%d writes acknowledged, loss unknown (%s)", r.Acked, r.Why)
	case r.Lost == 0:
		return fmt.Sprintf("%d writes acknowledged, nothing lost", r.Acked)
	}
	return fmt.Sprintf("%d writes acknowledged, at most %d of them lost", r.Acked, r.Lost)
}

// era is the time of one primary, linked to the one before.
type era struct {
	// start is its counter of acknowledged writes when it became primary. end is the counter when it became primary
	// again, in a later era; until then (over is false) the counter itself counts: withheld replies may still be
	// acknowledged after the era.
	start, end uint64
	over       bool

	records []record
	node    *entry
	before  *era
}

// record is one poll: acked writes had been acknowledged before it began, and offset of history replID includes them.
type record struct {
	acked  uint64
	offset int64
	replID string
}

// note records a poll of the primary of the era.
func (e *era) note(r *topology.RoleSeen) {
	if r.ReplID == "" || r.Offset < 0 {
		return
	}
	if n := len(e.records); n > 0 && e.records[n-1].acked == r.Acked && e.records[n-1].replID == r.ReplID {
		return // the older one has the same writes at a lower offset
	}
	if len(e.records) == recordsMax {
		e.records = append(e.records[:0], e.records[1:]...)
	}
	e.records = append(e.records, record{acked: r.Acked, offset: r.Offset, replID: r.ReplID})
}

// lost bounds how many writes of this era and those before it a node with this report lacks; false if none of them had
// its history.
func (e *era) lost(now *topology.RoleSeen, acked func(*entry) uint64) (uint64, bool) {
	sum, related := uint64(0), false
	for at := e; at != nil; at = at.before {
		total := at.end
		if !at.over {
			total = acked(at.node)
		}
		for i := len(at.records) - 1; i >= 0; i-- {
			r := &at.records[i]
			switch {
			case r.replID == now.ReplID && at.node.addr == now.Addr:
				return sum, true // the same primary, later
			case now.ReplID2 != "" && r.replID == now.ReplID2:
				if related = true; r.offset < now.SecondOffset {
					return sum + total - r.acked, true
				}
			}
		}
		sum += total - at.start
	}
	return sum, related
}

// eraOf returns the era of a standing primary; the first one begins here.
func (s *State) eraOf(e *entry) *era {
	at := s.eras[e]
	if at == nil {
		at = &era{node: e, start: s.acked(e)}
		s.eras[e] = at
	}
	return at
}

// nextEra ends the era of from and begins one of to.
func (s *State) nextEra(from, to *entry) {
	last := s.eraOf(from)
	delete(s.eras, from)
	next := &era{node: to, start: s.acked(to), before: last}
	s.eras[to] = next
	for n := 1; last != nil; n, last = n+1, last.before {
		if last.node == to && !last.over {
			last.over, last.end = true, next.start
		}
		if n+1 >= erasMax {
			last.before = nil
		}
	}
	if to.reports(topology.RolePrimary) {
		next.note(&to.role)
	}
}

// acked is how many writes were acknowledged for a node so far.
func (s *State) acked(e *entry) uint64 {
	if s.settings.Acked != nil {
		return s.settings.Acked(e.id)
	}
	return e.role.Acked
}

// receipt computes what the switch to a node may have lost.
func (s *State) receipt(from, to *entry, covers, settled bool) *Receipt {
	last := s.eraOf(from)
	r := &Receipt{Acked: s.acked(from) - last.start}
	if covers {
		r.Proven = true
		return r
	}
	if !to.alive() || to.role.ReplID == "" {
		r.Why = to.addr + " does not report its history"
		return r
	}
	r.Lost, r.Proven = last.lost(&to.role, s.acked)
	switch {
	case !r.Proven:
		r.Why = to.addr + " does not continue the history of " + from.addr
	case !settled:
		r.Proven, r.Why = false, "not all workers had stopped using "+from.addr
	}
	return r
}
