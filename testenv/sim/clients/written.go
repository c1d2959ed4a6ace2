package clients

// When the gateway sent what a client reads: it may lie in the client's socket for long.

import "time"

// written is where a piece of what the gateway has sent ends, counted from the first byte, and when it was sent.
type written struct {
	end int64
	at  time.Duration
}

// taken is how many bytes a client has taken of what it was sent, and when the gateway had sent these.
type taken struct {
	bytes   int64
	sentAt  time.Duration
	written []written
}

// Wrote notes that the gateway sends n bytes to the client.
func (c *Client) Wrote(n int) {
	end := c.bytes
	if last := len(c.written) - 1; last >= 0 {
		end = c.written[last].end
	}
	c.written = append(c.written, written{end + int64(n), c.w.Now})
}

// takes notes that the client takes the next n bytes.
func (c *Client) takes(n int) {
	c.bytes += int64(n)
	for len(c.written) > 0 {
		c.sentAt = c.written[0].at
		if c.written[0].end >= c.bytes {
			return
		}
		c.written = c.written[1:]
	}
}
