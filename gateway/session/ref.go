package session

// Ref names a client for as long as it is connected; another client never gets the same. One whose client has left in
// the meantime is harmless: it names nobody then. The zero value never names anybody.
type Ref struct {
	ID         uint32
	Generation uint32
}
