package api

import "time"

// Failovers has the newest failovers of all services, oldest first.
type Failovers struct {
	// Now is the gateway's clock when it answered.
	Now       time.Time  `json:"now"`
	Failovers []Failover `json:"failovers"`
}

// Failover is one failover of a shard, from the first suspicion to its end. One of a suspicion that came to nothing is
// left out.
type Failover struct {
	// ID is unique among all failovers of this run of the gateway: "service/number".
	ID      string `json:"id"`
	Service string `json:"service"`
	// Number is in all log lines of the failover, as failover=.
	Number uint64 `json:"number"`
	Shard  string `json:"shard"`
	// Began is when the primary was first suspected, Why the first evidence.
	Began time.Time `json:"began"`
	Why   string    `json:"why"`
	// From is the old primary, To the new one: empty while there is none, From if it stayed primary.
	From string `json:"from"`
	To   string `json:"to"`
	// Outcome is OutcomeRunning, OutcomeSwitched or OutcomeKept.
	Outcome string `json:"outcome"`
	// Steps are in the order of time.
	Steps []Step `json:"steps"`
	// Held is when the old primary got no requests any more, Promoted when the new one proved its role, Resumed when
	// requests went on, Confirmed when a majority of the Sentinels or nodes named it: since Began; null if not (yet).
	Held      *float64 `json:"held_ms"`
	Promoted  *float64 `json:"promoted_ms"`
	Resumed   *float64 `json:"resumed_ms"`
	Confirmed *float64 `json:"confirmed_ms"`
	// Receipt bounds what was lost; null until it is given, and if the primary stayed.
	Receipt *Receipt `json:"receipt"`
	// Effect is what it did to clients; null until Held.
	Effect *Effect `json:"effect"`
}

// Outcomes of a failover.
const (
	OutcomeRunning  = "running"
	OutcomeSwitched = "switched"
	OutcomeKept     = "kept"
)

// Kinds of steps.
const (
	StepSuspected = "suspected" // there is evidence against From
	StepHeld      = "held"      // From gets no requests any more
	StepCandidate = "candidate" // To was named as the new primary
	StepPromoted  = "promoted"  // To has proven its role
	StepResumed   = "resumed"   // To takes requests
	StepConfirmed = "confirmed" // a majority names To
	StepReceipt   = "receipt"   // see Failover.Receipt
	// The other steps are events of the same service while the failover was under way: a Sentinel or a server answers
	// again or no longer, slots or replicas changed, and so on.
	StepOther = "other"
)

// Step is one event of a failover.
type Step struct {
	// After is since Failover.Began; negative never.
	After float64 `json:"after_ms"`
	// Kind is one of the Kinds of steps, Event the message of the log line: "candidate selected".
	Kind  string `json:"kind"`
	Event string `json:"event"`
	// Subject is the Sentinel or server that it is about, From and To are addresses or conditions; empty if it has none.
	Subject string `json:"subject"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Why is the evidence, with its source: "s2: try-failover".
	Why string `json:"why"`
	// Text is all of it as one line for people.
	Text string `json:"text"`
}

// Receipt bounds the acknowledged writes that a failover has lost.
type Receipt struct {
	// Acknowledged is how many writes the old primary acknowledged in that role.
	Acknowledged uint64 `json:"acknowledged"`
	// LostAtMost is null if nothing bounds the loss. Proven: it is not null.
	LostAtMost *uint64 `json:"lost_at_most"`
	Proven     bool    `json:"proven"`
	// Why is what was missing for a proof.
	Why string `json:"why"`
	// Text is all of it as one line for people.
	Text string `json:"text"`
}

// Effect is what a failover did to the clients of its service: differences of counters from the last second in which no
// request waited, at most a minute before, to EffectAfter past its end. Failovers of several shards at the same time
// share their counts.
type Effect struct {
	// Complete: EffectAfter has passed, and the numbers do not change any more.
	Complete bool `json:"complete"`
	// Buffered requests waited for a primary, of which Resumed were executed in time, TimedOut were answered with an
	// error, and Abandoned lost their client.
	Buffered  uint64 `json:"requests_buffered"`
	Resumed   uint64 `json:"requests_resumed"`
	TimedOut  uint64 `json:"requests_timed_out"`
	Abandoned uint64 `json:"requests_abandoned"`
	// Uncertain writes may or may not have been executed, Retried requests were sent again, Rejected are errors of the
	// gateway itself, Errors all error replies.
	Uncertain uint64 `json:"requests_uncertain"`
	Retried   uint64 `json:"requests_retried"`
	Rejected  uint64 `json:"requests_rejected"`
	Errors    uint64 `json:"errors"`
	// LongestWait is the longest time that one request waited for a primary; null if none waited.
	LongestWait *float64 `json:"longest_wait_ms"`
}

// EffectAfter is how long after the end of a failover its effect is still counted.
const EffectAfter = 3 * time.Second
