package worker

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// A session that subscribes joins the listeners of a topic; what is said at the servers is said once for all of them,
// see feed.go. The client is answered when every server that must has acknowledged, so that it gets what is published
// after the answer. Until then the session is parked, and the command is done anew each time that it is woken.
//
// Messages come between the replies of a client, never within one: behind a reply that streams they are kept.

// listens is what a command of pub/sub does.
type listens struct {
	kind fanout.Kind
	ends bool
}

// subscriber is what a session listens to.
type subscriber struct {
	fanout.Listener
	// published is the place of the answer to the last message that it has published itself, as long as publishes says so.
	published uint32
	// keptFor is the place of the answer behind which the messages come that are kept.
	keptFor   uint32
	publishes bool
}

// denyBlocking is what servers say to SSUBSCRIBE within a transaction.
var denyBlocking = []byte("-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n")

var listening = map[routing.ID]listens{
	routing.CmdSubscribe: {fanout.Channel, false}, routing.CmdUnsubscribe: {fanout.Channel, true},
	routing.CmdPSubscribe: {fanout.Pattern, false}, routing.CmdPUnsubscribe: {fanout.Pattern, true},
	routing.CmdSSubscribe: {fanout.Shard, false}, routing.CmdSUnsubscribe: {fanout.Shard, true},
}

// subscribe does SUBSCRIBE and its kin. It returns false when the session was parked.
func (w *Worker) subscribe(c *client, d *routing.Decision, command *routing.Command, args [][]byte) bool {
	what := listening[command.ID]
	if what.ends {
		if w.waitsToAcknowledge(c) {
			return false
		}
		w.stats.Local++
		w.acknowledge(c, w.unsubscribe(c, what.kind, command.Name, args[1:]))
		return true
	}
	if c.Replies.Owed() > 0 {
		w.park(c, wait.InFlight) // so that no message overtakes what is owed
		return false
	}
	if c.svc.View == nil {
		return w.mayNot(c, -1, upstream.NoView)
	}
	if c.subs == nil {
		c.own().subs = &subscriber{Listener: fanout.Listener{Ref: c.ref}}
	}
	var missing *fanout.Topic
	for _, name := range args[1:] {
		t := c.svc.Want(&c.subs.Listener, what.kind, name)
		switch {
		case t.Refusal != nil:
			w.stats.Refused++
			w.answer(c, t.Refusal)
			return true
		case !t.On():
			missing = t
		}
	}
	if missing != nil {
		return w.awaitFeed(c, d, missing)
	}
	w.stats.Local++
	w.stats.Subscriptions++
	var acks []byte
	for _, name := range args[1:] {
		c.svc.Join(&c.subs.Listener, what.kind, name)
		acks = appendAck(acks, c, command.Name, name, what.kind)
	}
	w.acknowledge(c, acks)
	return true
}

// awaitFeed parks a session until the servers have acknowledged a topic. It returns true when the client was told that
// this takes too long.
func (w *Worker) awaitFeed(c *client, d *routing.Decision, t *fanout.Topic) bool {
	for i := range t.Sources {
		if s := &t.Sources[i]; s.State != fanout.On && c.svc.View.LedBy(topology.NodeID(s.Node)) < 0 {
			return w.mayNot(c, max(d.Shard, 0), upstream.NoPrimary)
		}
	}
	patience := c.patience()
	since := c.WaitsSince
	if since == 0 {
		since = max(w.clock.Now, 1)
	}
	if w.clock.Now-since >= patience {
		w.notHeld(c, &w.stats.HoldExpired)
		waited := (w.clock.Now - since).Round(time.Millisecond).String()
		w.answer(c, w.loading(c.svc, "no server acknowledged the subscription within "+waited))
		return true
	}
	w.waitsFrom(c)
	w.park(c, wait.Subscribing)
	w.clock.Alarm(c.ref, &c.Place, since+patience)
	return false
}

// unsubscribe ends subscriptions: those named, or all of the kind, and returns the acknowledgements. The servers are
// told when nobody else listens.
func (w *Worker) unsubscribe(c *client, kind fanout.Kind, verb string, names [][]byte) (acks []byte) {
	if len(names) == 0 && c.subs != nil {
		for _, t := range c.subs.Topics(kind) {
			names = append(names, []byte(t.Name))
		}
	}
	for _, name := range names {
		if c.subs != nil {
			c.svc.LeaveTopic(&c.subs.Listener, kind, name)
		}
		acks = appendAck(acks, c, verb, name, kind)
	}
	if len(names) == 0 {
		acks = appendAck(acks, c, verb, nil, kind)
	}
	return acks
}

// unlisten ends all that a session listens to.
func (w *Worker) unlisten(c *client) {
	if c.subs == nil {
		return
	}
	c.svc.LeaveAll(&c.subs.Listener)
	c.subs = nil
}

// settleWaits gives up what a session wanted to listen to and does not: its command is done.
func (w *Worker) settleWaits(c *client) {
	if c.subs == nil || !c.subs.Waits() {
		return
	}
	c.svc.GiveUp(&c.subs.Listener)
}

// appendAck appends the acknowledgement of one name, nil for none, with the number of subscriptions that are left.
// Those to shards' channels are counted apart.
func appendAck(b []byte, c *client, verb string, name []byte, kind fanout.Kind) []byte {
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
	case c.subs == nil:
	case kind == fanout.Shard:
		count = c.subs.Count(fanout.Shard)
	default:
		count = c.subs.Count(fanout.Channel) + c.subs.Count(fanout.Pattern)
	}
	return resp.AppendInt(b, int64(count))
}

// pushMark begins what is no reply: RESP2 has arrays only.
func (c *client) pushMark() byte {
	if c.Proto == 3 {
		return '>'
	}
	return '*'
}

// subscribed says that a session listens to something. In RESP2 it may do little else.
func (c *client) subscribed() bool { return c.subs != nil && c.subs.Any() }

// mayWhileSubscribed says that a command is allowed to a client that is subscribed and speaks RESP2.
func mayWhileSubscribed(d *routing.Decision, command *routing.Command) bool {
	switch d.Reason {
	case routing.UnknownCommand, routing.WrongArity, routing.CrossSlot: // servers say that first
		return true
	}
	return d.Kind == routing.Listen || command.Has(routing.WhileSubscribed)
}

// onlyListens answers a command that such a client may not do.
func (w *Worker) onlyListens(c *client, command *routing.Command) bool {
	w.stats.Refused++
	why := "Can't execute '" + command.Name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are " +
		"allowed in this context"
	if command.ID == routing.CmdExec {
		return w.execEnds(c, resp.AppendError([]byte(nil), becauseOf[1:]+why))
	}
	w.answer(c, resp.AppendError(nil, "ERR "+why))
	return true
}

// push gives a message to a client, as one of many or not. frame is a push of RESP3; in RESP2 it is an array, and else
// the same.
func (w *Worker) push(c *client, frame []byte, many bool) {
	if c.closed || c.Ending {
		return
	}
	w.stats.Delivered++
	if to := w.hand(c, frame, many); to != nil {
		to.Mark(len(frame), c.pushMark())
	}
}

// hand gives a client bytes that are no reply, between its replies, and returns where they are at the end of. It
// returns nil when the client was closed, since it reads too slowly. Where it may they wait for others.
func (w *Worker) hand(c *client, frame []byte, may bool) *downstream.Output {
	to := &c.Output
	switch {
	case w.keepsPushes(c):
		if to = &c.own().pushes; c.pushes.Len() == 0 && c.subs != nil {
			c.subs.keptFor = c.subs.published
		}
	case may:
		w.gather(c)
	default:
		w.dirtyClient(c)
	}
	to.Append(w.blocks, frame)
	size := c.Output.Len() + c.pushes.Len()
	if size <= w.conf.PushBytesMax {
		return to
	}
	name := ""
	if c.Identity != nil {
		name = c.Identity.Name
	}
	w.env.Cut(c.svc.Index, Slow{Number: c.number, Remote: c.remote, Name: name, Bytes: size})
	w.close(c, session.SlowSubscriber)
	return nil
}

// midReply says that a client was given the beginning of a reply.
func (w *Worker) midReply(c *client) bool {
	for i := range c.flights {
		if w.streamsTo(c.flights[i].lane, c) {
			return true
		}
	}
	return false
}

// keepsPushes says that messages wait for the end of a reply: of one that the client was given the beginning of, or of
// the answer to what it publishes itself and may listen to, whichever connection is sooner.
func (w *Worker) keepsPushes(c *client) bool {
	s := c.subs
	switch {
	case w.midReply(c):
		return true
	case s == nil || !s.publishes:
		return false
	case c.Replies.Passed(s.published):
		s.publishes = false
		return false
	}
	return c.pushes.Len() == 0 || !c.Replies.Passed(s.keptFor)
}

// pushKept gives a client the messages that were kept behind a reply, when that has been given.
func (w *Worker) pushKept(c *client) {
	if c.pushes.Len() == 0 || w.keepsPushes(c) {
		return
	}
	c.Output.Append(w.blocks, c.pushes.Bytes())
	c.pushes.Drop(w.blocks)
}

// Slow is a subscriber that was cut because it reads too slowly.
type Slow struct {
	Number int64 // CLIENT ID
	Remote string
	Name   string // CLIENT SETNAME
	Bytes  int    // that waited for it
}
