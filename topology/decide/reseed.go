package decide

import "evergate/topology"

// Other settings for a service whose keeper runs: other Sentinels, seeds or servers.

// Reseed has the State find the topology with other settings of the same Mode; the counters and the barrier stay. The
// last View stands until they have led to a primary. If that is the same server, nothing changes. If it continues the
// data of the present one, this is a failover, as any. Otherwise it belongs to another deployment, and is the primary
// at once: the old one was demoted by nobody, so what it still answers is true.
func (s *State) Reseed(settings Settings) {
	settings.Acked, settings.Barrier = s.settings.Acked, s.settings.Barrier
	s.settings = settings
	s.nodes.addressMap, s.nodes.zoneOf = settings.AddressMap, settings.ZoneOf
	for _, e := range s.nodes.byID {
		e.announced = topology.Announce(e.addr) // until it is announced anew
		s.nodes.place(e)
	}
	s.passing = nil
	was := s.rule
	s.follow()
	if was, ok := was.(*sentinels); ok {
		s.rule.(*sentinels).inherit(was)
	}
	s.reseeded, s.startedAt, s.stale = true, s.now, true
}

// follow makes the rule of the settings.
func (s *State) follow() {
	s.named = map[string]bool{}
	for _, r := range s.settings.Replicas {
		s.named[topology.MapAddr(s.settings.AddressMap, r)] = true
	}
	switch s.settings.Mode {
	case BySentinel:
		s.rule = newSentinels(s)
	case ByCluster:
		s.rule = newCluster(s)
	default:
		s.rule = newPlain(s)
	}
}

// foreign reports whether a primary that other settings have led to is known to have other data than the present one.
func (s *State) foreign(e, standing *entry) bool {
	return s.reseeded && e.alive() && e.role.ReplID != "" && standing.trusted.replID != "" &&
		!e.renames(standing) && !e.descends(standing.trusted.replID)
}

// arrive ends what Reseed has begun when all shards have the primaries that the settings led to.
func (s *State) arrive() {
	if !s.reseeded {
		return
	}
	drafts := s.rule.draft()
	for i := range drafts {
		shard := s.continued(&drafts[i])
		if shard == nil || shard.Primary == nil || shard.Primary.ID != drafts[i].primary.id {
			return
		}
	}
	s.reseeded = false
}
