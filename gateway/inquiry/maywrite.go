package inquiry

import (
	"time"

	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A script or a function may be declared to change nothing (no-writes), and servers hold it to that. So it goes on
// while CLIENT PAUSE has those wait who may write. A script says so in its first line; what functions are declared the
// server is asked, once in a pause.

// verdict on a command that may write.
type verdict uint8

const (
	no verdict = iota
	yes
	asking // the session is blocked until a server has said it
)

// mayWrite says whether a command may change data.
func (q *Inquiries) mayWrite(c *sessions.Session, command *routing.Command, args [][]byte) verdict {
	switch {
	case command == nil:
		return no
	case command.ID == routing.CmdExec && c.Multi != nil:
		return q.transactionMayWrite(c)
	case !command.MayReplicate():
		return no
	case len(args) < 2:
		return yes
	}
	switch command.ID {
	case routing.CmdEval:
		return unless(routing.DeclaresNoWrites(args[1]))
	case routing.CmdEvalSHA:
		return q.scriptMayWrite(c, command, args)
	case routing.CmdFCall:
		return q.functionMayWrite(c, args[1])
	}
	return yes
}

// scriptMayWrite says it of a script that is named: of one that is not remembered it is not known.
func (q *Inquiries) scriptMayWrite(c *sessions.Session, command *routing.Command, args [][]byte) verdict {
	return unless(routing.DeclaresNoWrites(c.Service.Catalog.Remembered(command, args)))
}

func unless(harmless bool) verdict {
	if harmless {
		return no
	}
	return yes
}

func (q *Inquiries) transactionMayWrite(c *sessions.Session) verdict {
	for args := range resp.Commands(c.Multi.Body, q.limits) {
		command := c.Service.Catalog.Row(args)
		if command == nil {
			return yes
		}
		if may := q.mayWrite(c, command, args); may != no {
			return may
		}
	}
	return no
}

// retryIn is when a session looks again for a server to ask.
const retryIn = 10 * time.Millisecond

// functionMayWrite says it of a function. Where nobody can be asked yet the session waits; the pause has an end.
func (q *Inquiries) functionMayWrite(c *sessions.Session, name []byte) verdict {
	s := c.Service
	writes, state := s.Catalog.FunctionWrites(name)
	if state == catalog.Known {
		return unless(!writes)
	}
	about := catalog.OfFunctions()
	if q.joins(c, about) {
		return asking
	}
	var l *upstream.Conn
	if s.View != nil {
		l, _ = c.Service.Pick(c.Setup(), 0, nil, upstream.Anybody)
	}
	if l == nil {
		q.x.Block(c, wait.Asking)
		q.clock.Alarm(c.Ref, &c.Place, q.clock.Now+retryIn)
		return asking
	}
	q.question(c, l, about)
	return asking
}

// MayWrite reports whether a command may change data. blocked: a server had to be asked first.
func (q *Inquiries) MayWrite(c *sessions.Session, command *routing.Command, args [][]byte) (writes, blocked bool) {
	may := q.mayWrite(c, command, args)
	return may == yes, may == asking
}
