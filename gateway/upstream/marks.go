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

// Keys and Mark are those of package freshness.
type (
	Keys = freshness.Keys
	Mark = freshness.Mark
)

// marker begins and ends the marks of one service.
type marker struct {
	marks *freshness.Marks
	fresh *freshness.Service
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

func (m *marker) end(mark Mark) {
	if mark != 0 {
		m.marks.End(m.fresh, mark)
	}
}

// BeginWrite records that a write is about to be sent. EndWrite must follow once, by the queue of its connection or by
// whoever takes the mark out of it.
func (s *Servers) BeginWrite(keys Keys) Mark { return s.marks.Begin(s.fresh, keys) }

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
		for _, cell := range p.marks.Keys(mark) {
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
	if found != p.marks.Open() {
		return fmt.Errorf("%d writes are marked as in flight, %d have a mark", p.marks.Open(), found)
	}
	for at, n := range cells {
		if held := at.of.Writes(at.cell); held < n { // other workers have writes there, too
			return fmt.Errorf("cell %d has %d writes in flight, of %d", at.cell, held, n)
		}
	}
	return nil
}
