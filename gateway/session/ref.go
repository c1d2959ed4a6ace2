package session

// Ref identifies a client while it is connected; another client never gets the same one. A Ref whose client has left is
// harmless: it identifies no client. So does the zero value.
type Ref struct {
	ID         uint32
	Generation uint32
}
