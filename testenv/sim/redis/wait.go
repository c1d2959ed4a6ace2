package redis

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/testenv/sim/scenario"
)

// WAIT, and what a primary knows of the offsets of its replicas. A replica reports its own every second, and when it
// comes upon the question for it (REPLCONF GETACK) in what is replicated. WAIT counts the replicas that are connected
// and have reported an offset behind the last command of the connection that was replicated. Servers before 7.2 take
// the offset that they had when they executed any command of it.

const (
	// getAckSize and restoreSize are how many bytes REPLCONF GETACK and FUNCTION RESTORE take in what is replicated.
	getAckSize, restoreSize = 37, 90
	// ackEvery is how often a replica reports its offset unasked.
	ackEvery = time.Second
)

// reported is what the primary of a replica knows of its offset, in a copy of the data. ackAt is when the next report
// is due.
type reported struct {
	ackedOf     int
	ackedOffset int64
	ackAt       time.Duration
}

// confirms is what a server knows of a connection for WAIT: the offset that replicas must have reached, when the WAIT
// in front has waited long enough (0 without one), and that it has waited. behind are the executions since the last
// one.
type confirms struct {
	wrote  int64
	until  time.Duration
	waited bool
	behind []int
}

// follows says that a server sees another one, n, among its replicas.
func follows(n, p *Node) bool {
	if p == nil {
		return false
	}
	if n.w.Options.RealState() {
		return n.Alive && n.Following == p && n.Link == LinkUp
	}
	return n.Alive && n != p && !n.Primary && n.shard == p.shard && p.shard.Primary == p
}

// Replicated says that a server has a replica.
func Replicated(n *Node) bool {
	return slices.ContainsFunc(n.w.Nodes, func(r *Node) bool { return follows(r, n) })
}

// OldWait says that the servers are older than 7.2.
func (w *Servers) OldWait() bool { return w.Options.Seed%3 == 0 }

// Others is how many other servers are in the shard of a node.
func (w *Servers) Others(node int) int { return len(w.Nodes[node].shard.Nodes) - 1 }

// replicates notes how far a command has brought its connection. before is the offset before it, late says that it had
// waited, and was executed on behalf of another client.
func (l *Conn) replicates(before int64, late bool) {
	if n := l.Node; !late && (n.Offset > before || l.w.OldWait()) {
		l.confirms.wrote = n.Offset
	}
}

// replied notes where a reply ends. That to a WAIT tells of all executions since the last one.
func (l *Conn) replied(end int64, args [][]byte) {
	r := replyEnd{end: end, exec: l.ran}
	if l.w.Options.Acks.Asked() && l.ran >= 0 {
		l.confirms.behind = append(l.confirms.behind, l.ran)
	}
	if strings.EqualFold(string(args[0]), "wait") {
		r.execs, l.confirms.behind = l.confirms.behind, nil
	}
	l.replies = append(l.replies, r)
}

// waits returns whether the WAIT in front has its connection wait.
func (l *Conn) waits(args [][]byte) bool {
	n, now, c := l.Node, l.w.Now, &l.confirms
	if !n.Primary || now < n.loadingUntil {
		return false
	}
	k, _ := strconv.Atoi(string(args[1]))
	ms, _ := strconv.Atoi(string(args[2]))
	if c.until == 0 {
		c.until = now + time.Duration(ms)*time.Millisecond
	}
	if l.counted() >= k || l.w.Options.Bug == scenario.ReleaseEarly {
		return false
	}
	if !c.waited {
		c.waited = true
		stream(n, write{asks: true})
	}
	return now < c.until
}

// counted is how many replicas have all that the connection has had replicated.
func (l *Conn) counted() (count int) {
	wrote := l.confirms.wrote
	if b := l.w.Options.Bug; b == scenario.WaitElsewhere || b == scenario.OwnWaitAlone {
		wrote = 0
	}
	for _, r := range l.w.Nodes {
		acked := int64(0)
		if r.ackedOf == r.copies {
			acked = r.ackedOffset
		}
		if follows(r, l.Node) && acked >= wrote {
			count++
		}
	}
	return count
}

// confirm does WAIT, when it waits no longer, and what stands in front of one behind a command that has waited.
func (l *Conn) confirm(name string, args [][]byte) []byte {
	n := l.Node
	waited := l.confirms.waited
	l.confirms.until, l.confirms.waited = 0, false
	switch {
	case n.w.Now < n.loadingUntil:
		return n.refuses(true)
	case name == "HELLO":
		return map[uint8][]byte{2: []byte("*0\r\n"), 3: []byte("%0\r\n")}[l.proto]
	case name == "FUNCTION" && !n.Primary:
		return readOnly
	case name == "FUNCTION":
		stream(n, write{})
		return resp.OK
	case !n.Primary && waited:
		return l.lostRole()
	case !n.Primary:
		return []byte("-ERR WAIT cannot be used with replica instances.\r\n")
	}
	count := l.counted()
	if n.w.Options.Bug == scenario.ReleaseEarly {
		count, _ = strconv.Atoi(string(args[1]))
	}
	return resp.AppendInt(nil, int64(count))
}

// heed takes what is replicated and changes no data.
func heed(n *Node, wr write) {
	if !wr.asks {
		n.Offset += restoreSize
		return
	}
	if !n.Primary {
		acknowledge(n, leaderOf(n))
	}
	n.Offset += getAckSize
}

// leaderOf is the server whose data a replica copies.
func leaderOf(n *Node) *Node {
	if n.w.Options.RealState() {
		return n.Following
	}
	return n.shard.Primary
}

// acknowledgeInTime reports a replica's offset when that is due.
func acknowledgeInTime(n, p *Node) {
	if w := n.w; w.Options.Waits() && w.Now >= n.ackAt && follows(n, p) {
		acknowledge(n, p)
	}
}

// acknowledge reports a replica's offset to its primary.
func acknowledge(n, p *Node) {
	w, of, offset := n.w, n.copies, n.Offset
	if p == nil || !n.Up() {
		return // it does when it thaws
	}
	n.ackAt = w.Now + ackEvery
	w.Message(n.Place(), p.Place(), false, func() {
		if n.copies != of || !follows(n, p) {
			return
		}
		if n.ackedOf != of {
			n.ackedOf, n.ackedOffset = of, 0
		}
		n.ackedOffset = max(n.ackedOffset, offset)
	})
}
