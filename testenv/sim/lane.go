package sim

import (
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/redis"
)

// lane is a lane of a worker: the gateway's side of a connection.
type lane struct {
	*redis.Conn
	id     worker.ConnID
	dialAt time.Duration // when the attempt ends
	// RunID is whom the dial must meet, kill are the clients to end first where it meets killIn.
	runID  string
	kill   []int64
	killIn string
	open   bool
	room   int // how many bytes the sockets on the way to the node hold
	// begun: the network took a MULTI and no EXEC yet; of is the request of what came behind it.
	begun    bool
	blocking bool // the last that it took is a blocking pop
	of       *ledger.Request
	accepted []byte // what the network took and is no whole command yet
	unsaid   int    // bytes written that a faulty loop has not told of
}

// handedOver notes the commands that the network took; those of a transaction when it took EXEC.
func (l *lane) handedOver(to *ledger.Ledger, args [][]byte) {
	name := strings.ToUpper(string(args[0]))
	l.blocking = name == "BLPOP"
	switch {
	case name == "MULTI":
		l.begun = true
	case name == "EXEC" && l.begun:
		if l.of != nil {
			to.HandedOver(l.of)
		}
		l.begun, l.of = false, nil
	case l.begun:
		l.of = to.Identify(args)
	default:
		to.Handed(args)
	}
}

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
