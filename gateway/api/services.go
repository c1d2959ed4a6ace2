package api

import "time"

// Services has all services, in the order of the settings.
type Services struct {
	// Now is the gateway's clock when it answered.
	Now      time.Time `json:"now"`
	Services []Service `json:"services"`
}

// Kinds of services.
const (
	KindSentinel = "sentinel"
	KindCluster  = "cluster"
	KindPlain    = "plain"
)

// Service is one upstream with its listeners, its topology as the gateway sees it, and its counters.
type Service struct {
	Name string `json:"name"`
	// Kind is KindSentinel, KindCluster or KindPlain.
	Kind string `json:"kind"`
	// Listeners accept its clients.
	Listeners []Listener `json:"listeners"`
	// Reads is where reads go ("primary", "prefer-replica", "replica"), Hold how long requests may wait for a primary, as
	// in the settings.
	Reads string `json:"reads"`
	Hold  string `json:"hold"`
	// Consistency is how fresh reads must be that replicas serve ("gateway", "bounded", "strong", "eventual"). If it is
	// bounded, MaxLag or MaxLagBytes is how far a replica may lag behind; the other is 0.
	Consistency string  `json:"consistency"`
	MaxLag      float64 `json:"max_lag_ms"`
	MaxLagBytes int64   `json:"max_lag_bytes"`
	// Epoch numbers the views of the service; 0 while there is none.
	Epoch uint64 `json:"epoch"`
	// HadPrimary: a shard had a primary once since the start. Steady: every shard has one now, and no failover is
	// under way.
	HadPrimary bool `json:"had_primary"`
	Steady     bool `json:"steady"`
	// Unserved is the number of slots of a cluster that no shard serves.
	Unserved int `json:"unserved_slots"`
	// DownAfter is how long a primary may be silent before the servers begin a failover; 0 if unknown.
	DownAfter float64 `json:"down_after_ms"`
	// Polls is how often a primary was asked for its replication offset, since reads wanted to know of its replicas.
	Polls  uint64  `json:"polls"`
	Shards []Shard `json:"shards"`
	// Nodes are the servers of the view, in the order of shards, the primary before its replicas.
	Nodes []Node `json:"nodes"`
	// Sentinels are those that the gateway knows of; empty for other kinds.
	Sentinels []Sentinel `json:"sentinels"`
	Counters  Counters   `json:"counters"`
	// ReplicaReads is how reads were served that may go to replicas, Hedges which of them were sent to a second one, and
	// Acks how replicas confirm writes.
	ReplicaReads ReplicaReads `json:"replica_reads"`
	Hedges       Hedges       `json:"hedges"`
	Acks         Acks         `json:"acks"`
}

// Listener is one address that clients of a service connect to.
type Listener struct {
	// Addr is host:port, or "unix:PATH".
	Addr string `json:"addr"`
	// Emulates is "cluster", "replica" or "sentinel" for a listener with a facade; else empty.
	Emulates string `json:"emulates"`
	TLS      bool   `json:"tls"`
	// Reads, Hold and Consistency are those of its clients, Acks how many replicas must confirm their writes.
	Reads       string `json:"reads"`
	Hold        string `json:"hold"`
	Consistency string `json:"consistency"`
	Acks        string `json:"acks"`
}

// Conditions of a shard.
const (
	// Steady: the primary is trusted.
	Steady = "steady"
	// Suspect: something is wrong, and the gateway is finding out. The primary still gets requests.
	Suspect = "suspect"
	// Switching: a failover is under way; requests are buffered.
	Switching = "switching"
	// Orphan: no primary is known.
	Orphan = "orphan"
)

// Shard is a primary with its replicas. Behind Sentinels and in a plain list there is one. Servers are named by their
// Node.Addr.
type Shard struct {
	// Name is the master name under Sentinel, the slots in a cluster.
	Name string `json:"name"`
	// Slots is how many slots it serves, SlotRanges which: "0-5460,7000". All without a cluster, as 0 and "".
	Slots      int    `json:"slots"`
	SlotRanges string `json:"slot_ranges"`
	// Condition is Steady, Suspect, Switching or Orphan, Since when that began.
	Condition string    `json:"condition"`
	Since     time.Time `json:"since"`
	// ConfigEpoch is the servers' own number of the failover that made the primary; 0 in a plain list.
	ConfigEpoch uint64 `json:"config_epoch"`
	// Primary is empty while none is trusted. Provisional: no majority of the Sentinels has confirmed it yet.
	Primary     string `json:"primary"`
	Provisional bool   `json:"provisional"`
	// Demoted is the former primary while there is no new one; Successor has proven its role, and waits until no worker
	// uses Demoted any more.
	Demoted   string `json:"demoted"`
	Successor string `json:"successor"`
	// Fence is why Demoted gets no writes though it answers; empty if it is not fenced.
	Fence string `json:"fence"`
	// Replicas may serve reads, Unused answer and may not.
	Replicas []string `json:"replicas"`
	Unused   []Unused `json:"unused"`
}

// Unused is a replica that may not serve reads.
type Unused struct {
	Addr string `json:"addr"`
	// Why is a few words: "link to the primary is down".
	Why string `json:"why"`
}

// Roles of a node.
const (
	RolePrimary = "primary"
	RoleReplica = "replica"
	// RoleDemoted was the primary until its shard's failover began.
	RoleDemoted = "demoted"
	// RoleUnknown: the node is in the view without a place in a shard.
	RoleUnknown = "unknown"
)

// Node is one server.
type Node struct {
	// Addr is where the gateway dials it, Announced the address that the servers themselves use.
	Addr      string `json:"addr"`
	Announced string `json:"announced"`
	// Role is one of the Roles above; Shard is the name of its shard, empty with RoleUnknown.
	Role  string `json:"role"`
	Shard string `json:"shard"`
	// Version is its redis_version, empty if unknown.
	Version string `json:"version"`
	// Zone is where it is, empty if unknown.
	Zone string `json:"zone"`
	// Reachable: it answered when it was last asked; Why says why not.
	Reachable bool   `json:"reachable"`
	Why       string `json:"why"`
	// Reads: it is given reads now. LeftOut: it answered slowly or with errors, so at least one worker gives reads to
	// other replicas, as long as there is one.
	Reads   bool `json:"serves_reads"`
	LeftOut bool `json:"left_out"`
	// Busy is its error while a script blocks it; else empty.
	Busy string `json:"busy"`
	// Connections are open now, InFlight requests have been sent and not answered.
	Connections int `json:"connections_now"`
	InFlight    int `json:"in_flight_now"`
	// Silent connections owe a reply and have not sent a byte for a while.
	Silent int `json:"connections_silent_now"`
	// Requests is how many requests of clients it has answered, without those that it rejected and that were retried.
	// A request that was split counts at each server that got a part.
	Requests uint64 `json:"requests"`
	// P50 and P99 are percentiles of the time from the sending of a request to its reply, in the last ten seconds; null
	// without a request.
	P50 *float64 `json:"p50_us"`
	P99 *float64 `json:"p99_us"`
	// LagBytes is how far the replica's replication offset was behind its primary's when both were last asked; null if
	// unknown, or not a replica.
	LagBytes *int64 `json:"lag_bytes"`
	// PollsBehind is how many polls of its shard's offsets a replica was last not seen to have reached; null if nothing
	// is proven of it, or not a replica. Without it no read with a consistency goes to the replica.
	PollsBehind *int64 `json:"polls_behind"`
	// Lag is the same as a time: how much older the poll that the replica had reached was than the last one; 0 if it
	// lacked nothing.
	Lag *float64 `json:"lag_ms"`
}

// Sentinel is one Sentinel of a service.
type Sentinel struct {
	Addr      string `json:"addr"`
	Reachable bool   `json:"reachable"`
	// Since is when it became so; null before it was first asked. Why says why it is not reachable.
	Since *time.Time `json:"since"`
	Why   string     `json:"why"`
}

// Counters are those of one service. They only rise, except for those in _now.
type Counters struct {
	// Clients are connected now.
	Clients int `json:"clients_now"`
	// Requests have been answered by servers, or by the gateway itself.
	Requests uint64 `json:"requests"`
	// ToPrimaries, ToReplicas, OnDedicated and Local are parts of Requests: answered by primaries, replicas, on
	// connections of their own, and by the gateway.
	ToPrimaries uint64 `json:"requests_to_primaries"`
	ToReplicas  uint64 `json:"requests_to_replicas"`
	OnDedicated uint64 `json:"requests_on_dedicated_connections"`
	Local       uint64 `json:"requests_answered_locally"`
	// Errors are error replies to clients, from servers or the gateway, whatever their cause, and errors within the
	// replies to EXEC.
	Errors uint64 `json:"errors"`
	// Rejected are those of the gateway, Uncertain writes that may or may not have been executed.
	Rejected  uint64 `json:"requests_rejected"`
	Uncertain uint64 `json:"requests_uncertain"`
	// Retried requests were sent a second time, after a server rejected or lost them.
	Retried uint64 `json:"requests_retried"`
	// BufferedNow wait for a primary; Buffered had to, of which Resumed were executed in time, TimedOut were not, and
	// Abandoned lost their client.
	BufferedNow int    `json:"requests_buffered_now"`
	Buffered    uint64 `json:"requests_buffered"`
	Resumed     uint64 `json:"buffered_resumed"`
	TimedOut    uint64 `json:"buffered_timed_out"`
	Abandoned   uint64 `json:"buffered_abandoned"`
	// Failovers began, of which Switched got another primary and Kept did not.
	Failovers uint64 `json:"failovers_started"`
	Switched  uint64 `json:"failovers_switched"`
	Kept      uint64 `json:"failovers_aborted"`
	// P50, P99 and P999 are percentiles of the time of a request, from its arrival to its reply, in the last ten seconds;
	// null without a request.
	P50  *float64 `json:"p50_us"`
	P99  *float64 `json:"p99_us"`
	P999 *float64 `json:"p999_us"`
}
