package worker

import (
	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/admin"
	"evergate/gateway/clients"
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/subscribe"
	"evergate/gateway/throttle"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// own answers what the gateway itself can answer, for its clients and those of emulated roles.
type own Worker

// local answers a command about the gateway itself, or sends on what the servers must say. It returns false when the
// session was blocked.
func (w *own) local(c *sessions.Session, command *routing.Command, args [][]byte, frame []byte) bool {
	f := w.facts(c, command, args)
	if c.Replies.Owed() > 0 && local.AfterAll(command, args, &f) {
		w.x.Block(c, wait.InFlight) // what is owed is still said in the old protocol, of the old database
		return false
	}
	if command.Has(routing.NoAuth) {
		if !w.policy.Verified(c) && w.policy.Slows(c, command, args) {
			return false
		}
		if ends, done := (*users)(w).authenticates(c, command, args); ends {
			return done
		}
	}
	if command.ID == routing.CmdSelect {
		return w.inquiries.Select(c, args[1])
	}
	w.x.CountLocal(c)
	switch {
	case command.ID == routing.CmdPing && w.x.MayBeInScript(c.Service) && !c.Watch.Is() && c.Role == nil &&
		!f.Subscribed:
		return w.askBypassing(c, 0, frame)
	case command.Family == routing.CmdCommand:
		return w.askLowest(c, command, args)
	case facade.AsksSlot(command.ID) && c.Role.Is(facade.Cluster):
		return w.askSlot(c, command.ID, args)
	case command.ID == routing.CmdMonitor && c.Service.Lazy:
		w.x.Answer(c, noMonitor)
		return true
	case command.ID == routing.CmdMonitor:
		w.clients.BeginMonitor(c)
		return true
	case admin.Is(command.ID, c.Service.As != nil):
		if r, wrong := w.clients.Request(c, command, args); wrong != nil {
			w.x.Answer(c, wrong)
		} else {
			if r.Changes() {
				c.AwaitAdmin()
			}
			w.clients.Send(c, r, c.Replies.Reserve())
		}
		return true
	}
	reply, do := w.ownReply(c, command, args, &f)
	w.policy.Forget(c)
	if do.Has(local.WrongPassword) {
		w.policy.WrongPassword(c, args[0], do.Wrong)
	}
	if do.Has(local.Authenticate) && !(*users)(w).become(c, &do) {
		w.x.Refuse(c, throttle.TooMany)
		return true
	}
	if !w.apply(c, &do) {
		return false
	}
	if do.Has(local.NoticesOn) || do.Has(local.NoticesOff) {
		(*noticed)(w).turn(c, &do, reply)
		return true
	}
	if reply != nil {
		w.x.Answer(c, reply)
	}
	if do.Has(local.Quit) {
		w.x.End(c, session.Quit)
	}
	return true
}

// facts are what the answer to a command of a client depends on.
func (w *own) facts(c *sessions.Session, command *routing.Command, args [][]byte) local.Facts {
	f := local.Facts{
		ID: c.Number, Proto: c.Proto, DB: c.DB, Identity: c.Identity, User: c.User, Users: c.Service.UsersAt(c.Listener),
		ReplyOff: c.Mode.Drops(), Subscribed: clients.Listening(c), View: c.Service.View, Role: c.Role,
		Reading: c.Terms().Reading, Chosen: c.Chosen(), WallClock: w.env.WallClock,
	}
	if c.Service.Lazy {
		f.Verdict = func(as session.Credentials) []byte { return w.policy.Verdict(c, as) }
	}
	if command.Has(routing.NoAuth) {
		f.Comes = func(user *access.User) bool { return w.policy.Comes(c, user) }
	}
	if command.Family == routing.CmdCluster {
		f.Successor = w.notices.Successor(c)
	}
	if command.ID == routing.CmdClientInfo {
		f.Line = w.clients.Line(nil, c, len(resp.AppendCommand(nil, args...)))
	}
	return f
}

// ownReply is the gateway's reply to a command that it answers at once and by itself, and what changes for the client.
func (w *own) ownReply(c *sessions.Session, command *routing.Command, args [][]byte, f *local.Facts) (reply []byte,
	do local.Effect) {
	switch command.Family {
	case routing.CmdUnsubscribe, routing.CmdPUnsubscribe, routing.CmdSUnsubscribe:
		return w.subscribers.Unsubscribe(c, command, args[1:]), do
	case routing.CmdSSubscribe:
		return subscribe.DenyBlocking, do
	case routing.CmdACL:
		return w.policy.ACL(c, command, args), do
	}
	return local.Answer(command, args, f)
}

// apply does to a session what an answer changes. It returns false when the session was blocked, and is asked again.
func (w *own) apply(c *sessions.Session, do *local.Effect) bool {
	if do.Do == 0 {
		return true
	}
	if do.Has(local.WrongPassword) {
		w.counts.WrongPasswords++
	}
	switch {
	case do.Has(local.SetName):
		c.SetName(string(do.Text))
	case do.Has(local.SetLibrary):
		c.SetLibrary(string(do.Text))
	case do.Has(local.SetLibVer):
		c.SetLibVer(string(do.Text))
	case do.Has(local.NoEvictOn | local.NoEvictOff):
		c.AskNoEvict(do.Has(local.NoEvictOn))
	case do.Has(local.ReplyOn | local.ReplyOff):
		c.Mode.Turn(do.Has(local.ReplyOn))
	case do.Has(local.ReplySkip):
		c.Mode.Skip()
	case do.Has(local.SetAcks):
		c.SetAcks(do.Acks, true)
	case do.Has(local.ResetAcks):
		c.SetAcks(acks.None, false)
	case do.Has(local.SetReading):
		c.Choose(do.Chosen)
	case do.Has(local.Reset):
		w.reset(c)
	}
	return !do.Has(local.SetProto) || w.inquiries.SetUp(c, upstream.Setup{Proto: do.Proto, DB: c.DB})
}

// reset makes a session what it was when it connected.
func (w *own) reset(c *sessions.Session) {
	c.Mode.Reset()
	c.SetAcks(acks.None, false)
	c.Reset()
	c.Choose(session.Chosen{})
	w.policy.Initial(c, c.Service.UsersAt(c.Listener))
	w.transactions.Unwatch(c)
	w.subscribers.Unlisten(c)
	w.clients.EndMonitor(c)
	c.ListenAsSentinel(nil)
	w.x.Move(c, w.services[c.Service.Of].Service)
}

// noMonitor is the error for MONITOR where the servers know what a user may do: it would show the commands of others.
var noMonitor = resp.AppendError(nil, "ERR 'monitor' is not allowed through the gateway where upstream-auth is "+
	"'pass': it would show what other users do")

// askBypassing sends what changes nothing to a primary that runs a script, on a connection of the session's own.
func (w *own) askBypassing(c *sessions.Session, shard int, frame []byte) bool {
	if c.InFlight() {
		w.x.Block(c, wait.InFlight)
		return false
	}
	l, why := w.x.DedicateAt(c, shard, true)
	if l == nil {
		return w.x.Unavailable(c, shard, why)
	}
	w.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: -1, Shard: shard, Read: true, Foreign: true, Frame: frame,
	})
	return true
}

// askLowest sends COMMAND and its subcommands to the server with the lowest version: it speaks for all.
func (w *own) askLowest(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	v := c.Service.View
	if v == nil {
		return w.x.Unavailable(c, -1, upstream.NoView)
	}
	d := routing.Decision{Kind: routing.Forward, Shard: 0, Slot: -1, Read: true, Safe: true}
	if c.InFlight() {
		return w.x.Unavailable(c, 0, upstream.InFlight)
	}
	if v.Lowest == nil || v.Demoted(v.Lowest.ID) != nil {
		return (*Worker)(w).forward(c, &d, command, args, resp.AppendCommand(nil, args...))
	}
	purpose := upstream.Replica
	if v.LedBy(v.Lowest.ID) >= 0 {
		purpose = upstream.Primary
	}
	l, _ := c.Service.Set(v.Lowest, purpose, c.Setup()).Usable()
	if l == nil || l.Full() {
		return (*Worker)(w).forward(c, &d, command, args, resp.AppendCommand(nil, args...))
	}
	w.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: -1, Shard: 0, Read: true, Foreign: true,
		Frame: resp.AppendCommand(nil, args...),
	})
	return true
}
