// Package downstream is the connection of a client as the gateway sees it: unread input (Input), replies in the order
// of their requests (Replies), unwritten output (Output), and how much the client may be owed (Conn).
//
// Replies leave in the order of their requests, whichever server answers first. Each request reserves a place. A reply
// for the place in front goes to the output at once, an early one is kept until its turn.
//
// Begin with Conn. The package knows the bytes of one client. It must not know commands, servers or sessions, and does
// no I/O.
package downstream

// Conn is the connection of one client. New makes it.
type Conn struct {
	// Replies are those that the client is owed.
	Replies Replies
	Input   Input
	Output  Output
	// weight is the expected size of a reply to this client, in bytes; see Weigh.
	weight uint32
}

// New returns the connection of a client that has just connected.
func New() Conn { return Conn{weight: firstWeight} }
