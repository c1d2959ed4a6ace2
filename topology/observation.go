package topology

// Report is one thing that a worker saw on its lanes. The keeper turns it into a probe or a refresh; it is a hint,
// never proof. Reports are small values: a worker sends them without allocating, and the keeper may drop some when
// too many arrive at once (the periodic refresh makes up for it).
type Report struct {
	Kind ReportKind
	Node NodeID
	// Shard is the index in the View with epoch Epoch.
	Shard int
	Epoch uint64
	// Slot and Addr are set for Moved: the slot and the announced address of its new owner.
	Slot int
	Addr string
}

// ReportKind says what was seen.
type ReportKind uint8

const (
	// LaneLost: a connection to the node was closed or reset, or could not be opened.
	LaneLost ReportKind = iota
	// LaneSilent: the oldest request on a connection has waited too long.
	LaneSilent
	// Refused: the node answered READONLY, MASTERDOWN, LOADING or CLUSTERDOWN.
	Refused
	// Moved: the node answered MOVED.
	Moved
)

var reportNames = [...]string{"lane-lost", "lane-silent", "refused", "moved"}

func (k ReportKind) String() string { return reportNames[k] }
