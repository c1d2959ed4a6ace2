package upstream

import (
	"slices"
	"strconv"
	"sync/atomic"

	"evergate/gateway/resp"
	"evergate/topology"
)

// KillList has the stale connections of a service, of all workers: those that were lost, and on which a server may yet
// execute a write that was answered UNCERTAIN. A server that was frozen, or is slow, executes what is in its sockets,
// also in those that were closed meanwhile, and the network may bring it late. Such a write must not be executed behind
// what clients send when they know of it. So a server first ends the stale connections, by their client IDs, before it
// executes anything else that is sent from then on: a new connection has them ended while it is dialled, one that is
// open already in front of its next request. IDs are unique within one run of a server only. The zero value is ready.
type KillList struct {
	newest atomic.Pointer[stale]
}

// stale is one such connection, and those that were lost before it. It is immutable.
type stale struct {
	node   topology.NodeID
	runID  string
	client int64
	older  *stale
}

// of calls yield for the stale connections of a node in a run which are newer than one of them; nil: all.
func (s *stale) of(node topology.NodeID, runID string, than *stale) func(yield func(client int64) bool) {
	return func(yield func(int64) bool) {
		for ; s != nil && s != than; s = s.older {
			if s.node == node && s.runID == runID && !yield(s.client) {
				return
			}
		}
	}
}

// Add adds a connection. It does nothing for one whose ID or run is not known.
func (k *KillList) Add(l *Conn) {
	if l.Client == 0 || l.RunID == "" {
		return
	}
	s := &stale{node: l.Key.Node, runID: l.RunID, client: l.Client}
	for added := false; !added; added = k.newest.CompareAndSwap(s.older, s) {
		s.older = k.newest.Load()
	}
}

// at returns the client IDs to end at a node, and their run. runID is the run that the node should be in, empty when
// the view does not have it.
func (s *stale) at(node topology.NodeID, runID string) (ids []int64, in string) {
	for newer := s; newer != nil && runID == ""; newer = newer.older {
		if newer.node == node {
			runID = newer.runID
		}
	}
	for client := range s.of(node, runID, nil) {
		ids = append(ids, client)
	}
	return ids, runID
}

// Killed removes the connections of a node that were ended in a run, and all of its other runs, which are gone with
// these. It returns how many were ended.
func (k *KillList) Killed(node topology.NodeID, runID string, ids []int64) int {
	for {
		was := k.newest.Load()
		var left []*stale
		ended := 0
		for s := was; s != nil; s = s.older {
			switch {
			case s.node != node || s.runID == runID && !slices.Contains(ids, s.client):
				left = append(left, s)
			case s.runID == runID:
				ended++
			}
		}
		var newest *stale
		for _, s := range slices.Backward(left) {
			newest = &stale{s.node, s.runID, s.client, newest}
		}
		if k.newest.CompareAndSwap(was, newest) {
			return ended
		}
	}
}

// EndStale has the server of a connection end the stale ones before it executes what is sent there next.
func (l *Conn) EndStale() {
	if newest := l.kill.newest.Load(); newest != l.ended {
		l.endStale(newest)
	}
}

// endStale does so for those that the server was not told of on this connection. To end one twice does no harm.
func (l *Conn) endStale(newest *stale) {
	if l.Bypass { // a busy server would not do it, and what is sent there writes nothing
		return
	}
	for client := range newest.of(l.Key.Node, l.RunID, l.ended) {
		frame := resp.AppendCommandStrings(nil, "CLIENT", "KILL", "ID", strconv.FormatInt(client, 10))
		l.SendQuietly(frame, Optional|Ends)
	}
	l.ended = newest
}

// ForgetEnded has the server told once more of all stale connections: it was busy with a script.
func (l *Conn) ForgetEnded() { l.ended = nil }

// LeaveBehind adds a connection to the kill list whose server may still execute what was sent there.
func (l *Conn) LeaveBehind() { l.kill.Add(l) }

// mustWait reports whether a connection of a user may not be used, since there are stale ones that the user may have no
// right to end: a connection that is dialled has them ended with the gateway's own rights.
func (set *Set) mustWait(l *Conn) bool {
	if set.servers.As == nil {
		return false
	}
	newest := l.kill.newest.Load()
	for range newest.of(l.Key.Node, l.RunID, l.ended) {
		return true
	}
	l.ended = newest
	return false
}
