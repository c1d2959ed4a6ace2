package session

// Notices are what a client has asked to be notified of, and what it was notified of. The zero value is a client that
// has not asked.
type Notices uint8

const (
	// NoticesAsked: it has sent CLIENT MAINT_NOTIFICATIONS ON.
	NoticesAsked Notices = 1 << iota
	// NoticesUnnamed: it wants no address in MOVING.
	NoticesUnnamed
	// NoticesHold: it was sent the beginning of a hold, and not yet its end.
	NoticesHold
	// NoticesMoving: it was asked to move to another gateway.
	NoticesMoving
)

// Has reports whether all of these are set.
func (n Notices) Has(all Notices) bool { return n&all == all }

// AskNotices records that the client has asked to be notified; unnamed: it wants no address in MOVING.
func (s *Session) AskNotices(unnamed bool) {
	s.Notices = s.Notices&(NoticesHold|NoticesMoving) | NoticesAsked
	if unnamed {
		s.Notices |= NoticesUnnamed
	}
}

// ForgetNotices records that the client is notified of nothing any more.
func (s *Session) ForgetNotices() { s.Notices = 0 }

// Notified records that the client was sent the beginning of a hold or its end, or MOVING.
func (s *Session) Notified(of Notices, begins bool) {
	s.Notices &^= of
	if begins {
		s.Notices |= of
	}
}
