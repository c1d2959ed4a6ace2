// Package downstream is the connection of a client as the gateway sees it: unread input (Input), replies in the order
// of their requests (Replies), unwritten output (Output), and how much the client may be owed (Conn).
//
// Replies leave in the order of their requests, whichever server answers first. Each request reserves a place. A reply
// for the place in front goes to the output at once, an early one is kept until its turn.
//
// Begin with Conn. The package knows the bytes of one client. It must not know commands, servers or sessions, and does
// no I/O.
package downstream

import "math"

// How much may be under way for a client depends on the size of its replies so far. So a pipeline of small requests is
// sent at full depth, and one with large replies requests no more than the client and the gateway can take: all that a
// server has replied must be kept until the client reads it.

const (
	// owedMax is how many replies a client may be owed before its next request waits.
	owedMax = 4096
	// aheadBytes is the expected size of the replies that a client may be owed. One reply may always be owed.
	aheadBytes = 4 << 20
	// firstWeight is the expected size of a reply before the first one: 16 requests are sent ahead of it.
	firstWeight = aheadBytes / 16
)

// Conn is the connection of one client. New makes it.
type Conn struct {
	// Replies are those that the client is owed.
	Replies Replies
	Input   Input
	Output  Output
	// weight is the expected size of a reply to this client, in bytes; see Weigh.
	weight uint32
	// footprint is what SetFootprint was given last.
	footprint uint32
}

// New returns the connection of a client that has just connected.
func New() Conn { return Conn{weight: firstWeight} }

// Memory is how many bytes the buffers of the client take.
func (c *Conn) Memory() int { return c.Input.Cap() + c.Output.Cap() + c.Replies.KeptBytes() }

// Footprint is how many bytes SetFootprint was given last.
func (c *Conn) Footprint() int { return int(c.footprint) }

// SetFootprint records how many bytes are kept for the client, up to 4 GiB, and returns how many that are more.
func (c *Conn) SetFootprint(n int) (more int) {
	now := uint32(min(n, math.MaxUint32))
	more = int(now) - int(c.footprint)
	c.footprint = now
	return more
}

// Weigh records the size of a reply, in bytes. What is expected rises fast and falls slowly.
func (c *Conn) Weigh(size int) {
	now := uint32(min(size, 1<<30))
	if now > c.weight {
		c.weight += (now - c.weight + 1) / 2
	} else {
		c.weight -= (c.weight - now) / 8
	}
}

// OwedTooMuch reports whether no further request may be sent for a client while n replies are under way.
func (c *Conn) OwedTooMuch(n int) bool {
	return n >= owedMax || n > 0 && n*int(c.weight) >= aheadBytes
}

// OwedLittle reports whether a client that was owed too much may go on while n replies are under way.
func (c *Conn) OwedLittle(n int) bool { return n <= owedMax/2 && 2*n*int(c.weight) <= aheadBytes }

// Expects is the expected size of n replies, in bytes.
func (c *Conn) Expects(n int) int { return n * int(c.weight) }
