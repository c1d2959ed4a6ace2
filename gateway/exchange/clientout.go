package exchange

// ClientOut is what the loop must do for clients at the end of a round. It is valid until the next Turn.
type ClientOut struct {
	// Clients have bytes to write: ask ClientBytes, say ClientWrote.
	Clients []uint32
	// CloseClients are to be closed now; nothing more is said of them.
	CloseClients []uint32
	// ReadClients switches reading from clients on or off, in order.
	ReadClients []ClientReading
}

// ClientReading switches reading from a client on or off.
type ClientReading struct {
	Client uint32
	On     bool
}

func (o *ClientOut) empty() bool { return len(o.Clients)+len(o.CloseClients)+len(o.ReadClients) == 0 }

// Turn returns what the round has brought for clients.
func (t *Table) Turn() *ClientOut {
	t.outs, t.given = t.given, t.outs
	t.outs.Clients, t.outs.CloseClients, t.outs.ReadClients = t.outs.Clients[:0], t.outs.CloseClients[:0],
		t.outs.ReadClients[:0]
	// The number of a client that left is free when the loop has closed the connection: until then an event of the old
	// one must not be taken for one of the new.
	t.free = append(t.free, t.freed[1]...)
	t.freed[0], t.freed[1] = t.freed[1][:0], t.freed[0]
	return &t.given
}
