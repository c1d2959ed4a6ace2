package transaction

import (
	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// A transaction is queued in its session and sent when EXEC comes: MULTI, its commands and EXEC in one piece, on a
// shared connection, as one pending request. So a client that leaves before has changed nothing, the loss of a server
// before does not concern it, and whether it was executed is known, or UNCERTAIN as for any write. An error that the
// gateway can see is returned when the command is queued; one that only the server can see makes EXEC fail with
// EXECABORT.
//
// The effect of a MULTI or WATCH inside a transaction is left to the server: Redis ignores it, Valkey rejects EXEC. So
// a second MULTI is sent, as the last command.

// Because is the beginning of the error of an EXEC whose transaction a server rejected as a whole; the reason follows.
const Because = "-EXECABORT Transaction discarded because of: "

var (
	queued      = []byte("+QUEUED\r\n")
	multiNested = []byte("-ERR MULTI calls can not be nested\r\n")
	notNested   = []byte("-ERR Command 'multi' not allowed inside a transaction\r\n") // multiNested of Valkey
	watchInside = []byte("-ERR WATCH inside MULTI is not allowed\r\n")
	noMulti     = []byte("-ERR EXEC without MULTI\r\n")
	noDiscard   = []byte("-ERR DISCARD without MULTI\r\n")
	execAborted = []byte("-EXECABORT Transaction discarded because of previous errors.\r\n")
	// ExecArity is the reply to an EXEC with arguments.
	ExecArity  = []byte(Because + "wrong number of arguments for 'exec' command\r\n")
	crossSlot  = []byte("-CROSSSLOT Keys in request don't hash to the same slot\r\n")
	notInMulti = []byte("-ERR Command not allowed inside a transaction\r\n")

	execFrame = resp.AppendCommandStrings(nil, "EXEC")

	unwatchFrame = resp.AppendCommandStrings(nil, "UNWATCH")
)

// Do executes MULTI, EXEC, DISCARD, WATCH and UNWATCH. It returns false when the session was blocked.
func (tx *Transactions) Do(c *sessions.Session, d *routing.Decision, command *routing.Command, frame []byte) bool {
	switch command.ID {
	case routing.CmdMulti:
		reply := multiNested
		switch err := c.Service.Catalog.MultiError(tx.clock.Now); {
		case c.Multi == nil && err != nil:
			reply = err
		case c.Multi == nil:
			c.BeginMulti(resp.Multi)
			reply = resp.OK
		default:
			c.Multi.Nest()
		}
		tx.x.AnswerLocal(c, reply)
	case routing.CmdExec:
		return tx.exec(c)
	case routing.CmdDiscard:
		if c.Multi == nil {
			tx.x.Answer(c, noDiscard)
			break
		}
		tx.x.CountLocal(c)
		c.EndMulti()
		tx.Unwatch(c)
		tx.x.Answer(c, resp.OK)
	case routing.CmdUnwatch:
		if c.Multi != nil {
			return tx.Queue(c, d, command, nil, frame)
		}
		tx.x.CountLocal(c)
		tx.Unwatch(c)
		tx.x.Answer(c, resp.OK)
	case routing.CmdWatch:
		return tx.watch(c, d, frame)
	}
	return true
}

// Queue queues one command of a transaction; d is the decision on it, command is nil for an unknown one. A long frame
// that is all of the client's input is kept, any other is copied. It returns true.
func (tx *Transactions) Queue(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	m, alone := c.Multi, c.Allows(d, command)
	if alone {
		*d = routing.DecideAllowed(routing.Request{Command: command, Args: args}, c.Service.View)
	}
	own := d.Kind == routing.Listen || d.Kind == routing.Answer && !command.Has(routing.Alike) ||
		command != nil && command.Waits()
	switch {
	case d.Reason == routing.Forbidden && command.Has(routing.NoMulti): // servers check this first
		return tx.Abort(c, notInMulti)
	case d.Kind == routing.Refuse:
		m.Abort()
		tx.conf.Commands.Refuse(c, d.Reason, command, args)
		return true
	case d.Kind == routing.Split:
		return tx.Abort(c, crossSlot)
	case d.Kind == routing.Broadcast, d.Kind == routing.ScanAll,
		own && (!mayBePlaceholder(c, command) || len(frame) > placeholderBytes || len(m.Placeholders) == placeholdersMax):
		return tx.Abort(c, notInMulti)
	case d.Slot >= 0 && m.Slot >= 0 && d.Slot != m.Slot,
		d.Slot >= 0 && c.Watch.Is() && c.Watch.Slot() >= 0 && d.Slot != c.Watch.Slot():
		return tx.Abort(c, crossSlot)
	case m.Size()+len(frame) > tx.x.Bounds().QueryBytesMax:
		tx.x.Close(c, session.QueryLimit)
		return true
	}
	owned := false
	if own {
		frame = placeholder(c, args)
	} else {
		owned = len(frame) > sessions.PauseBytes && c.Input.HandOver(frame)
	}
	m.Queue(frame, owned, d.Slot, session.Traits{
		Named: catalog.RunsByName(command), Scripts: command.Has(routing.Scripts),
		Writes: !own && !command.Has(routing.Read|routing.Local|routing.Transaction), Counts: d.Counts, Alone: alone,
	})
	tx.queued++
	tx.x.Answer(c, queued)
	return true
}

// Abort answers a command that cannot be part of the transaction with the error why, and makes EXEC fail. It returns
// true.
func (tx *Transactions) Abort(c *sessions.Session, why []byte) bool {
	c.Multi.Abort()
	tx.x.Refuse(c, why)
	return true
}
