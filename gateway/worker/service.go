package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/pubsub"
	"evergate/gateway/upstream"
)

// service is what a worker keeps of one service.
type service struct {
	*upstream.Servers
	*exchange.Service
	*pubsub.Subscriptions
}
