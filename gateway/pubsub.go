package gateway

import (
	"sync"
	"sync/atomic"

	"evergate/gateway/fanout"
	"evergate/gateway/pubsub"
	"evergate/topology"
)

// census counts the subscribers of a service over all workers.
type census struct {
	mu      sync.RWMutex
	all     fanout.Census
	counted atomic.Int64 // subscribers and connections: if it is zero no worker needs to wait for mu
}

// count records one worker's counts; see worker.Env.Counted.
func (c *census) count(k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Count(k, name, node, listeners, conns)
	c.counted.Add(int64(listeners + conns))
}

// ask answers a worker's question.
func (c *census) ask(q fanout.Count) (listeners, conns int) {
	if c.counted.Load() == 0 {
		return 0, 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return q.Of(&c.all)
}

// gapOver logs a time in which subscribers of a sub-service may have missed messages.
func (g *Gateway) gapOver(i, of int, gap pubsub.Gap) {
	g.logger.Named("pubsub").Warn("subscriptions interrupted", "service", g.of(of).name,
		"worker", i, "duration", gap.For, "topics", gap.Topics, "subscribers", gap.Listeners)
}
