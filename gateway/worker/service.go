package worker

import (
	"time"

	"evergate/gateway/catalog"
	"evergate/gateway/pubsub"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// service is what a worker keeps of one service.
type service struct {
	Service
	*upstream.Servers
	*pubsub.Subscriptions
	catalog *catalog.Catalog
	holds   []wait.Buffer
	full    wait.List // sessions that wait for a full lane
	// withholding are the sessions with withheld replies.
	withholding []session.Ref
	// pausedUntil is the end of a pause of its clients; pausesAll: not only of those that write.
	pausedUntil time.Duration
	pausesAll   bool
	// none is the rare of all clients that own none: nothing but zero is written to it.
	none        rare
	longScripts int // 1 where all workers were told that a script is under way here, see tellScript
}
