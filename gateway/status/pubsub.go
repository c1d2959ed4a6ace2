package status

import (
	"fmt"

	"evergate/gateway/fanout"
	"evergate/gateway/upstream"
)

// pubsub is who listens and what comes for them. A topic counts once for each worker with listeners to it.
func pubsub(b []byte, f *Facts) []byte {
	s := &f.Stats
	return fmt.Appendf(b, "# Pubsub\r\nsubscribers:%d\r\nupstream_channels:%d\r\nupstream_patterns:%d\r\n"+
		"upstream_shard_channels:%d\r\nsubscription_connections:%d\r\nsubscription_requests:%d\r\n"+
		"subscription_pings:%d\r\nmessages_received:%d\r\nmessages_delivered:%d\r\n"+
		"subscribe_commands:%d\r\nsubscription_gaps:%d\r\nsubscription_gap_milliseconds:%d\r\n",
		s.Subscribers, s.Topics[fanout.Channel], s.Topics[fanout.Pattern], s.Topics[fanout.Shard], s.SubscriptionConns,
		s.Requests[upstream.Subscription], s.Pings, s.Messages, s.Delivered, s.Subscriptions, s.Gaps,
		s.GapMillis)
}
