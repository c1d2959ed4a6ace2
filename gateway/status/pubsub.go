package status

import (
	"fmt"

	"evergate/gateway/backend"
	"evergate/gateway/fanout"
)

// pubsub is who listens and what comes for them. A topic counts once for each worker with listeners to it.
func pubsub(b []byte, f *Facts) []byte {
	s := &f.Stats
	return fmt.Appendf(b, "# Pubsub\r\nsubscribers:%d\r\nupstream_channels:%d\r\nupstream_patterns:%d\r\n"+
		"upstream_shard_channels:%d\r\nfeeds:%d\r\nfeed_requests:%d\r\nfeed_pings:%d\r\nfeed_messages:%d\r\n"+
		"delivered:%d\r\nsubscriptions:%d\r\nfeed_gaps:%d\r\nfeed_gap_milliseconds:%d\r\n",
		s.Subscribers, s.Topics[fanout.Channel], s.Topics[fanout.Pattern], s.Topics[fanout.Shard], s.Feeds,
		s.Requests[backend.Feed], s.FeedPings, s.FeedMessages, s.Delivered, s.Subscriptions, s.FeedGaps, s.FeedGapMillis)
}
