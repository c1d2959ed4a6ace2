package upstream

import (
	"slices"

	"evergate/topology"
)

// KillList has the stale connections that a server must end before a new one to it is used. A server that was frozen
// executes what is in its sockets when it thaws, also in those that were closed meanwhile. A write that was answered
// UNCERTAIN must not be executed after a later one of the same client: so the next connection to the same server first
// ends the old one there, by its client ID. These IDs are unique within one run of a server only. The zero value is
// ready.
type KillList struct {
	lost map[topology.NodeID]lostIn
}

// lostIn are the client IDs of a node's lost connections, in one run. They are no more than were open at once: the next
// connection that is opened ends them all.
type lostIn struct {
	runID string
	ids   []int64
}

// Add adds a connection that has ended, if the outcome of one of its requests is unknown.
func (k *KillList) Add(l *Conn, lost []Lost) {
	uncertain := func(r Lost) bool { return r.Fate == Uncertain }
	if l.Client == 0 || l.RunID == "" || !slices.ContainsFunc(lost, uncertain) {
		return
	}
	in := k.lost[l.Key.Node]
	if in.runID != l.RunID {
		in = lostIn{runID: l.RunID}
	}
	in.ids = append(in.ids, l.Client)
	if k.lost == nil {
		k.lost = map[topology.NodeID]lostIn{}
	}
	k.lost[l.Key.Node] = in
}

// Of returns the client IDs to end at a node, and their run. runID is the run that the node should be in, empty when
// the view does not have it.
func (k *KillList) Of(node topology.NodeID, runID string) (ids []int64, in string) {
	if f := k.lost[node]; runID == "" || f.runID == runID {
		return slices.Clone(f.ids), f.runID
	}
	return nil, runID
}

// Killed removes connections that were ended. It returns how many are counted as such: none for a node that has none.
func (k *KillList) Killed(node topology.NodeID, ids []int64) int {
	f, ok := k.lost[node]
	if !ok {
		return 0
	}
	f.ids = slices.DeleteFunc(f.ids, func(id int64) bool { return slices.Contains(ids, id) })
	k.lost[node] = f
	if len(f.ids) == 0 {
		delete(k.lost, node)
	}
	return len(ids)
}
