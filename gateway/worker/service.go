package worker

import (
	"evergate/gateway/pubsub"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// service is what a worker keeps of one service.
type service struct {
	*upstream.Servers
	*sessions.Service
	*pubsub.Subscriptions
}
