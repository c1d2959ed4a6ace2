package upstream

// Out is what the loop must do for connections at the end of a round.
type Out struct {
	// Conns have bytes to write: call Bytes, then Wrote.
	Conns []ConnID
	// Dials are connections to make: call Opened or Closed when it is known how that ended.
	Dials []Dial
	// CloseConns must be closed now. No further call names them.
	CloseConns []ConnID
	// ReadConns stops or resumes reading, in this order.
	ReadConns []Reading
}

// Reading stops reading from a connection, or resumes it.
type Reading struct {
	Conn ConnID
	On   bool
}

// Empty reports whether the loop has nothing to do.
func (o *Out) Empty() bool {
	return len(o.Conns)+len(o.Dials)+len(o.CloseConns)+len(o.ReadConns) == 0
}

// reset empties it for another round.
func (o *Out) reset() {
	o.Conns, o.Dials, o.CloseConns, o.ReadConns = o.Conns[:0], o.Dials[:0], o.CloseConns[:0], o.ReadConns[:0]
}
