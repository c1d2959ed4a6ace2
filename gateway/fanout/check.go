package fanout

import (
	"fmt"
	"maps"
	"slices"

	"evergate/topology"
)

// Check returns what is wrong within the hub; for tests, since it inspects everything.
func (h *Hub) Check() error {
	pending, uses := 0, map[topology.NodeID]int{}
	for _, t := range h.All() {
		for i := range t.Sources {
			s := &t.Sources[i]
			if s.Wanted {
				uses[s.Node]++
			}
			if s.pends() {
				pending++
			}
			if !s.Wanted && !s.counts() {
				return fmt.Errorf("%q keeps %+v, which is over", t.Name, s)
			}
		}
		if err := t.check(); err != nil {
			return err
		}
	}
	if pending != h.pending || !maps.Equal(uses, h.uses) && len(uses)+len(h.uses) > 0 {
		return fmt.Errorf("%d sources are pending and %v wanted, the hub says %d and %v", pending, uses, h.pending, h.uses)
	}
	return nil
}

// check returns an error if listeners and topic do not refer to each other, or their number is not counted.
func (t *Topic) check() error {
	for i, l := range t.listeners {
		if at, joined := l.seats[t]; !joined || int(at.at) != i {
			return fmt.Errorf("%q has a listener at %d that says %+v, %t", t.Name, i, at, joined)
		}
	}
	for i, l := range t.waiting {
		if at, waits := l.waits[t]; !waits || int(at) != i {
			return fmt.Errorf("%q has one that waits at %d and says %d, %t", t.Name, i, at, waits)
		}
	}
	counted := 0
	if t.On() {
		counted = len(t.listeners)
	}
	if counted != t.reported {
		return fmt.Errorf("%q has %d listeners that hear it, %d were counted", t.Name, counted, t.reported)
	}
	if nodes := t.nodes(); len(slices.Compact(nodes)) != len(t.Sources) {
		return fmt.Errorf("%q has two sources at one node: %+v", t.Name, t.Sources)
	}
	return nil
}

func (t *Topic) nodes() (all []topology.NodeID) {
	for i := range t.Sources {
		all = append(all, t.Sources[i].Node)
	}
	slices.Sort(all)
	return all
}
