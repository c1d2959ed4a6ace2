package sim

import (
	"evergate/gateway/resp"
	"evergate/topology"
)

// Bug is a mistake that is made at the edges of the worker or of the State, as if they made it themselves: in what the
// loop tells of its connections, in what is seen of Sentinels and servers, in the order in which a server runs what it
// was sent. The product has no switches for them.
type Bug uint8

const (
	NoBug Bug = iota
	// ResendSent tells of what was written to a lane only when an answer comes: what is lost before is sent again.
	ResendSent
	// WroteAll says that all was written when the network took a part.
	WroteAll
	// WrongLane gives what came from one lane to another.
	WrongLane
	// WrongClient writes what one client is owed to another.
	WrongClient
	// NoLaneClosed keeps the end of a connection to itself.
	NoLaneClosed
	// WriteTwice writes a lane's bytes twice.
	WriteTwice
	// Overtake has a later request run before an earlier one that was held: of the first two on a new connection.
	Overtake
	// ChangeLanes has two requests that are in flight together run in either order, as on two connections.
	ChangeLanes
	// RedoLate does a refused request where it belongs, but after a later one of the same client.
	RedoLate
	// TrustOne listens to one Sentinel, and takes what it says for what all say.
	TrustOne
	// TrustRole takes it for the word of all Sentinels when a server says that it is primary.
	TrustRole
	// NoFence does not see that a primary is another run, with another history.
	NoFence
	// NoBarrier goes from one primary to the next in one step: no worker is shown that the first is left, and none is
	// waited for.
	NoBarrier
	// NoWithholding does not tell the workers which primary is being left.
	NoWithholding
	// NoKill does not end former connections at a node before a new one is used.
	NoKill
	// KeepWatching has servers watch on when they are told UNWATCH.
	KeepWatching
	// RunUnqueued has them execute the commands of a transaction one by one.
	RunUnqueued
	bugs
)

var bugNames = [bugs]string{"none", "resend sent writes", "wrote all", "wrong lane", "wrong client", "no lane closed",
	"write twice", "overtake held requests", "change lanes in flight", "redo a refused request late",
	"trust one Sentinel", "trust ROLE alone", "forget the fence", "skip the barrier", "do not withhold",
	"leave former connections", "keep watching", "run what is queued"}

func (b Bug) String() string { return bugNames[b] }

// reorder runs the next two commands of a connection in the wrong order, and answers them in the right one, where the
// bug wants that: both are writes of one client. It returns the answers and how many bytes were used; none where it
// does nothing.
func (n *node) reorder(l *lane, first [][]byte, size int, fresh bool) (answers []byte, used int) {
	w := n.w
	at := n
	if l.tx.open || !writes(first) {
		return nil, 0
	}
	switch w.o.Bug {
	case Overtake:
		if !fresh {
			return nil, 0
		}
	case ChangeLanes:
		if w.rnd.IntN(20) > 0 {
			return nil, 0
		}
	case RedoLate:
		if at = w.servant(first); at == nil || at == n {
			return nil, 0
		}
	default:
		return nil, 0
	}
	limits := resp.DefaultLimits()
	var s resp.Scanner
	next, second, status := s.Next(l.in[size:], nil, &limits)
	if status != resp.Frame || !writes(first) || !writes(second) {
		return nil, 0
	}
	a, b := w.ledger.identify(first), w.ledger.identify(second)
	if a == nil || b == nil || a.client != b.client {
		return nil, 0
	}
	later := at.command(l, second)
	if later[0] == '-' {
		return nil, 0
	}
	w.tracef("%s runs %v before %v", at.addr, b, a)
	l.replies = append(l.replies, replyEnd{l.answeredTo, l.ran})
	answers = append(at.command(l, first), later...)
	return answers, size + next
}

// servant is the node where a command belongs now, or nil.
func (w *world) servant(args [][]byte) *node {
	if w.keeper != nil {
		return w.nodeByRole(true)
	}
	if w.o.Cluster {
		return w.owner(slotOf(args)).primary
	}
	return w.shards[0].primary
}

// bend makes of an observation what the bug makes of it.
func (k *keeper) bend(o topology.Observation) []topology.Observation {
	bug := k.w.o.Bug
	switch seen := o.(type) {
	case topology.SentinelSays:
		switch {
		case bug == TrustOne && seen.Sentinel == k.w.liar().addr:
			return k.allSay(seen)
		case bug == TrustOne:
			return nil
		case bug == TrustRole && k.risen != "":
			seen.Primary, seen.Down = k.risen, 0
			seen.ConfigEpoch += k.rises
			return []topology.Observation{seen}
		}
	case topology.SentinelMessage:
		if bug == TrustOne && seen.Sentinel != k.w.liar().addr {
			return nil
		}
	case topology.RoleSeen:
		was, known := k.runs[seen.Addr]
		if seen.Role != topology.RolePrimary {
			delete(k.runs, seen.Addr)
			break
		}
		if !known || was.RunID != seen.RunID {
			k.risen, k.rises = seen.Addr, k.rises+1
		}
		if known && bug == NoFence && was.RunID != seen.RunID {
			seen.RunID, seen.ReplID, seen.ReplID2 = was.RunID, was.ReplID, was.ReplID2
			seen.SecondOffset, seen.Offset = was.SecondOffset, max(was.Offset, seen.Offset)
		}
		k.runs[seen.Addr] = seen
		return []topology.Observation{seen}
	}
	return []topology.Observation{o}
}

// allSay puts what one Sentinel says into the mouths of all.
func (k *keeper) allSay(says topology.SentinelSays) []topology.Observation {
	var all []topology.Observation
	for _, s := range k.w.sentinels {
		says.Sentinel = s.addr
		all = append(all, says)
	}
	return all
}

// shownTo is what a worker sees of the newest view.
func (k *keeper) shownTo() *topology.View {
	switch {
	case k.view == nil:
	case k.w.o.Bug == NoBarrier:
		if k.bent == nil || k.view.Shards[0].Primary != nil {
			k.bent = k.view
		}
		return k.bent
	case k.w.o.Bug == NoWithholding:
		if k.bent == nil || k.bent.Epoch != k.view.Epoch {
			v := *k.view
			v.Shards = append([]topology.Shard(nil), v.Shards...)
			for i := range v.Shards {
				v.Shards[i].Former, v.Shards[i].Successor = nil, nil
			}
			k.bent = &v
		}
		return k.bent
	}
	return k.view
}
