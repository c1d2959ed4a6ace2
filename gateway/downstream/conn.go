// Package downstream is a client's connection as the gateway sees it: the bytes that came and are not begun, the order
// of replies, and the bytes that are to go. It knows no command and no server, and does no I/O.
//
// Replies leave in the order of their requests, whichever server answers first. A place is reserved for each request; a
// reply for the place in front goes straight to the client, an early one is kept until its turn.
package downstream

// Conn is one client's connection. New makes it.
type Conn struct {
	// Replies that it is owed.
	Replies Replies
	Input   Input
	Output  Output
	// weight is what a reply to this client weighs, in bytes, by those so far; see Weigh.
	weight uint32
}

// New is the connection of a client that has just come.
func New() Conn { return Conn{weight: firstWeight} }
