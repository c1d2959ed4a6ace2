package freshness

// OnPrimary is why the primary serves a read of a client whose reads go to replicas: a Reason, without Fresh, or one
// that is not about what the replica has. It labels metrics.
type OnPrimary uint8

const (
	// KeysUnknown: the keys of the read are not known, or it is about all keys. Those before it are the Reasons.
	KeysUnknown = OnPrimary(Reasons) - 1 + iota
	// Pipelined: requests of the session are in flight to the primary, and the read must not overtake them.
	Pipelined
	// NoneServes: the shard has no replica that may serve reads.
	NoneServes
	// NotConnected: the replica takes no request now.
	NotConnected
	// LeftOut: it answered slowly, or with errors.
	LeftOut

	// OnPrimaryReasons is how many there are.
	OnPrimaryReasons = int(LeftOut) + 1
)

var onPrimaryNames = [...]string{"keys-unknown", "pipelined", "no-replica", "not-connected", "left-out"}

func (r OnPrimary) String() string {
	if r < KeysUnknown {
		return Reason(r + 1).String()
	}
	return onPrimaryNames[r-KeysUnknown]
}
