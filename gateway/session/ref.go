package session

// Ref identifies a client. No two clients of a worker have the same Ref, so one whose client has left does no harm: it
// identifies no client. Nor does the zero value.
type Ref struct {
	// ID is reused after its client has left, Generation tells its clients apart.
	ID         uint32
	Generation uint32
}
