package decide

import (
	"slices"

	"evergate/topology"
)

// copies counts the replicas of a shard. What a replica itself reports of its priority is newer than the word of a
// Sentinel.
func (s *State) copies(d *draft) topology.Copies {
	c := topology.Copies{Attached: s.attached(d.primary)}
	var counted []*entry
	following := 0
	for _, e := range slices.Concat(d.replicas, d.others) {
		if e == d.primary || e.isAlso(d.primary) || slices.ContainsFunc(counted, e.isAlso) {
			continue
		}
		counted = append(counted, e)
		never := slices.Contains(d.never, e)
		if e.reports(topology.RoleReplica) && e.role.Priority >= 0 {
			never = e.role.Priority == 0
		}
		follows := e.reports(topology.RoleReplica) && e.role.LinkUp
		switch {
		case !never:
			c.Promotable++
		case follows:
			c.Bystanders++
		}
		if follows {
			following++
		}
	}
	c.Bystanders += max(0, len(d.primary.role.Replicas)-following)
	return c
}

// attached is Copies.Attached. An address that was never asked, of a tool that copies the data for example, counts, as
// it does for WAIT.
func (s *State) attached(primary *entry) (n int) {
	if primary.role.Role != topology.RolePrimary {
		return -1
	}
	for _, addr := range primary.role.Replicas {
		e := s.nodes.byAddr[topology.MapAddr(s.settings.AddressMap, addr)]
		if e == nil || !e.lost() {
			n++
		}
	}
	return n
}
