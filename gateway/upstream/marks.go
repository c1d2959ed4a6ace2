package upstream

import (
	"fmt"

	"evergate/gateway/freshness"
	"evergate/topology"
)

// A write is in flight for its keys (package freshness) from before it is sent until its fate is known: no replica
// serves a read of these keys meanwhile. The pending request has a Mark of the keys, and the queue of the connection
// ends it with the request, however that leaves the queue. So a mark can only be lost where one is taken out on purpose
// (Pending.TakeMark), and Check compares all that are in flight with what the pool has begun.

// Keys are the cells of a request's keys. Nil stands for any keys, NoKeys for none.
type Keys []freshness.Cell

// NoKeys are those of a request that concerns no key.
var NoKeys = Keys{}

var anyKeys = Keys{freshness.AllKeys}

// Mark is the keys for which a write is in flight: 0 for none, a cell and 1, or above oneMax a set of the pool.
type Mark uint32

const oneMax = Mark(freshness.AllKeys) + 1

// marks are those of a pool. The cells of a mark above oneMax are in sets.
type marks struct {
	sets []Keys
	free []Mark
	// open counts the marks that have begun and not ended.
	open int
}

// marker begins and ends the marks of one service.
type marker struct {
	*marks
	fresh *freshness.Service
}

// begin returns the mark of a write that is about to be sent.
func (m *marker) begin(keys Keys) Mark {
	if len(keys) == 1 {
		m.open++
		m.fresh.Begin(keys[0])
		return Mark(keys[0]) + 1
	}
	return m.beginSeveral(keys)
}

func (m *marker) beginSeveral(keys Keys) Mark {
	switch {
	case keys == nil:
		return m.begin(anyKeys)
	case len(keys) == 0:
		return 0
	}
	if len(m.free) == 0 {
		m.sets = append(m.sets, nil)
		m.free = append(m.free, oneMax+Mark(len(m.sets)))
	}
	mark := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	set := &m.sets[mark-oneMax-1]
	*set = append((*set)[:0], keys...)
	for _, cell := range keys {
		m.fresh.Begin(cell)
	}
	m.open++
	return mark
}

// executed records which node may have executed a write with a mark.
func (m *marker) executed(t *Pending, node topology.NodeID) {
	if t.Slot >= 0 {
		m.fresh.Executed(int(t.Slot), node)
	}
}

// Moves is freshness.Service.Moves.
func (m *marker) Moves() uint32 { return m.fresh.Moves() }

// Stays records that a node has executed the write of a request.
func (m *marker) Stays(t *Pending, node topology.NodeID) {
	if t.Mark != 0 && t.Slot >= 0 {
		m.fresh.Stays(int(t.Slot), node, t.Moves)
	}
}

// end ends a mark. The write was executed, or it never will be.
func (m *marker) end(mark Mark) {
	if mark == 0 {
		return
	}
	m.open--
	if mark <= oneMax {
		m.fresh.End(freshness.Cell(mark - 1))
		return
	}
	set := &m.sets[mark-oneMax-1]
	for _, cell := range *set {
		m.fresh.End(cell)
	}
	if cap(*set) > markKeysKept {
		*set = nil
	}
	m.free = append(m.free, mark)
}

// markKeysKept is for how many keys the memory of a set is kept for the next one.
const markKeysKept = 1 << 10

// keys are the cells of a mark that is not 0.
func (m *marks) keys(mark Mark) Keys {
	if mark <= oneMax {
		return Keys{freshness.Cell(mark - 1)}
	}
	return m.sets[mark-oneMax-1]
}

// BeginWrite records that a write is about to be sent. EndWrite must follow once, by the queue of its connection or by
// whoever takes the mark out of it.
func (s *Servers) BeginWrite(keys Keys) Mark { return s.marker.begin(keys) }

// EndWrite records that the outcome of a write is known: reads see it, or nobody ever will.
func (s *Servers) EndWrite(mark Mark) { s.marker.end(mark) }

// CellOf returns the cell of a key.
func (s *Servers) CellOf(key []byte) freshness.Cell { return s.marker.fresh.Cell(key) }

// TakeMark takes the mark of a pending request out of its queue.
func (t *Pending) TakeMark() Mark {
	mark := t.Mark
	t.Mark = 0
	return mark
}

// CheckMarks returns an error if a mark that has begun is neither on a connection nor among the late ones nor among
// others, those of withheld replies; or if a cell has fewer writes in flight. Tests call it.
func (p *Pool) CheckMarks(others func(yield func(s *Servers, mark Mark) bool)) error {
	type place struct {
		of   *freshness.Service
		cell freshness.Cell
	}
	found, cells := 0, map[place]int{}
	count := func(s *Servers, mark Mark) bool {
		if mark == 0 {
			return true
		}
		found++
		for _, cell := range p.marks.keys(mark) {
			cells[place{s.fresh, cell}]++
		}
		return true
	}
	for l := range p.All {
		for t := range l.Inflight.All {
			count(p.servers[l.Key.Service], t.Mark)
		}
	}
	for _, s := range p.servers {
		for i := 0; s != nil && i < len(s.late); i++ {
			count(s, s.late[i].mark)
		}
	}
	others(count)
	if found != p.marks.open {
		return fmt.Errorf("%d writes are marked as in flight, %d have a mark", p.marks.open, found)
	}
	for at, n := range cells {
		if held := at.of.Writes(at.cell); held < n { // other workers have writes there, too
			return fmt.Errorf("cell %d has %d writes in flight, of %d", at.cell, held, n)
		}
	}
	return nil
}
