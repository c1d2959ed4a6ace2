package downstream

// How much may be under way for a client is a matter of bytes: its replies so far tell what the next will weigh. So a
// pipeline of small requests goes through at full depth, and one of large ones asks for no more than its client and the
// gateway can take, since all that a server has answered it must keep until it is read.

const (
	// owedMax is how many replies a client may be owed before its next request waits.
	owedMax = 4096
	// aheadBytes is how much the replies may weigh that a client is owed. One reply may always be owed.
	aheadBytes = 4 << 20
	// firstWeight is what a reply is taken to weigh while none is known: 16 requests go ahead of the first reply.
	firstWeight = aheadBytes / 16
)

// Weigh takes note of the size of a reply. What is expected rises fast and falls slowly.
func (c *Conn) Weigh(size int) {
	now := uint32(min(size, 1<<30))
	if now > c.weight {
		c.weight += (now - c.weight + 1) / 2
	} else {
		c.weight -= (c.weight - now) / 8
	}
}

// OwedTooMuch reports whether no further request may be sent for a client while n are under way.
func (c *Conn) OwedTooMuch(n int) bool {
	return n >= owedMax || n > 0 && n*int(c.weight) >= aheadBytes
}

// OwedLittle reports whether so few are under way that a client may go on which was owed too much.
func (c *Conn) OwedLittle(n int) bool { return n <= owedMax/2 && 2*n*int(c.weight) <= aheadBytes }

// Expects is how many bytes n replies will weigh.
func (c *Conn) Expects(n int) int { return n * int(c.weight) }
