package worker

import (
	"time"

	"evergate/gateway/exchange"
	"evergate/gateway/pubsub"
	"evergate/gateway/upstream"
)

// service is what a worker keeps of one service.
type service struct {
	conf Service
	*upstream.Servers
	*exchange.Service
	*pubsub.Subscriptions
	// pausedUntil is the end of a pause of its clients; pausesAll: not only of those that write.
	pausedUntil time.Duration
	pausesAll   bool
	longScripts int // 1 where all workers were told that a script is under way here, see tellScript
}

// service returns what the worker keeps of a client's service.
func (w *Worker) service(c *exchange.Session) *service { return w.services[c.Service.Index] }
