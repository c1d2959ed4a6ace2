package downstream

// CLIENT REPLY makes the gateway drop replies before they reach the client. On upstream connections nothing changes:
// the servers reply, and every request keeps its place.

// Mode is which replies of a client are dropped.
type Mode uint8

const (
	On   Mode = iota
	Skip      // the next reply is dropped
	Off
)

// Turn executes CLIENT REPLY ON or OFF. All earlier requests must be answered.
func (m *Mode) Turn(on bool) {
	*m = Off
	if on {
		*m = On
	}
}

// Skip executes CLIENT REPLY SKIP.
func (m *Mode) Skip() {
	if *m == On {
		*m = Skip
	}
}

// Drops reports whether the next reply is dropped.
func (m *Mode) Drops() bool { return *m != On }

// Dropped records that a reply was dropped: that ends a SKIP.
func (m *Mode) Dropped() {
	if *m == Skip {
		*m = On
	}
}

// Reset undoes CLIENT REPLY OFF. SKIP stays: it concerns the reply to come.
func (m *Mode) Reset() {
	if *m == Off {
		*m = On
	}
}
