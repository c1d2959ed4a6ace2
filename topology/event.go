package topology

import (
	"fmt"
	"strings"
)

// Event is one thing worth telling: a value for the log line, the metric's label and the golden file.
type Event struct {
	Kind EventKind
	// Shard is the shard's name; empty where the event is not about a shard.
	Shard string
	// From and To are addresses or conditions, Subject the Sentinel or node it is about.
	From, To, Subject string
	// FromEpoch and ToEpoch are the servers' own config epochs; 0 where there are none.
	FromEpoch, ToEpoch uint64
	// Slots is how many slots a SlotsMoved is about.
	Slots int
	Why   string
}

// EventKind says what happened.
type EventKind uint8

const (
	// PrimaryFound: the first primary of a shard.
	PrimaryFound EventKind = iota
	// PrimaryChanged: another node is primary.
	PrimaryChanged
	// ReplicasChanged: other replicas may serve reads.
	ReplicasChanged
	// ConditionChanged: how far the primary is trusted.
	ConditionChanged
	// SlotsMoved: slots have another owner, both owners live on.
	SlotsMoved
	// SentinelHeard and SentinelGone: a Sentinel answers about the service, or no longer does.
	SentinelHeard
	SentinelGone
	// NodeHeard and NodeGone: a node answers probes, or no longer does.
	NodeHeard
	NodeGone
	// Alarm: something an operator should look at.
	Alarm
)

var eventNames = [...]string{"primary found", "primary changed", "replicas changed", "condition changed",
	"slots moved", "sentinel heard", "sentinel gone", "node heard", "node gone", "topology alarm"}

// String is the constant log message of the kind.
func (k EventKind) String() string { return eventNames[k] }

// String tells the event in one line: "shard main: primary a -> b, epoch 1 -> 2".
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
	case ReplicasChanged:
		return fmt.Sprintf("shard %s: replicas %s -> %s", e.Shard, e.From, e.To)
	case ConditionChanged:
		return fmt.Sprintf("shard %s: %s -> %s%s", e.Shard, e.From, e.To, inBrackets(e.Why))
	case SlotsMoved:
		return fmt.Sprintf("slots %s -> %s: %d", e.From, e.To, e.Slots)
	case SentinelHeard, NodeHeard:
		return fmt.Sprintf("%s %s heard", e.noun(), e.Subject)
	case SentinelGone, NodeGone:
		return fmt.Sprintf("%s %s gone%s", e.noun(), e.Subject, inBrackets(e.Why))
	default:
		return "alarm: " + e.Why
	}
}

// Pairs are the event's facts for a structured log, keys and values in turn.
func (e Event) Pairs() []any {
	var p []any
	for _, f := range []struct{ key, value string }{{"shard", e.Shard}, {"subject", e.Subject}, {"from", e.From},
		{"to", e.To}, {"why", e.Why}} {
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
	return p
}

func (e Event) noun() string {
	if e.Kind == SentinelHeard || e.Kind == SentinelGone {
		return "sentinel"
	}
	return "node"
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

// addrList writes nodes for people: "[a b]".
func addrList(nodes []*Node) string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Addr
	}
	return "[" + strings.Join(names, " ") + "]"
}
