package worker

import (
	"evergate/gateway/clients"
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/inquiry"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/subscribe"
	"evergate/gateway/transaction"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What cannot go on is parked: the request stays unread in its client's buffer, and the session is put where it will
// be woken. When it runs again the request is decided again, against the view of that moment. Replies are in order, so
// a later request of the same client could not be answered sooner anyway; order, back-pressure and a client that
// leaves while it waits need no further thought.

// run understands commands at the start of buf until it ends or the session parks, and returns how much was used.
func (w *Worker) run(c *exchange.Session, buf []byte) (used int) {
	limits := w.limits(c)
	for !c.Ending && !c.Closed() && !c.Retrying() && used < len(buf) {
		if c.OwedTooMuch() {
			w.x.Block(c, wait.OwedTooMuch)
			break
		}
		n, args, status := c.Input.Next(buf[used:], w.args, limits)
		w.args = args
		switch status {
		case resp.More:
			return used
		case resp.Empty:
			used += n
			continue
		case resp.Broken:
			if w.mustWait(c) { // a session that ends would not be seen to be blocked
				return used
			}
			w.counts.ProtocolErrors++
			w.x.Answer(c, resp.AppendError(nil, c.Input.Err()))
			w.x.End(c, session.ProtocolError)
			return len(buf)
		}
		authenticated := c.Authenticated
		if !w.request(c, buf[used:used+n], args, status == resp.Ragged) {
			break
		}
		w.x.Resumed(c)
		w.x.ReleaseUnused(c)
		w.subscribers.GiveUp(c)
		used += n
		if n > exchange.PauseBytes {
			w.forgetArgs()
		}
		if c.Authenticated != authenticated {
			limits = w.limits(c)
		}
	}
	return used
}

// request does one command. It returns false when the session was parked and the command must be read again.
func (w *Worker) request(c *exchange.Session, frame []byte, args [][]byte, ragged bool) bool {
	command := routing.Lookup(args)
	if !c.Authenticated && (command == nil || !command.Has(routing.NoAuth)) {
		return w.asksPassword(c, command)
	}
	if c.InTunnel() {
		return w.dedicated.TakeInTunnel(c, command, args)
	}
	if w.mustWait(c) {
		return false
	}
	if c.Role.Is(facade.Sentinel) {
		return w.sentinel(c, command, args, frame)
	}
	if command == nil {
		var how inquiry.Outcome
		if command, how = w.inquiries.Command(c, args); how != inquiry.Known {
			return w.inquiries.Done(c, how)
		}
	}
	c.Last = command
	d := &w.decision
	if c.Service.Catalog.Decide(d, command, args, c.Service.View); d.Kind == routing.AskKeys {
		return w.inquiries.Done(c, w.inquiries.Keys(c, args))
	}
	w.withoutCluster(c, d, command)
	if d.Kind != routing.Refuse || c.Allows(d, command) {
		if w.clients.Paused(c, command, args) {
			return false
		}
		if ragged {
			frame = resp.AppendCommand(nil, args...)
		}
	}
	if local.RejectsWrite(c.Role, command, d) {
		if c.Multi != nil {
			return w.transactions.Abort(c, local.ReadOnlyReplica)
		}
		w.x.Refuse(c, local.ReadOnlyReplica)
		return true
	}
	if c.Subs != nil && c.Proto == 2 && c.Subs.Any() && !subscribe.Allowed(d, command) {
		return w.onlyListens(c, command)
	}
	if c.Monitor.Rejects(command) {
		w.x.Refuse(c, clients.OnlyMonitors)
		return true
	}
	if d.Reason == routing.WrongArity && command.ID == routing.CmdExec { // servers take it for an EXEC that fails
		return w.transactions.EndExec(c, transaction.ExecArity)
	}
	if c.Multi != nil && d.Kind != routing.Transact && (!endsAll(command) || d.Kind == routing.Refuse) {
		return w.transactions.Queue(c, d, command, args, frame)
	}
	multi, refused := c.Multi, d.Kind == routing.Refuse
	if !w.decided(c, d, command, args, frame) {
		return false
	}
	if w.clients.Monitored(c.Service.Index) && !refused {
		w.clients.Finished(c, multi, command, args)
	}
	return true
}

// mustWait parks a session that does nothing more before something else is done.
func (w *Worker) mustWait(c *exchange.Session) bool {
	switch {
	case c.AwaitsAdmin:
		w.x.Block(c, wait.Asking)
	case c.Blocking() && w.x.StillBlocked(c):
	case c.Composing() && transaction.Awaits(c):
		w.x.Block(c, wait.InFlight)
	default:
		return false
	}
	return true
}

// decided does what a decision says. It returns false when the session was parked.
func (w *Worker) decided(c *exchange.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	if d.Kind != routing.Refuse {
		c.Service.Catalog.Note(command, args)
	}
	switch d.Kind {
	case routing.Forward:
		return w.forward(c, d, command, args, frame)
	case routing.Dedicate:
		return w.dedicated.DoBlocking(c, d, command, frame)
	case routing.ScanAll:
		return w.multi.Scan(c, command, args)
	case routing.Transact:
		return w.transactions.Do(c, d, command, frame)
	case routing.Answer:
		return w.local(c, command, args, frame)
	case routing.Split:
		return w.multi.Split(c, d, args, frame)
	case routing.Listen:
		return w.subscribers.Do(c, d, command, args)
	case routing.Broadcast:
		return w.multi.Broadcast(c, d, command, args, frame)
	case routing.Refuse:
		if c.Allows(d, command) {
			return w.dedicated.DoHarmful(c, command, args, frame)
		}
	}
	w.refuse(c, d.Reason, command, args)
	return true
}

// forward sends a frame to the shard that the decision names.
func (w *Worker) forward(c *exchange.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	l, state := w.x.Choose(c, d.Shard, d.Slot, d.Read, c.Company(len(frame), 0))
	switch {
	case l == nil && state == upstream.RunsScript && command.RunsDuringScript():
		return w.askUrgently(c, d.Shard, frame)
	case l == nil:
		return w.x.Unavailable(c, d.Shard, state)
	}
	w.x.AlsoOnReplicas(c, command, frame)
	var r exchange.Request
	r.Seq, r.Part, r.Slot, r.Shard = c.Replies.Reserve(), -1, int16(d.Slot), d.Shard
	r.Frame, r.Read, r.Counts = frame, d.Safe, d.Counts
	r.Owned = len(frame) > exchange.PauseBytes && c.Input.HandOver(frame)
	if body := c.Service.Catalog.Missing(exchange.PlaceOf(l), command, args); body != nil {
		r.Load = [][]byte{body}
	}
	w.x.Send(c, l, &r)
	return true
}

// endsAll names what is done at once inside MULTI, too, and ends it.
func endsAll(c *routing.Command) bool {
	return c != nil && (c.ID == routing.CmdQuit || c.ID == routing.CmdReset)
}
