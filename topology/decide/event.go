package decide

import (
	"fmt"
	"time"
)

// Event is something worth reporting: the content of a log line, and a line in golden files.
type Event struct {
	Kind EventKind
	// Shard is the shard's name; empty if the event is not about a shard.
	Shard string
	// From and To are addresses or conditions, Subject the Sentinel or node it is about.
	From, To, Subject string
	// FromEpoch and ToEpoch are the servers' own config epochs; 0 if there are none.
	FromEpoch, ToEpoch uint64
	// Slots is the number of slots of a SlotsMoved.
	Slots int
	Why   string
	// Failover numbers the failover that the event is a step of, rising within the service; 0 outside of one. Began is
	// when its shard was first suspected, After the time from then to the event.
	Failover uint64
	Began    time.Time
	After    time.Duration
	// Receipt is set with ReceiptGiven.
	Receipt *Receipt
}

// EventKind is what happened.
type EventKind uint8

const (
	// PrimaryFound: the first primary of a shard.
	PrimaryFound EventKind = iota
	// PrimaryChanged: another node is primary.
	PrimaryChanged
	// PrimaryRenamed: the primary is the same server, under another address.
	PrimaryRenamed
	// ReplicasChanged: other replicas may serve reads.
	ReplicasChanged
	// ReplicaUnused: a replica that answers has been excluded from reads for a while.
	ReplicaUnused
	// SlotsMoved: slots have another owner; both owners live on.
	SlotsMoved
	// SentinelHeard and SentinelGone: a Sentinel answers about the service, or no longer does.
	SentinelHeard
	SentinelGone
	// NodeHeard and NodeGone: a node answers probes, or no longer does.
	NodeHeard
	NodeGone
	// NodeIsBusy: a script blocks a node, which answers nothing else. NodeHeard ends it.
	NodeIsBusy
	// Alarm: something an operator should look at.
	Alarm
	// Suspected begins a failover: there is evidence against the primary.
	Suspected
	// Held: the primary gets no requests any more.
	Held
	// Fenced: the primary answers and gets no writes: it may have been replaced where the gateway cannot see it.
	Fenced
	// CandidateNamed: a node was named as the new primary.
	CandidateNamed
	// Promoted: the new primary has proven its role.
	Promoted
	// Confirmed: a majority of the Sentinels or nodes in charge names the new primary.
	Confirmed
	// Released: a primary takes writes again: the new one, or the old one after all.
	Released
	// ReceiptGiven: a bound on what a failover has lost.
	ReceiptGiven
)

var eventNames = [...]string{"primary found", "primary changed", "primary renamed", "replicas changed",
	"replica excluded", "slots moved", "sentinel reachable", "sentinel unreachable", "server reachable",
	"server unreachable", "server busy", "topology alarm", "primary suspected", "failover started", "writes fenced",
	"candidate selected", "primary promoted", "primary confirmed", "requests resumed", "failover receipt"}

// String is the constant log message of the kind.
func (k EventKind) String() string { return eventNames[k] }

// String returns the event as one line: "shard main: primary a -> b, epoch 1 -> 2".
func (e Event) String() string {
	switch e.Kind {
	case PrimaryFound:
		return fmt.Sprintf("shard %s: primary %s%s", e.Shard, e.To, epochWord(", epoch %d", e.ToEpoch))
	case PrimaryChanged:
		s := fmt.Sprintf("shard %s: primary %s -> %s", e.Shard, e.From, e.To)
		if e.ToEpoch != 0 || e.FromEpoch != 0 {
			s += fmt.Sprintf(", epoch %d -> %d", e.FromEpoch, e.ToEpoch)
		}
		return s
	case PrimaryRenamed:
		return fmt.Sprintf("shard %s: primary %s renamed to %s", e.Shard, e.From, e.To)
	case ReplicasChanged:
		return fmt.Sprintf("shard %s: replicas %s -> %s", e.Shard, e.From, e.To)
	case ReplicaUnused:
		return fmt.Sprintf("shard %s: replica %s excluded from reads: %s", e.Shard, e.Subject, e.Why)
	case SlotsMoved:
		return fmt.Sprintf("slots %s -> %s: %d", e.From, e.To, e.Slots)
	case SentinelHeard, NodeHeard:
		return fmt.Sprintf("%s %s reachable", e.noun(), e.Subject)
	case SentinelGone, NodeGone:
		return fmt.Sprintf("%s %s unreachable%s", e.noun(), e.Subject, inBrackets(e.Why))
	case NodeIsBusy:
		return fmt.Sprintf("server %s busy%s", e.Subject, inBrackets(e.Why))
	case Alarm:
		return "alarm: " + e.Why
	case Confirmed:
		if e.Failover == 0 {
			return fmt.Sprintf("shard %s: %s", e.Shard, e.step())
		}
		fallthrough
	default:
		return fmt.Sprintf("shard %s, failover %d at %v: %s", e.Shard, e.Failover, e.After.Round(time.Millisecond), e.step())
	}
}

// step describes a step of a failover.
func (e Event) step() string {
	switch e.Kind {
	case Suspected:
		return fmt.Sprintf("%s suspected%s", e.From, inBrackets(e.Why))
	case Held:
		return fmt.Sprintf("%s held%s", e.From, inBrackets(e.Why))
	case Fenced:
		return fmt.Sprintf("%s gets no writes%s", e.From, inBrackets(e.Why))
	case CandidateNamed:
		return fmt.Sprintf("candidate %s%s", e.To, inBrackets(e.Why))
	case Promoted:
		return fmt.Sprintf("%s is primary%s", e.To, inBrackets(e.Why))
	case Confirmed:
		return e.To + " confirmed"
	case Released:
		return fmt.Sprintf("released to %s", e.To)
	default:
		return fmt.Sprintf("receipt %s -> %s: %s", e.From, e.To, e.Receipt)
	}
}

// Pairs returns the event's facts for a structured log, alternating keys and values.
func (e Event) Pairs() []any {
	var p []any
	for _, f := range []struct{ key, value string }{{"shard", e.Shard}, {e.noun(), e.Subject},
		{"from", e.From}, {"to", e.To}, {"reason", e.Why}} {
		if f.value != "" {
			p = append(p, f.key, f.value)
		}
	}
	if e.ToEpoch != 0 {
		p = append(p, "config-epoch", e.ToEpoch)
	}
	if e.Slots != 0 {
		p = append(p, "slots", e.Slots)
	}
	if e.Failover != 0 {
		p = append(p, "failover", e.Failover, "began", e.Began.UTC().Format("2006-01-02T15:04:05.000Z"),
			"after-ms", e.After.Milliseconds())
	}
	if e.Receipt != nil {
		p = append(p, "acknowledged", e.Receipt.Acked, "receipt", e.Receipt.String())
	}
	return p
}

// noun is the kind of the subject, also as a key of the log.
func (e Event) noun() string {
	if e.Kind == SentinelHeard || e.Kind == SentinelGone {
		return "sentinel"
	}
	return "server"
}

func epochWord(format string, epoch uint64) string {
	if epoch == 0 {
		return ""
	}
	return fmt.Sprintf(format, epoch)
}

func inBrackets(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
