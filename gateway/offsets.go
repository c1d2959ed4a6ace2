package gateway

import (
	"math/rand/v2"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/poller"
	"evergate/topology/watch"
)

// followOffsets prepares the polls of a new service's servers: which replicas have the writes of this gateway. A view
// is published to them before a worker can have it.
func (g *Gateway) followOffsets(s *service) {
	nudged, nudge := poller.Waker()
	s.fresh = freshness.New(rand.Uint64(), time.Now(), nudge)
	s.Keeper.BeforeView(s.fresh.Publish)
	s.poller = poller.New(poller.Options{
		Service: s.fresh, Wake: nudged, Refused: watch.Refused, Logger: g.logger.Named("topology").With("service", s.name),
		Open: func(addr string) poller.Connection { return s.Offsets(addr) },
	})
}
