package transaction

import (
	"bytes"
	"slices"

	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// A command that the gateway answers by itself may stand in a transaction too: pipelines of client libraries are
// transactions by default, and name their connection in them. A PING is sent in its place, and the element that the
// server gives for it in EXEC's reply is replaced. So it is done when the transaction has been, and not when EXEC
// answers nil or an error; an admin request is waited for before the next. What the session sends behind such an
// EXEC waits, since it may depend on it.

const (
	// placeholdersMax bounds the commands of one transaction for which others stand in, standInBytes the length of each.
	placeholdersMax  = 1000
	placeholderBytes = 4 << 10
)

// completion is an EXEC whose one reply lacks the gateway's own parts.
type completion struct {
	t            *Transactions
	seq          uint32
	reply        []byte // the server's
	placeholders []session.Placeholder
	own          [][]byte // the parts that are there
}

// Awaits reports whether an EXEC of the session is under way that the gateway has a part in.
func Awaits(c *exchange.Session) bool {
	return slices.ContainsFunc(c.Composites(), func(of exchange.Composite) bool {
		_, ok := of.(*completion)
		return ok
	})
}

// mayBePlaceholder says whether a command can be done so.
func mayBePlaceholder(c *exchange.Session, command *routing.Command) bool {
	return !command.Has(routing.NoMulti) && !(c.Role.Is(facade.Cluster) && command.Family == routing.CmdCluster)
}

// placeholder has a PING stand for a command in the transaction that is being queued.
func placeholder(c *exchange.Session, args [][]byte) []byte {
	m := c.Multi
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = bytes.Clone(a)
	}
	m.Placeholders = append(m.Placeholders, session.Placeholder{At: m.Count, Args: own})
	return resp.Ping
}

// sendPlaceholders notes what the answer to an EXEC is to be completed with. It returns the part of its request.
func (tx *Transactions) sendPlaceholders(c *exchange.Session, seq uint32) int16 {
	if len(c.Multi.Placeholders) == 0 {
		return -1
	}
	c.Compose(&completion{t: tx, seq: seq, placeholders: c.Multi.Placeholders})
	return 0
}

// Seq is the place of EXEC's reply.
func (e *completion) Seq() uint32 { return e.seq }

// Apart reports false: there is one part.
func (e *completion) Apart() bool { return false }

// OnlyAsks reports false.
func (e *completion) OnlyAsks(int16) bool { return false }

// Size is how many bytes are kept of the reply.
func (e *completion) Size() int {
	n := len(e.reply)
	for _, own := range e.own {
		n += len(own)
	}
	return n
}

// Take takes the server's reply.
func (e *completion) Take(c *exchange.Session, _ int16, reply []byte) {
	e.reply = bytes.Clone(reply)
	c.Replies.KeepPart(len(reply))
	e.t.complete(c, e)
}

// complete delivers the reply to an EXEC when it has the gateway's own parts, which it gets one after the other.
func (tx *Transactions) complete(c *exchange.Session, e *completion) {
	executed := len(e.reply) > 0 && e.reply[0] == '*' && !resp.IsNull(e.reply)
	for executed && len(e.own) < len(e.placeholders) {
		own, sent := tx.conf.Commands.Own(c, e.placeholders[len(e.own)].Args, e.seq)
		if sent || !tx.completedBy(c, e, own) {
			return
		}
	}
	c.Composed(e)
	c.Replies.KeepPart(-e.Size())
	reply := e.reply
	if executed {
		places := make([]int, 0, len(e.placeholders))
		for _, stand := range e.placeholders {
			places = append(places, stand.At)
		}
		reply = resp.Replace(nil, reply, places, e.own)
	}
	tx.x.Deliver(c, e.seq, reply)
}

// completedBy takes one more of those parts. It returns false when that is too much for one client.
func (tx *Transactions) completedBy(c *exchange.Session, e *completion, own []byte) bool {
	own = bytes.Clone(own)
	e.own = append(e.own, own)
	c.Replies.KeepPart(len(own))
	tx.x.CheckOutput(c)
	return !c.Closed()
}

// Completed takes the reply to a command of a transaction that Commands.Own has sent off. It returns false where the
// place belongs to no EXEC.
func (tx *Transactions) Completed(c *exchange.Session, seq uint32, own []byte) bool {
	e, ok := c.Composite(seq).(*completion)
	if ok && tx.completedBy(c, e, own) {
		tx.complete(c, e)
	}
	return ok
}
