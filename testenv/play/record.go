package play

import (
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// Record is a Net that takes everything at once, unless told otherwise, and remembers it.
type Record struct {
	// Servers and Clients have what was written to each: by the number of the connection, with all earlier connections of
	// that number, and by that of the client.
	Servers map[worker.ConnID][]byte
	Clients map[uint32][]byte
	// Dials, ClosedConns and ClosedClients are all that the worker asked for so far.
	Dials         []upstream.Dial
	ClosedConns   []worker.ConnID
	ClosedClients []uint32
}

// NewRecord makes one.
func NewRecord() *Record {
	return &Record{Servers: map[worker.ConnID][]byte{}, Clients: map[uint32][]byte{}}
}

// Dial implements Net.
func (r *Record) Dial(c *Conn) { r.Dials = append(r.Dials, c.Dial) }

// ToServer implements Net.
func (r *Record) ToServer(c *Conn, b []byte) int {
	r.Servers[c.Conn] = append(r.Servers[c.Conn], b...)
	return len(b)
}

// ToClient implements Net.
func (r *Record) ToClient(c *Client, b []byte) int {
	r.Clients[c.ID] = append(r.Clients[c.ID], b...)
	return len(b)
}

// Reading implements Net.
func (r *Record) Reading(worker.Reading) {}

// Closed implements Net.
func (r *Record) Closed(id worker.ConnID, _ *Conn) { r.ClosedConns = append(r.ClosedConns, id) }

// ClientClosed implements Net.
func (r *Record) ClientClosed(c *Client) { r.ClosedClients = append(r.ClosedClients, c.ID) }

// Forget forgets what was asked for so far, but not what was written.
func (r *Record) Forget() {
	r.Dials, r.ClosedConns, r.ClosedClients = nil, nil, nil
}
