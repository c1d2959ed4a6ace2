package sim

import (
	"fmt"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/worker"
)

// pipe is one direction of a connection: bytes under way, each with the time at which it arrives.
type pipe struct {
	chunks []chunk
	size   int
}

type chunk struct {
	at time.Duration
	b  []byte
}

// put adds bytes that arrive at the time at, or later when earlier bytes do.
func (p *pipe) put(at time.Duration, b []byte) {
	if len(b) == 0 {
		return
	}
	if n := len(p.chunks); n > 0 {
		at = max(at, p.chunks[n-1].at)
	}
	p.chunks = append(p.chunks, chunk{at, append([]byte(nil), b...)})
	p.size += len(b)
}

// take removes at most most bytes that have arrived.
func (p *pipe) take(now time.Duration, most int) []byte {
	var out []byte
	for len(p.chunks) > 0 && p.chunks[0].at <= now && len(out) < most {
		c := &p.chunks[0]
		n := min(len(c.b), most-len(out))
		out = append(out, c.b[:n]...)
		c.b = c.b[n:]
		if len(c.b) == 0 {
			p.chunks = p.chunks[1:]
		}
	}
	p.size -= len(out)
	return out
}

// cut keeps the first n bytes: the rest was lost with the connection.
func (p *pipe) cut(n int) {
	kept := 0
	for i := range p.chunks {
		c := &p.chunks[i]
		if kept+len(c.b) >= n {
			c.b = c.b[:n-kept]
			p.chunks = p.chunks[:i+1]
			p.size = n
			return
		}
		kept += len(c.b)
	}
}

// lane is the connection of one lane, from the first attempt to dial to the last byte that lies in either socket. The
// node's side may live on when the gateway's side is closed: a server executes what lies in its socket.
type lane struct {
	id       worker.LaneID
	gate     *gate
	node     *node
	proto    uint8
	readOnly bool
	dialAt   time.Duration // when the attempt ends
	// runID is whom the dial must meet, kill are the clients to end first where it meets killIn; client is what
	// the node calls this one.
	runID    string
	kill     []int64
	killIn   string
	client   int64
	openedAt time.Duration
	// lateUntil: until then nothing of what was written gets to the node.
	lateUntil time.Duration
	open      bool // the gateway's side
	dead      bool // the connection is broken: the gateway learns it when it has read what came before
	deadAt    time.Duration
	gone      bool // the gateway's side is closed
	served    bool // the node's side is open
	toNode    pipe
	toGate    pipe
	room      int    // how many bytes the sockets on the way to the node hold
	stuck     bool   // the last write did not take everything: waiting for room
	quiet     bool   // the gateway does not read
	in        []byte // what the node has read and not yet executed
	asking    bool
	tx        transaction
	has       map[string]bool // what the node has been told to subscribe to: verb and name
	// begun: the network took a MULTI and no EXEC yet; of is the request of what came behind it.
	begun    bool
	of       *request
	accepted []byte // what the network took and is no whole command yet
	unsaid   int    // bytes written that a faulty loop has not told of
	// ran is the execution of the command under way, -1 for none. replies are where the replies under way end that
	// executions were answered with, counted from the first byte; answeredTo and readTo how far node and gateway are.
	ran                int
	replies            []replyEnd
	answeredTo, readTo int64
}

type replyEnd struct {
	end  int64
	exec int
}

// read notes that the gateway has read n more bytes, with the view that it had then.
func (l *lane) read(n int) {
	l.readTo += int64(n)
	w := l.gate.w
	for len(l.replies) > 0 && l.replies[0].end <= l.readTo {
		if at := l.replies[0].exec; at >= 0 && l.gate.view != nil {
			w.ledger.execs[at].readAt, w.ledger.execs[at].seen = w.now, l.gate.view.Epoch
		}
		l.replies = l.replies[1:]
	}
}

func (l *lane) String() string { return fmt.Sprintf("%d.%d", l.gate.number, l.id) }

// frames cuts whole commands off b and returns the rest.
func frames(b []byte, each func(args [][]byte)) []byte {
	limits := resp.DefaultLimits()
	for len(b) > 0 {
		var s resp.Scanner
		n, args, status := s.Next(b, nil, &limits)
		if status == resp.More {
			break
		}
		if status == resp.Broken {
			each(nil)
			return nil
		}
		each(args)
		b = b[n:]
	}
	return b
}
