package gateway

import (
	"evergate/gateway/config"
	"evergate/topology"
)

// With the reads "auto" the servers decide: while a primary evicts by LRU or LFU, it must serve the reads itself, or it
// would evict the keys that are read most. A view tells what it evicts; then the workers get other settings, as after a
// reload.

// now returns settings of the service with its reads as they are now: c itself, unless these depend on the servers. The
// result must not be changed.
func (s *service) now(c *config.Service) *config.Service {
	return c.Where(s.evicts.Load() != nil)
}

// readsReplicas reports whether some of its clients read from replicas.
func (s *service) readsReplicas() bool {
	now := s.now(s.conf())
	return now.UsedReads() != config.ReadPrimary || now.HasFacade(config.FacadeReplica)
}

// noteEviction notes in a new view what the primaries of a service evict. A primary that is missing, or does not say,
// changes nothing.
func noteEviction(g *Gateway, s *service, v *topology.View) {
	n := v.EvictsUnread()
	if n == nil && !v.EvictionKnown() {
		return
	}
	if was := s.evicts.Swap(n); (was == nil) != (n == nil) {
		g.run(func() {
			g.reloading.Lock()
			defer g.reloading.Unlock()
			if s.conf().DependsOnEviction() && g.roster.Load().has(s) {
				reportReads(g, s)
				g.directory.Store(g.directory.Load().with(g.conf(), g.roster.Load()))
				configureWorkers(g, g.conf())
				g.wake()
			}
		})
	}
}

// reportReads logs once where the reads of a service go, while they do not go where they do otherwise. reloading is
// held.
func reportReads(g *Gateway, s *service) {
	n := s.evicts.Load()
	onPrimary := s.conf().DependsOnEviction() && n != nil
	switch {
	case onPrimary == s.reportedPrimary:
		return
	case onPrimary:
		g.logger.Info("reads go to primaries, which evict by LRU or LFU", "service", s.name, "server", n.Addr,
			"maxmemory-policy", n.Eviction)
	case s.conf().DependsOnEviction():
		g.logger.Info("reads go to replicas again", "service", s.name)
	}
	s.reportedPrimary = onPrimary
}
