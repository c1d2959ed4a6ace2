package upstream

// Out is what the loop must do with connections at the end of a round; see Out.
type Out struct {
	// Conns have bytes to write: ask LaneBytes, say LaneWrote.
	Conns []ConnID
	// Dials are connections to make; the answer is LaneOpened or LaneClosed.
	Dials []Dial
	// CloseConns are to be closed now; nothing more is said of them.
	CloseConns []ConnID
	// ReadConns switches reading on or off, in order.
	ReadConns []Reading
}

// Reading switches reading from a connection on or off.
type Reading struct {
	Conn ConnID
	On   bool
}

func (o *Out) Empty() bool {
	return len(o.Conns)+len(o.Dials)+len(o.CloseConns)+len(o.ReadConns) == 0
}

func (o *Out) reset() {
	o.Conns, o.Dials, o.CloseConns, o.ReadConns = o.Conns[:0], o.Dials[:0], o.CloseConns[:0], o.ReadConns[:0]
}
