package sessions

import "time"

// Notify writes a notification to a client, between its replies. Unlike a message it closes no client that reads
// slowly: it is short, and there are few. It is copied.
func (p *Pushes) Notify(c *Session, frame []byte) {
	p.put(c, frame, false)
}

// Shards is how many shards the view has, 0 without one.
func (s *Service) Shards() int { return len(s.holds) - 1 }

// Buffers reports whether requests of a shard are buffered, and since when. The shard past the last one stands for
// requests without a shard.
func (s *Service) Buffers(shard int) (since time.Duration, is bool) {
	h := &s.holds[shard]
	return h.Since(), h.Buffering()
}
