package worker

import (
	"errors"
	"slices"

	"evergate/gateway/backend"
	"evergate/topology"
)

// A server that was frozen executes what lies in its sockets when it thaws, also in those that were closed meanwhile.
// So that a write whose client was told UNCERTAIN cannot run after that client's next one, the next connection to the
// same server first ends the old one there, by its client id. Ids mean something within one run of a server only.

// ErrOtherRun says that a dialled server has another run id than Dial.RunID: it restarted, or is another one.
var ErrOtherRun = errors.New("the server has another run id than the topology knows")

// fenced are the client ids of a node's lost connections, of one run of it. They are no more than were open at once:
// the next connection to be opened ends them all.
type fenced struct {
	runID string
	ids   []int64
}

// fence remembers a connection that ended with a write under way.
func (w *Worker) fence(s *service, l *backend.Lane, lost []backend.Lost) {
	uncertain := func(r backend.Lost) bool { return r.Fate == backend.Uncertain }
	if l.Client == 0 || l.RunID == "" || !slices.ContainsFunc(lost, uncertain) {
		return
	}
	f := s.fenced[l.Key.Node]
	if f.runID != l.RunID {
		f = fenced{runID: l.RunID}
	}
	f.ids = append(f.ids, l.Client)
	s.fenced[l.Key.Node] = f
}

// toKill are the connections to end at a node before a new one is used, and the run in which they were. runID is the
// run that the node should be in, empty when the topology does not know it.
func (s *service) toKill(node topology.NodeID, runID string) (ids []int64, in string) {
	if f := s.fenced[node]; runID == "" || f.runID == runID {
		return slices.Clone(f.ids), f.runID
	}
	return nil, runID
}

// killed forgets connections that a dial has ended.
func (w *Worker) killed(s *service, node topology.NodeID, ids []int64) {
	f, ok := s.fenced[node]
	if !ok || len(ids) == 0 {
		return
	}
	w.stats.Fenced += uint64(len(ids))
	f.ids = slices.DeleteFunc(f.ids, func(id int64) bool { return slices.Contains(ids, id) })
	s.fenced[node] = f
	if len(f.ids) == 0 {
		delete(s.fenced, node)
	}
}
