package worker

import (
	"time"

	"evergate/gateway/catalog"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A script or a function may be declared to change nothing (no-writes), and servers hold it to that. So it goes on
// while CLIENT PAUSE has those wait who may write. A script says so in its first line; what functions are declared the
// server is asked, once in a pause.

// verdict on a command that may write.
type mayBe uint8

const (
	no mayBe = iota
	yes
	beingAsked // the session is parked until a server has said it
)

// mayWrite says whether a command may change data.
func (w *Worker) mayWrite(c *exchange.Session, command *routing.Command, args [][]byte) mayBe {
	switch {
	case command == nil:
		return no
	case command.ID == routing.CmdExec && c.Multi != nil:
		return w.transactionMayWrite(c)
	case !command.MayReplicate():
		return no
	case len(args) < 2:
		return yes
	}
	switch command.ID {
	case routing.CmdEval:
		return unless(routing.DeclaresNoWrites(args[1]))
	case routing.CmdEvalSHA:
		return w.scriptMayWrite(c, command, args)
	case routing.CmdFCall:
		return w.functionMayWrite(c, args[1])
	}
	return yes
}

// scriptMayWrite says it of a script that is named: of one that is not remembered it is not known.
func (w *Worker) scriptMayWrite(c *exchange.Session, command *routing.Command, args [][]byte) mayBe {
	return unless(routing.DeclaresNoWrites(c.Service.Catalog.Remembered(command, args)))
}

func unless(harmless bool) mayBe {
	if harmless {
		return no
	}
	return yes
}

func (w *Worker) transactionMayWrite(c *exchange.Session) mayBe {
	for args := range resp.Commands(c.Multi.Body, &w.conf.Limits) {
		command := c.Service.Catalog.Row(args)
		if command == nil {
			return yes
		}
		if may := w.mayWrite(c, command, args); may != no {
			return may
		}
	}
	return no
}

// askAgainIn is when a session looks again for a server to ask.
const askAgainIn = 10 * time.Millisecond

// functionMayWrite says it of a function. Where nobody can be asked yet the session waits; the pause has an end.
func (w *Worker) functionMayWrite(c *exchange.Session, name []byte) mayBe {
	s := c.Service
	writes, state := s.Catalog.FunctionWrites(name)
	if state == catalog.Known {
		return unless(!writes)
	}
	q := catalog.OfFunctions()
	if w.joins(c, q) {
		return beingAsked
	}
	var l *upstream.Conn
	if s.View != nil {
		l, _ = c.Service.Pick(c.Setup(), 0, false, upstream.Anybody)
	}
	if l == nil {
		w.x.Block(c, wait.Asking)
		w.clock.Alarm(c.Ref, &c.Place, w.clock.Now+askAgainIn)
		return beingAsked
	}
	w.question(c, l, q)
	return beingAsked
}
