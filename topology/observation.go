package topology

import (
	"slices"
	"time"
)

// Observation is one observed fact. State.Step takes them one at a time. A node that was asked is identified by its
// dial address, nodes that others mention by their announced address.
type Observation interface{ observation() }

func (SentinelReport) observation()  {}
func (SentinelLost) observation()    {}
func (SentinelMessage) observation() {}
func (SlotsSeen) observation()       {}
func (RoleSeen) observation()        {}
func (NodeLost) observation()        {}
func (NodeBusy) observation()        {}
func (Resolved) observation()        {}
func (Report) observation()          {}
func (Settled) observation()         {}
func (Tick) observation()            {}

// Tick only means that time has passed. The keeper sends one every TickEvery.
type Tick struct{}

// TickEvery is how often the keeper lets State look at the clock: the granularity of debounces and of probes.
const TickEvery = 50 * time.Millisecond

// Settled means that every worker has seen the View with this epoch, and owes nothing to the primaries that it demotes:
// their connections are drained or closed.
type Settled struct{ Epoch uint64 }

// SentinelReport is one Sentinel's whole state of the service: GET-MASTER-ADDR-BY-NAME, MASTER, REPLICAS.
type SentinelReport struct {
	// Sentinel is the address it was reached at.
	Sentinel string
	// Primary is the announced address of the primary by SENTINEL GET-MASTER-ADDR-BY-NAME: SENTINEL MASTER of a leader
	// has the old address with the new config epoch until its failover has ended.
	Primary string
	// ConfigEpoch is the number of the failover that made it primary; a higher one is newer.
	ConfigEpoch uint64
	// Down are the flags s_down and o_down of the primary.
	Down DownFlags
	// Quorum is how many Sentinels must agree on o_down; Sentinels how many there are, this one included.
	Quorum, Sentinels int
	// FailingOver is the flag failover_in_progress: this Sentinel itself is making another node primary.
	FailingOver bool
	// DownAfter is down-after-milliseconds; zero if not reported.
	DownAfter time.Duration
	Replicas  []SentinelReplica
	// Asked is when the question went out; zero counts as the time of the Step.
	Asked time.Time
}

// SentinelReplica is a replica as one Sentinel reports it.
type SentinelReplica struct {
	// Addr is announced.
	Addr string
	Down DownFlags
	// LinkUp is master-link-status ok.
	LinkUp bool
	// Priority is slave-priority; 0 means never promoted, and in Evergate not read from unless named.
	Priority int
}

// DownFlags are an instance's flags of failure.
type DownFlags uint8

const (
	// SDown: subjectively down, in the view of this Sentinel alone.
	SDown DownFlags = 1 << iota
	// ODown: objectively down, a quorum of Sentinels agrees.
	ODown
	// Disconnected: the Sentinel has no connection to it.
	Disconnected
)

// SentinelLost means that a Sentinel cannot be asked, or does not know the service.
type SentinelLost struct {
	Sentinel string
	Why      string
	// Twin: it is there, and followed under another address.
	Twin bool
}

// SentinelMessage is a message that a Sentinel published about the service: a reason to ask again at once.
type SentinelMessage struct {
	Sentinel string
	// Channel is the event: +switch-master, +sdown, ...
	Channel string
	// Payload is the message as published.
	Payload string
}

// SlotsSeen is the slot map of one node of a Redis Cluster.
type SlotsSeen struct {
	// Asked is the dial address of the node.
	Asked string
	// HasEpochs: the config epochs are known (CLUSTER NODES was permitted).
	HasEpochs bool
	// Refused is why the node returned no map; empty if it did.
	Refused string
	Shards  []ShardSeen
	// IDs are the IDs of all nodes that the node knows: no two clusters have one in common. Empty if unknown.
	IDs []string
	// NodeTimeout is cluster-node-timeout; zero if not reported.
	NodeTimeout time.Duration
}

// ShardSeen is one primary with its replicas, as a node of the cluster reports it.
type ShardSeen struct {
	// Slots may be empty: ASK can name a primary that serves no slot yet.
	Slots    []SlotRange
	Primary  MemberSeen
	Replicas []MemberSeen
	// Epoch is the primary's config epoch; 0 without HasEpochs.
	Epoch uint64
}

// SlotRange is First to Last, both included.
type SlotRange struct{ First, Last int }

// MemberSeen is a node that another one reports.
type MemberSeen struct {
	// Addr is announced; if the endpoint was empty it is the host that was asked.
	Addr string
	// Healthy is false if it is marked fail or loading.
	Healthy bool
}

// Role of a server.
type Role uint8

const (
	// RoleRefused: the server answers, but permits neither ROLE nor INFO.
	RoleRefused Role = iota
	RolePrimary
	RoleReplica
)

var roleNames = [...]string{"refused", "primary", "replica"}

func (r Role) String() string { return roleNames[r] }

// RoleSeen is a server's own report (ROLE, INFO replication, INFO server: those that it permits).
type RoleSeen struct {
	// Addr is the dial address.
	Addr string
	Role Role
	// RunID changes with each start of the server; ReplID names its history, ReplID2 the one it descends from, up to
	// SecondOffset. All are empty if INFO is refused; ROLE does not have them.
	RunID, ReplID, ReplID2 string
	// Offset is the replication offset, in bytes; -1 if not reported.
	Offset, SecondOffset int64
	// Acked is how many writes were acknowledged for this node before the question was asked.
	Acked uint64
	// Version is redis_version; empty if not reported.
	Version string
	// Eviction is which keys the server evicts: maxmemory-policy, "noeviction" without maxmemory; empty if not reported.
	Eviction string
	// Zone is availability_zone, which Valkey and KeyDB report; empty if not set there.
	Zone string
	// Priority is replica-priority; -1 if not reported.
	Priority int
	// LinkUp, Syncing and Primary (announced) are a replica's.
	LinkUp, Syncing bool
	Primary         string
	// Replicas (announced) are a primary's, those that are online. Silent is how many of them have not acknowledged
	// anything for SilentFor, though they do so each second.
	Replicas []string
	Silent   int
	// Asked is when the question went out; zero counts as the time of the Step.
	Asked time.Time
}

// SilentFor is how long a replica may be silent before its primary's report counts it as such. A link that a partition
// cuts is closed only after repl-timeout, a minute.
const SilentFor = 3 * time.Second

// Same reports whether two are equal except for offsets and silence, which change all the time.
func (r *RoleSeen) Same(o *RoleSeen) bool {
	return r.Role == o.Role && r.RunID == o.RunID && r.Version == o.Version && r.Eviction == o.Eviction &&
		r.Zone == o.Zone &&
		r.ReplID == o.ReplID && r.ReplID2 == o.ReplID2 && r.SecondOffset == o.SecondOffset &&
		r.Priority == o.Priority && r.LinkUp == o.LinkUp && r.Syncing == o.Syncing && r.Primary == o.Primary &&
		slices.Equal(r.Replicas, o.Replicas)
}

// NodeLost means that a probe could not reach a node, or got no answer in time.
type NodeLost struct {
	// Addr is the dial address.
	Addr string
	Why  string
}

// NodeBusy means that a node lives, and that its only answer is that a script keeps it busy.
type NodeBusy struct {
	// Addr is the dial address, Words the server's own text.
	Addr, Words string
}

// Resolved has the present addresses of a name of the settings (plain lists only).
type Resolved struct {
	// Name is host:port as in the settings, Addrs the dial addresses; empty only in a survey, with the reason in Why.
	Name  string
	Addrs []string
	Why   string
}

// Report is one observation of a worker on its connections. The keeper turns it into a probe or a refresh; it is a
// hint, never proof. Reports are small values: a worker sends them without allocating, and the keeper may drop some
// when too many arrive at once (the periodic refresh makes up for it).
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

// ReportKind is what was seen.
type ReportKind uint8

const (
	// ConnectionLost: a connection to the node was closed or reset, or could not be opened.
	ConnectionLost ReportKind = iota
	// ConnectionSilent: the oldest request on a connection has waited too long.
	ConnectionSilent
	// Refused: the node replied READONLY, MASTERDOWN, LOADING or CLUSTERDOWN.
	Refused
	// Moved: the node replied MOVED.
	Moved
	// OtherRun: a new connection found the node with another run id than the View's.
	OtherRun
	// ConnectionSlow: the oldest request on a connection has waited long enough to ask whether the node is busy.
	ConnectionSlow
	// Unconfirmed: too few replicas have confirmed writes to the node, or too few are attached to it for writes to be
	// sent.
	Unconfirmed
)

var ReportName = [...]string{"connection-lost", "connection-silent", "refused", "moved", "other-run", "connection-slow",
	"unconfirmed"}

func (k ReportKind) String() string { return ReportName[k] }
