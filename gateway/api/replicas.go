package api

// ReplicaReads is how the reads of clients were served whose reads go to replicas.
type ReplicaReads struct {
	// OnReplicas were sent to replicas, OnPrimaries to primaries nevertheless.
	OnReplicas  uint64 `json:"on_replicas"`
	OnPrimaries uint64 `json:"on_primaries"`
	// Share is the part of these reads that replicas got in the last ten seconds, 0 to 1; null without a read.
	Share *float64 `json:"share_on_replicas"`
	// Reasons are why primaries got reads: first that of most reads in the last ten seconds. One that never occurred is
	// left out.
	Reasons []ReadReason `json:"reasons"`
}

// ReadReason is why a primary served reads of clients whose reads go to replicas.
type ReadReason struct {
	// Reason is the label of the metric, such as "not-reached"; Text says it to people.
	Reason string `json:"reason"`
	Text   string `json:"text"`
	// Reads is how many there were, Recent those of the last ten seconds.
	Reads  uint64 `json:"reads"`
	Recent uint64 `json:"reads_recent"`
}

// Acks is how replicas confirm the writes of a service.
type Acks struct {
	// Level is how many replicas must confirm a write, and Timeout how long it waits for them, as in the settings: "0",
	// "1", "majority", "all", and "1s". Listeners, users and clients may have other ones.
	Level   string `json:"level"`
	Timeout string `json:"timeout"`
	// Confirmed writes were confirmed in time, Unconfirmed ones were not, and answered UNCERTAIN. Rejected were answered
	// NOREPLICAS, before anything was written.
	Confirmed   uint64 `json:"writes_confirmed"`
	Unconfirmed uint64 `json:"writes_unconfirmed"`
	Rejected    uint64 `json:"writes_rejected"`
	// Waits is how many WAITs were answered, each for all writes of a round on its connection.
	Waits uint64 `json:"waits"`
	// P50 and P99 are percentiles of the time of a WAIT in the last ten seconds; null without one.
	P50 *float64 `json:"wait_p50_us"`
	P99 *float64 `json:"wait_p99_us"`
}

// Asked reports whether replicas have confirmed a write, or were to.
func (a *Acks) Asked() bool {
	return a.Level != "" && a.Level != "0" || a.Confirmed+a.Unconfirmed+a.Rejected > 0
}

// Hedges is how reads of a service were sent to a second replica, since the first was late.
type Hedges struct {
	// After is when a read is late, as in the settings: "off", "p99" or a time.
	After string `json:"after"`
	// Sent are the reads that were sent to a second replica. Won are those of them that it answered first, Lost those that
	// the first replica did.
	Sent uint64 `json:"sent"`
	Won  uint64 `json:"won"`
	Lost uint64 `json:"lost"`
	// Denied were late and not sent, since the budget was used up or their client had too many in flight. For those in
	// NoReplica no other replica could serve them.
	Denied    uint64 `json:"denied"`
	NoReplica uint64 `json:"no_replica"`
	// SentRecent and DeniedRecent are those of the last ten seconds. Budget is how many may be sent in this time: a share
	// of the reads on replicas, and a few in any case. Each worker has its part of it.
	SentRecent   uint64 `json:"sent_recent"`
	DeniedRecent uint64 `json:"denied_recent"`
	Budget       uint64 `json:"budget"`
}

// Shown reports whether late reads are sent to a second replica, or were.
func (h *Hedges) Shown() bool { return h.After != "" && h.After != "off" || h.Sent > 0 }
