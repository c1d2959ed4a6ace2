package worker

import (
	"evergate/gateway/facade"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A listener may emulate a node of a cluster, a replica or a Sentinel (Listener.Role). The commands that are about that
// are handled here; all others are those of any client.

// withoutCluster has CLUSTER answered where a listener does not emulate a node: servers without a cluster give one
// answer to all its subcommands.
func (w *own) withoutCluster(c *sessions.Session, d *routing.Decision, command *routing.Command) {
	if d.Reason == routing.Forbidden && !c.Role.Is(facade.Cluster) && command.Family == routing.CmdCluster &&
		!c.Allows(d, command) {
		*d = routing.Decision{Kind: routing.Answer, Shard: -1, Slot: -1}
	}
}

// askSlot has the server that serves a slot count or name its keys; servers that are no cluster cannot.
func (w *own) askSlot(c *sessions.Session, id routing.ID, args [][]byte) bool {
	slot, bad := facade.SlotOf(id, args)
	v := c.Service.View
	switch {
	case bad != nil:
		w.x.Answer(c, bad)
		return true
	case v == nil:
		return w.x.Unavailable(c, -1, upstream.NoView)
	case !v.Sharded:
		w.x.Answer(c, noSlots)
		return true
	}
	d := routing.Decision{Kind: routing.Forward, Read: true, Safe: true, Slot: slot, Shard: -1}
	if shard := v.Shard(slot); shard != nil {
		d.Shard = shard.Index
	}
	return (*Worker)(w).forward(c, &d, nil, args, resp.AppendCommand(nil, args...))
}

var noSlots = []byte("-ERR the servers of this gateway are not a cluster and cannot list the keys of a slot\r\n")

// sentinelLimits are those of a client of a Sentinel, whose commands are short.
var sentinelLimits = func() resp.Limits {
	l := resp.DefaultLimits()
	l.ArgsMax, l.BulkBytesMax = 1024, 16<<10
	return l
}()

// unauthenticated are the limits before the password.
var unauthenticated = resp.BeforeAuth()

// limits bound the next request of a client.
func (w *Worker) limits(c *sessions.Session) *resp.Limits {
	switch {
	case c.IsStranger():
		return &unauthenticated
	case c.Role.Is(facade.Sentinel):
		return &sentinelLimits
	}
	return &w.conf.Limits
}

// sentinel handles a request to an emulated Sentinel. It returns false when the session was blocked.
func (w *own) sentinel(c *sessions.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	c.BeginCommand(command)
	if w.clients.Paused(c, command, args) {
		return false
	}
	of := routing.OfSentinel(args[0])
	if of == nil {
		(*Worker)(w).refuse(c, routing.UnknownCommand, nil, args)
		return true
	}
	subscribed := c.Listens != nil && c.Listens.Any()
	if subscribed && c.Proto == 2 && !of.Has(routing.Listening|routing.WhileSubscribed) {
		w.x.Answer(c, resp.AppendError(nil, "ERR Can't execute '"+of.Name+
			"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"))
		return true
	}
	if of.Has(routing.Listening) && w.x.WaitsToAcknowledge(c) {
		return false
	}
	switch of.ID {
	case routing.CmdSubscribe, routing.CmdUnsubscribe, routing.CmdPSubscribe, routing.CmdPUnsubscribe:
		w.x.CountLocal(c)
		if c.Listens == nil {
			c.ListenAsSentinel(&facade.Subscriptions{})
		}
		if reply := c.Listens.Do(int(c.Proto), of, args); reply[0] == '-' {
			w.x.Answer(c, reply)
		} else {
			w.x.Acknowledge(c, reply)
		}
		return true
	}
	f := w.facts(c, of, args)
	if reply := local.AnswerSentinel(of, args, &f); reply != nil {
		w.x.AnswerLocal(c, reply)
		return true
	}
	return w.ofAnyListener(c, command, args, frame)
}

// ofAnyListener handles a request that is the same for all listeners.
func (w *own) ofAnyListener(c *sessions.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	var d routing.Decision
	routing.Decide(&d, routing.Request{Command: command, Args: args}, nil)
	if d.Kind != routing.Answer {
		(*Worker)(w).refuse(c, d.Reason, command, args)
		return true
	}
	return w.local(c, command, args, frame)
}
