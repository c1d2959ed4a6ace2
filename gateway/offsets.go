package gateway

import (
	"math/rand/v2"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/poller"
	"evergate/topology/watch"
)

// beginFreshness makes what the workers and the poller of a new service share. Workers are configured before
// followOffsets.
func (s *service) beginFreshness() {
	nudged, nudge := poller.Waker()
	s.nudged, s.fresh = nudged, freshness.New(rand.Uint64(), time.Now(), nudge)
}

// followOffsets prepares the polls of a new service's servers: which replicas have the writes of this gateway. A view
// is published to them before a worker can have it.
func (g *Gateway) followOffsets(s *service) {
	s.Keeper.BeforeView(s.fresh.Publish)
	s.poller = poller.New(poller.Options{
		Service: s.fresh, Wake: s.nudged, Refused: watch.Refused, Logger: g.logger.Named("topology").With("service", s.name),
		Open: func(addr string) poller.Connection { return s.Offsets(addr) },
	})
}
