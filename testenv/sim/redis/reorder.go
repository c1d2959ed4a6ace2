package redis

import (
	"evergate/gateway/resp"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// reorder runs the next two commands of a connection in the wrong order, and answers them in the right one, where the
// bug wants that: both are writes of one client. It returns the answers and how many bytes were used; none where it
// does nothing.
func (n *Node) reorder(l *Conn, first [][]byte, size int, fresh bool) (answers []byte, used int) {
	w := n.w
	at := n
	if l.tx.open || !ledger.Writes(first) {
		return nil, 0
	}
	switch w.Options.Bug {
	case scenario.Overtake:
		if !fresh {
			return nil, 0
		}
	case scenario.ChangeLanes:
		if w.Rnd.IntN(20) > 0 {
			return nil, 0
		}
	case scenario.RedoLate:
		if at = w.servant(first); at == nil || at == n {
			return nil, 0
		}
	default:
		return nil, 0
	}
	limits := resp.DefaultLimits()
	var s resp.Scanner
	next, second, status := s.Next(l.In[size:], nil, &limits)
	if status != resp.Frame || !ledger.Writes(first) || !ledger.Writes(second) {
		return nil, 0
	}
	a, b := w.Ledger.Identify(first), w.Ledger.Identify(second)
	if a == nil || b == nil || a.Client != b.Client {
		return nil, 0
	}
	later := at.command(l, second)
	if later[0] == '-' {
		return nil, 0
	}
	w.Tracef("%s runs %v before %v", at.Addr, b, a)
	l.replies = append(l.replies, replyEnd{end: l.answeredTo, exec: l.ran})
	answers = append(at.command(l, first), later...)
	return answers, size + next
}

// servant is the node where a command belongs now, or nil.
func (w *Servers) servant(args [][]byte) *Node {
	if w.Options.RealState() {
		return w.NodeByRole(true)
	}
	if w.Options.Cluster {
		return w.Owner(ledger.SlotOf(args)).Primary
	}
	return w.Shards[0].Primary
}
