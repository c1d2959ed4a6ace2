package redis

import (
	"time"

	"evergate/testenv/sim/network"
)

// Conn is a connection that the gateway has to a node, from the attempt to dial to the last byte that lies in either
// socket. The node's side may live on when the gateway's side is closed: a server executes what lies in its socket.
type Conn struct {
	w        *Servers
	name     string
	Node     *Node
	proto    uint8
	readOnly bool
	// Client is what the node calls this one.
	Client   int64
	OpenedAt time.Duration
	// lateUntil: until then nothing of what was written gets to the node.
	lateUntil time.Duration
	Dead      bool // the connection is broken: the gateway learns it when it has read what came before
	DeadAt    time.Duration
	Gone      bool // the gateway's side is closed
	served    bool // the node's side is open
	ToNode    network.Pipe
	ToGate    network.Pipe
	In        []byte // what the node has read and not yet executed
	asking    bool
	// DB is the database that the connection was set up in. blockedUntil is when the blocking command in front has waited
	// long enough; 0 without one.
	DB           int32
	blockedUntil time.Duration
	// unblockUntil: until then the node ends that command without an element. unblocked: it does so now.
	unblockUntil time.Duration
	unblocked    bool
	waited       bool // it has waited; else it was answered at once
	ends         bool // the node closes the connection when this is answered
	tx           transaction
	confirms     confirms
	has          map[string]bool // what the node has been told to subscribe to: verb and name
	// ran is the execution of the command under way, -1 for none. replies are where the replies under way end that
	// executions were answered with, counted from the first byte; answeredTo and readTo how far node and gateway are.
	ran                int
	replies            []replyEnd
	answeredTo, readTo int64
	// elementTo is where the last reply to a pop ends that has an element.
	elementTo int64
}

// BringsElement says that such a reply is under way.
func (l *Conn) BringsElement() bool { return l.readTo < l.elementTo }

// replyEnd is the end of a reply, and the executions that are answered by it: several by that to a WAIT.
type replyEnd struct {
	end   int64
	exec  int
	execs []int
}

// Dial returns an attempt to connect to the node at an address.
func (w *Servers) Dial(addr, name string, proto uint8, readOnly bool) *Conn {
	l := &Conn{w: w, name: name, proto: proto, readOnly: readOnly}
	for _, n := range w.Nodes {
		if n.Addr == addr {
			l.Node = n
		}
	}
	return l
}

// Reached says whether an attempt to connect comes through.
func (l *Conn) Reached() bool {
	w, n := l.w, l.Node
	return n.Alive && !w.Cut(network.Gateway, n.Place()) && (w.Now >= n.FrozenUntil || w.Rnd.IntN(2) == 0)
}

// Accept has the node take a connection on.
func (l *Conn) Accept() {
	l.w.lastClient++
	l.Client = l.w.lastClient
	l.served, l.OpenedAt = true, l.w.Now
	l.w.Sockets = append(l.w.Sockets, l)
}

// Close closes the gateway's side.
func (l *Conn) Close() {
	l.Gone = true
	l.ToGate = network.Pipe{}
}

// AtRest says that nothing is under way on the connection.
func (l *Conn) AtRest() bool { return l.ToNode.Size+l.ToGate.Size+len(l.In) == 0 }

// Take returns what the gateway reads now, at most so much; epoch is that of the view that it has.
func (l *Conn) Take(most int, epoch uint64) []byte {
	b := l.ToGate.Take(l.w.Now, most)
	l.readTo += int64(len(b))
	for len(l.replies) > 0 && l.replies[0].end <= l.readTo {
		for _, at := range append(l.replies[0].execs, l.replies[0].exec) {
			if at >= 0 && epoch > 0 {
				l.w.Ledger.Delivered(at, l.w.Now, epoch)
			}
		}
		l.replies = l.replies[1:]
	}
	return b
}

// push sends what nobody asked for.
func (l *Conn) push(b []byte) {
	l.answeredTo += int64(len(b))
	l.w.Send(&l.ToGate, b)
}

func (l *Conn) String() string { return l.name }

// Snap breaks a connection: bytes on the way are lost from any of them on.
func (l *Conn) Snap() {
	w := l.w
	if l.Dead || l.Gone {
		return
	}
	w.Tracef("the connection of lane %v to %s breaks", l, l.Node.Addr)
	l.Dead, l.DeadAt = true, w.Now+w.Between(0, 20*time.Millisecond)
	if l.ToNode.Size > 0 {
		l.ToNode.Cut(w.Rnd.IntN(l.ToNode.Size + 1))
	}
	if l.ToGate.Size > 0 {
		l.ToGate.Cut(w.Rnd.IntN(l.ToGate.Size + 1))
	}
	if w.Rnd.IntN(2) == 0 {
		l.served = false
	}
}

// Strand breaks a connection for the gateway alone: what that has sent comes to the node in d, and is executed there.
// So does the end of the connection.
func (l *Conn) Strand(d time.Duration) {
	w := l.w
	if l.Dead || l.Gone {
		return
	}
	w.Tracef("the connection of lane %v to %s breaks, and %s sees it in %v", l, l.Node.Addr, l.Node.Addr, d)
	l.Dead, l.DeadAt = true, w.Now
	l.ToGate = network.Pipe{}
	l.lateUntil = max(l.lateUntil, w.Now+d)
}

// Delay has what was sent to the node come there late.
func (l *Conn) Delay(d time.Duration) { l.lateUntil = l.w.Now + d }
