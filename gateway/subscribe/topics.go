package subscribe

import (
	"evergate/gateway/access"
	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// A session that subscribes joins the listeners of a topic; what is said at the servers is said once for all of them,
// see package pubsub. The client is answered when every server that must has acknowledged, so that it gets what is
// published after the answer. Until then the session is blocked, and the command is done anew each time that it is
// woken.
//
// Messages come between the replies of a client, never within one: behind a reply that streams they are kept.

// listens is what a command of pub/sub does.
type listens struct {
	kind fanout.Kind
	ends bool
}

// DenyBlocking is what servers say to SSUBSCRIBE within a transaction.
var DenyBlocking = []byte("-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n")

var listening = map[routing.ID]listens{
	routing.CmdSubscribe: {fanout.Channel, false}, routing.CmdUnsubscribe: {fanout.Channel, true},
	routing.CmdPSubscribe: {fanout.Pattern, false}, routing.CmdPUnsubscribe: {fanout.Pattern, true},
	routing.CmdSSubscribe: {fanout.Shard, false}, routing.CmdSUnsubscribe: {fanout.Shard, true},
}

// Do does SUBSCRIBE and its kin. It returns false when the session was blocked.
func (u *Subscribers) Do(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte) bool {
	what := listening[command.ID]
	if what.ends {
		if u.x.WaitsToAcknowledge(c) {
			return false
		}
		u.x.CountLocal(c)
		u.x.Acknowledge(c, u.Unsubscribe(c, command, args[1:]))
		return true
	}
	if c.Replies.Owed() > 0 {
		u.x.Block(c, wait.InFlight) // so that no message overtakes what is owed
		return false
	}
	if c.Service.View == nil {
		return u.x.Unavailable(c, -1, upstream.NoView)
	}
	c.Listen()
	var missing *fanout.Topic
	for _, name := range args[1:] {
		t := u.of(c).Want(&c.Subs.Listener, what.kind, name)
		switch {
		case t.Refusal != nil:
			u.x.Refuse(c, t.Refusal)
			return true
		case !t.On():
			missing = t
		}
	}
	if missing != nil {
		return u.await(c, d, missing)
	}
	u.x.CountLocal(c)
	u.count++
	var acks []byte
	for _, name := range args[1:] {
		u.of(c).Join(&c.Subs.Listener, what.kind, name)
		acks = appendAck(acks, c, command.Name, name, what.kind)
	}
	u.x.Acknowledge(c, acks)
	return true
}

// await blocks a session until the servers have acknowledged a topic. It returns true when the client was told that
// this takes too long.
func (u *Subscribers) await(c *sessions.Session, d *routing.Decision, t *fanout.Topic) bool {
	for i := range t.Sources {
		if s := &t.Sources[i]; s.State != fanout.On && c.Service.View.LedBy(topology.NodeID(s.Node)) < 0 {
			return u.x.Unavailable(c, max(d.Shard, 0), upstream.NoPrimary)
		}
	}
	waited, over := u.x.BlockFor(c, wait.Subscribing)
	if over {
		u.x.Answer(c, c.Service.Loading("no server acknowledged the subscription within "+waited.String()))
	}
	return over
}

// Unsubscribe ends subscriptions: those named, or all of the kind, and returns the acknowledgements. The servers are
// told when nobody else listens.
func (u *Subscribers) Unsubscribe(c *sessions.Session, command *routing.Command, names [][]byte) (acks []byte) {
	kind, verb := listening[command.ID].kind, command.Name
	if len(names) == 0 && c.Subs != nil {
		for _, t := range c.Subs.Topics(kind) {
			names = append(names, []byte(t.Name))
		}
	}
	for _, name := range names {
		if c.Subs != nil {
			u.of(c).LeaveTopic(&c.Subs.Listener, kind, name)
		}
		acks = appendAck(acks, c, verb, name, kind)
	}
	if len(names) == 0 {
		acks = appendAck(acks, c, verb, nil, kind)
	}
	return acks
}

// MayListen reports whether a user may listen to all that a session is subscribed to.
func (u *Subscribers) MayListen(c *sessions.Session, user *access.User) bool {
	if c.Subs == nil || user.Unlimited() {
		return true
	}
	for kind := fanout.Channel; kind <= fanout.Shard; kind++ {
		for _, t := range c.Subs.Topics(kind) {
			if !user.MayListen([]byte(t.Name), kind == fanout.Pattern) {
				return false
			}
		}
	}
	return true
}

// Unlisten ends all that a session listens to.
func (u *Subscribers) Unlisten(c *sessions.Session) {
	if c.Subs == nil {
		return
	}
	u.of(c).LeaveAll(&c.Subs.Listener)
	c.StopListening()
}

// GiveUp gives up what a session wanted to listen to and does not: its command is done.
func (u *Subscribers) GiveUp(c *sessions.Session) {
	if c.Subs == nil || !c.Subs.Waits() {
		return
	}
	u.of(c).GiveUp(&c.Subs.Listener)
}

// appendAck appends the acknowledgement of one name, nil for none, with the number of subscriptions that are left.
// Those to shards' channels are counted apart.
func appendAck(b []byte, c *sessions.Session, verb string, name []byte, kind fanout.Kind) []byte {
	b = resp.AppendBulkString(resp.AppendPush(b, int(c.Proto), 3), verb)
	switch {
	case name != nil:
		b = resp.AppendBulk(b, name)
	case c.Proto == 3:
		b = append(b, resp.Null3...)
	default:
		b = append(b, resp.NullBulk...)
	}
	count := 0
	switch {
	case c.Subs == nil:
	case kind == fanout.Shard:
		count = c.Subs.Count(fanout.Shard)
	default:
		count = c.Subs.Count(fanout.Channel) + c.Subs.Count(fanout.Pattern)
	}
	return resp.AppendInt(b, int64(count))
}

// AllowedWhileSubscribed reports whether a command is allowed to a client that is subscribed and speaks RESP2.
func AllowedWhileSubscribed(d *routing.Decision, command *routing.Command) bool {
	switch d.Reason {
	case routing.UnknownCommand, routing.WrongArity, routing.CrossSlot: // servers say that first
		return true
	}
	return d.Kind == routing.Listen || command.Has(routing.WhileSubscribed)
}
