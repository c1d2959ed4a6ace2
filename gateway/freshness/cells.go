// Package freshness knows whether a replica may serve a read under the consistency "gateway": when every write to the
// read's keys that this gateway has sent is answered, and has reached that replica. So such a read returns what the
// primary would, as far as writes go through this gateway. Begin with Service, which all workers of a service share;
// State decides which servers are polled, and turns their answers into proofs.
//
// A poll asks a primary for its replication offset. Polls are numbered, and a poll has its number before its question
// goes out. A write's mark is the number of the next poll at the moment before its reply is released: a poll with that
// number or a higher one began after the write was executed, so the offset in its answer includes it. A replica of the
// same history that reports this offset, or a higher one, has the write.
//
//	service := freshness.New(seed, now, wake)      // once for a service
//	service.Publish(view)                           // before a view reaches the workers
//	c := service.Cell(key); service.Begin(c)        // before a write is sent
//	service.End(c)                                  // before its reply is released, or when it is given up
//	why := service.May(&read, node, opened)         // a read; a replica may serve it if why is Fresh
//
//	state := freshness.NewState(service)            // one goroutine polls
//	asks, wait := state.Next(now)                   // each is asked, without waiting for the others
//	state.Answered(ask, answer, now)
//
// The package has no goroutine, lock, clock or socket; what workers share is atomic. Rejected: offsets in replies
// (Redis has none), WAIT (it does not report which replicas have the write), and a time after which replicas are
// trusted (one can lag without bound).
package freshness

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"time"

	"evergate/topology"
)

// Cell is a place in which writes are counted: that of all keys with the same hash of 16 bits, or AllKeys. Two keys in
// one cell cost a read on the primary, never a wrong answer. The database is no part of the hash.
type Cell uint32

const (
	// cells is how many there are, besides AllKeys.
	cells = 1 << 16
	// AllKeys is the cell of writes whose keys are unknown, or that concern all keys: FLUSHALL, SWAPDB, scripts without
	// declared keys. Each May looks at it.
	AllKeys Cell = cells
)

// A cell is one word: in its low bits the writes in flight, above them the highest mark.
const (
	inFlightBits = 24
	inFlightMask = 1<<inFlightBits - 1
)

// Service is what the workers and the poller of one service share. It is safe for concurrent use, except that Publish
// belongs to one goroutine.
type Service struct {
	// polls is the number of the last poll. Workers read it for each write, and each poll changes it.
	polls atomic.Uint64
	// written: a write has ended since the last poll began.
	written atomic.Bool
	current atomic.Pointer[table]
	// runs has a number for each run ID that was seen; a map is replaced, never changed.
	runs atomic.Pointer[map[string]uint32]
	// wake is called, from any goroutine, when State.Next has something to do. It must not block.
	wake func()
	// base is the zero of times that are kept as numbers.
	base time.Time
	seed uint64

	// elsewhere has what is known of each slot beyond the view.
	elsewhere [topology.Slots]atomic.Uint64
	// moves counts the writes that were executed elsewhere than at the primary of their slot in the view.
	moves atomic.Uint32
	cells [cells + 1]atomic.Uint64
	homes atomic.Uint32
}

// New returns a Service without a view, under which no replica may serve a read. seed spreads keys over cells. wake
// must not block; it is called from any goroutine when State.Next is to be called before the time that it returned
// last.
func New(seed uint64, now time.Time, wake func()) *Service {
	s := &Service{seed: seed, base: now, wake: wake}
	s.runs.Store(&map[string]uint32{})
	return s
}

// Cell returns the cell of a key. It keeps no reference to key.
func (s *Service) Cell(key []byte) Cell {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := s.seed ^ uint64(len(key))*k0
	for ; len(key) >= 8; key = key[8:] {
		h = mix(h^binary.LittleEndian.Uint64(key), k1)
	}
	var rest uint64
	for i, b := range key {
		rest |= uint64(b) << (8 * i)
	}
	h = mix(h^rest, k0)
	return Cell(h >> 48)
}

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// Begin counts a write as in flight. It is called before the first byte of the write is sent; each Begin has one End.
func (s *Service) Begin(c Cell) { s.cells[c].Add(1) }

// End counts a write as no longer in flight, and marks its cell: replicas must have reached a poll that begins after
// now. It is called when the write is answered, before the reply is released to its client; and when the write leaves
// the queue of its connection in any other way: lost, put back, withdrawn. It panics without a Begin.
func (s *Service) End(c Cell) {
	if s.cells[c].Load()&inFlightMask == 0 {
		panic("freshness: a write ended that had not begun")
	}
	s.mark(c, 1)
}

// raise marks AllKeys: no replica may serve a read until it has reached a poll that begins after now.
func (s *Service) raise() { s.mark(AllKeys, 0) }

// mark marks a cell, and counts ended writes of it as no longer in flight.
func (s *Service) mark(c Cell, ended uint64) {
	cell := &s.cells[c]
	for {
		old := cell.Load()
		mark := max(old>>inFlightBits, s.Next())
		if cell.CompareAndSwap(old, mark<<inFlightBits|(old&inFlightMask-ended)) {
			break
		}
	}
	s.note()
}

// note lets State know that there is a mark that no poll has covered.
func (s *Service) note() {
	if !s.written.Load() && s.written.CompareAndSwap(false, true) {
		s.wake()
	}
}

// Next returns the number of the next poll, at least 1: the mark of what has happened until now. A session whose home
// changes keeps it as the Floor of its reads.
func (s *Service) Next() uint64 { return s.polls.Load() + 1 }

// Polls returns how many polls have begun.
func (s *Service) Polls() uint64 { return s.polls.Load() }

// InFlight returns how many writes are in flight, over all cells. It is slow: for tests and checks.
func (s *Service) InFlight() int {
	n := 0
	for i := range s.cells {
		n += int(s.cells[i].Load() & inFlightMask)
	}
	return n
}

// Writes returns how many writes of a cell are in flight: for tests and checks.
func (s *Service) Writes(c Cell) int { return int(s.cells[c].Load() & inFlightMask) }

// Executed records which node executed a write of a slot. It is called for each write where keys are distributed by
// slot, before End. If the node is not the primary of the slot in the newest view, since the write was redirected or
// its worker had another view, reads of the slot go to that primary until the slot has another one, or Stays.
func (s *Service) Executed(slot int, by topology.NodeID) {
	if s.current.Load().owner(slot) == by {
		return
	}
	was := whereabouts(s.elsewhere[slot].Swap(uint64(away(by, s.moves.Add(1)))))
	if was.isAwayFrom(by) {
		// The slot went on, or back, and what was written in between arrived there only with it.
		s.raise()
	}
}

// Moves returns how many writes have been executed elsewhere than at the primary of their slot in the view.
func (s *Service) Moves() uint32 { return s.moves.Load() }

// Stays records that a node has executed a write of a slot which was sent when Moves was moves. If it is the primary of
// the slot in the newest view, and no write was executed elsewhere since, the slot is there, after all: a migration was
// aborted, or the other write was older than the view. A replica of it may serve reads once it has reached a poll that
// begins after now.
func (s *Service) Stays(slot int, at topology.NodeID, moves uint32) {
	word := &s.elsewhere[slot]
	was := whereabouts(word.Load())
	if was.isAway() && was.before(moves) && s.current.Load().owner(slot) == at {
		word.CompareAndSwap(uint64(was), s.Next())
	}
}

// whereabouts is what is known of a slot beyond the view. 0: nothing. With awayBit: a node has executed the last write
// that was not executed at the slot's primary in the view; in its low bits 1 + that node, above them the number of the
// move. Otherwise it is the first poll after the slot was found at its primary again.
type whereabouts uint64

const (
	awayBit  = 1 << 63
	nodeBits = 31
	nodeMask = 1<<nodeBits - 1
)

func away(node topology.NodeID, move uint32) whereabouts {
	return awayBit | whereabouts(move)<<nodeBits | whereabouts(node+1)&nodeMask
}

func (w whereabouts) isAway() bool { return w&awayBit != 0 }

// isAwayFrom reports whether the last such write was executed by another node than this one.
func (w whereabouts) isAwayFrom(node topology.NodeID) bool {
	return w.isAway() && w&nodeMask != whereabouts(node+1)
}

// since returns the poll that a replica must have reached for a read of the slot; 0 for any.
func (w whereabouts) since() uint64 {
	if w.isAway() {
		return 0
	}
	return uint64(w)
}

// before reports whether the slot was seen away before Moves was moves.
func (w whereabouts) before(moves uint32) bool { return int32(moves-uint32(w>>nodeBits)) >= 0 }

// run returns the number of a run ID, 0 for an empty one, or for one too many.
func (s *Service) run(id string) uint32 {
	if id == "" {
		return 0
	}
	for {
		old := s.runs.Load()
		if n, known := (*old)[id]; known {
			return n
		}
		n := uint32(len(*old)) + 1
		if n >= 1<<runBits {
			return 0
		}
		runs := make(map[string]uint32, n)
		for id, n := range *old {
			runs[id] = n
		}
		runs[id] = n
		if s.runs.CompareAndSwap(old, &runs) {
			return n
		}
	}
}
