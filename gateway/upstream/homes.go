package upstream

import (
	"slices"

	"evergate/gateway/session"
	"evergate/topology"
)

// With the consistency "gateway" a session reads from one replica of a shard, its home, or from the primary. So what
// went around this gateway, and is in no cell, is seen in its order as long as the session reads from its home. Where
// the replicas change, sessions have other homes: these must have all that the old ones had.

// homes are the replicas of a shard among which sessions are spread.
type homes struct {
	replicas []topology.NodeID
	// since is the first poll after which each of them has what sessions have read from others before.
	since uint64
}

// renewHomes makes the homes of a new view.
func (s *Servers) renewHomes() {
	old := s.homes
	s.homes = nil
	for i := 0; s.View != nil && i < len(s.View.Shards); i++ {
		var h homes
		for _, n := range s.View.Shards[i].Preferred() {
			h.replicas = append(h.replicas, n.ID)
		}
		if i < len(old) && slices.Equal(old[i].replicas, h.replicas) {
			h.since = old[i].since
		} else {
			h.since = s.fresh.Next()
		}
		s.homes = append(s.homes, h)
	}
}

// NewHome returns a number for a session that begins to read from replicas, 0 for none. Those of all workers are
// consecutive, so that replicas have equally many sessions.
func (s *Servers) NewHome() uint16 { return max(1, uint16(s.fresh.NewHome())) }

// UseReplicas opens connections to replicas where the settings want none: a session has chosen to read there.
func (s *Servers) UseReplicas() {
	s.switched = true
	if s.Reads == session.FromPrimary {
		s.Reads = session.PreferReplica
		s.Renew()
	}
}
