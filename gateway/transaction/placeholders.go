package transaction

import (
	"bytes"
	"slices"

	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// A command that the gateway answers itself may be part of a transaction: pipelines of client libraries are
// transactions by default, and name their connection in them. A PING is sent in its place, and replaced in EXEC's
// reply. The gateway executes the command after the transaction, and not at all when EXEC replies nil or an error; an
// admin request must be answered before the next command. What the client sends behind such an EXEC waits, since it may
// depend on it.

const (
	// placeholdersMax bounds the commands of one transaction that have placeholders, placeholderBytes the bytes of
	// each.
	placeholdersMax  = 1000
	placeholderBytes = 4 << 10
)

// completion is the Composite of an EXEC in whose reply the gateway has a part.
type completion struct {
	t            *Transactions
	seq          uint32
	reply        []byte // the server's
	placeholders []session.Placeholder
	own          [][]byte // the replies of the gateway that are there
}

// Awaits reports whether an EXEC of the session is under way in whose reply the gateway has a part.
func Awaits(c *sessions.Session) bool {
	return slices.ContainsFunc(c.Composites(), func(of sessions.Composite) bool {
		_, ok := of.(*completion)
		return ok
	})
}

// mayBePlaceholder reports whether a command of the gateway may be part of a transaction.
func mayBePlaceholder(c *sessions.Session, command *routing.Command) bool {
	return !command.Has(routing.NoMulti) && !(c.Role.Is(facade.Cluster) && command.Family == routing.CmdCluster)
}

// placeholder returns the PING that takes the place of a command in the transaction that is being queued. It copies
// args.
func placeholder(c *sessions.Session, args [][]byte) []byte {
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = bytes.Clone(a)
	}
	c.Multi.Replace(own)
	return resp.Ping
}

// sendPlaceholders registers the completion of an EXEC, if it needs one. It returns the Part of its request.
func (tx *Transactions) sendPlaceholders(c *sessions.Session, seq uint32) int16 {
	if len(c.Multi.Placeholders) == 0 {
		return -1
	}
	c.Compose(&completion{t: tx, seq: seq, placeholders: c.Multi.Placeholders})
	return 0
}

// Seq is the place of EXEC's reply.
func (e *completion) Seq() uint32 { return e.seq }

// Apart returns false: there is one part.
func (e *completion) Apart() bool { return false }

// OnlyAsks returns false: EXEC is no query.
func (e *completion) OnlyAsks(int16) bool { return false }

// Size is how many bytes of replies are kept.
func (e *completion) Size() int {
	n := len(e.reply)
	for _, own := range e.own {
		n += len(own)
	}
	return n
}

// Take takes the server's reply.
func (e *completion) Take(c *sessions.Session, _ int16, reply []byte) {
	e.reply = bytes.Clone(reply)
	c.Replies.KeepPart(len(reply))
	e.t.x.Account(c)
	e.t.complete(c, e)
}

// complete executes the commands of the gateway one after the other, and delivers EXEC's reply when all are answered.
func (tx *Transactions) complete(c *sessions.Session, e *completion) {
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

// completedBy takes the reply to one of those commands, which it copies. It returns false when the client was closed,
// since that is too much for its output.
func (tx *Transactions) completedBy(c *sessions.Session, e *completion, own []byte) bool {
	own = bytes.Clone(own)
	if own[0] == '-' {
		c.Service.CountError(own)
	}
	e.own = append(e.own, own)
	c.Replies.KeepPart(len(own))
	tx.x.CheckOutput(c)
	return !c.Closed()
}

// Completed takes the reply to a command for which Commands.Own has returned sent. It returns false where no EXEC has
// the place seq.
func (tx *Transactions) Completed(c *sessions.Session, seq uint32, own []byte) bool {
	e, ok := c.Composite(seq).(*completion)
	if ok && tx.completedBy(c, e, own) {
		tx.complete(c, e)
	}
	return ok
}
