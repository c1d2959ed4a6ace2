package worker

import (
	"evergate/gateway/access"
	"evergate/gateway/catalog"
	"evergate/gateway/clients"
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/inquiry"
	"evergate/gateway/local"
	"evergate/gateway/policy"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/subscribe"
	"evergate/gateway/transaction"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// request is one request on its way through the steps.
type request struct {
	c       *sessions.Session
	frame   []byte
	args    [][]byte
	command *routing.Command // nil while it is unknown
	d       *routing.Decision
	// ragged: the frame is not as a client library writes it, and is written anew before it is sent.
	ragged bool
	// permit is proof that the user may make the request: without it nothing is executed or queued.
	permit access.Permit
	// done is what the step that ended the steps found: the request was answered or sent. Otherwise the session is
	// blocked, and the request is read again.
	done bool
}

// ends ends the steps of a request.
func (r *request) ends(done bool) bool {
	r.done = done
	return true
}

// request handles one request. It returns false when the session was blocked and the request must be read again.
//
// Each step ends the request, by an answer or by blocking its session, or leaves it to the next one. The order is that
// of servers: a client that may do two things wrong gets the error that a server would find first. Most steps are for
// few requests: what they do is apart from the question whether they do anything, so that the question is inlined.
func (w *Worker) request(c *sessions.Session, frame []byte, args [][]byte, ragged bool) bool {
	r := request{c: c, frame: frame, args: args, command: routing.Lookup(args), d: &w.decision, ragged: ragged}
	switch {
	case r.isLimited(w), // a request counts whatever becomes of it
		r.lacksPassword(w),   // before anything is looked at: it tells nothing to a client that is not authenticated
		r.replicates(w),      // a client that replicates sends what replicas send, and no requests
		r.waitsForEarlier(w), // nothing overtakes a blocking command, or an admin request that changes something
		r.asksSentinel(w),    // a listener that emulates a Sentinel has commands of its own
		r.isUnknown(w),       // a server is asked what the command is
		r.isDenied(w),        // before anything is looked at that depends on the keys
		r.lacksKeys(w),       // a server is asked where its keys are: from here on r.d is decided
		r.isPaused(w),        // CLIENT PAUSE does not hold up what is rejected
		r.writesToReplica(w), // a listener that emulates a replica rejects writes
		r.onlyListens(w),     // a RESP2 client that is subscribed may do little else
		r.onlyMonitors(w),    // a client that monitors, too
		r.failsExec(w),       // an EXEC with arguments ends its transaction
		r.isQueued(w),        // within MULTI
		r.isUnchecked(w):     // never: a step above has checked the rights
		return r.done
	}
	multi, refused, rejected := c.Multi, r.d.Kind == routing.Refuse, r.isRejected()
	if !r.execute(w) {
		return false
	}
	if w.hot.Due(len(frame)) && !refused {
		w.hot.request(w, &r)
	}
	if w.policy.Audits(r.command) && !rejected {
		w.policy.Audit(c, policy.Allowed, r.command, args)
	}
	if w.clients.AnyMonitor(c.Service.Of) && !refused {
		w.clients.ShowFinished(c, multi, r.command, args)
	}
	return true
}

func (r *request) lacksPassword(w *Worker) bool { return r.c.User == nil && r.askPassword(w) }

func (r *request) askPassword(w *Worker) bool {
	if r.command != nil && r.command.Has(routing.NoAuth) && (r.command.ID != routing.CmdHello || !r.c.Service.Lazy ||
		local.Presented(r.command, r.args) != nil) {
		return false
	}
	why := local.NoAuth
	if r.c.Service.Lazy {
		wrong, blocked := (*users)(w).letIn(r.c)
		switch {
		case blocked:
			return r.ends(false)
		case wrong == nil, r.command != nil && r.command.ID == routing.CmdHello: // HELLO has an error of its own
			return false
		}
		why = wrong
	}
	if r.command != nil && r.command.ID == routing.CmdExec {
		return r.ends(w.transactions.EndExec(r.c, append([]byte(transaction.Because), why[1:]...)))
	}
	w.x.Answer(r.c, why)
	return r.ends(true)
}

func (r *request) replicates(w *Worker) bool { return r.c.Dedicated() != nil && r.replicate(w) }

func (r *request) replicate(w *Worker) bool {
	return r.c.InTunnel() && (r.endsTunnel(w) || r.ends(w.dedicated.TakeInTunnel(r.c, r.command, r.args)))
}

func (r *request) waitsForEarlier(w *Worker) bool { return w.isBlocked(r.c) && r.ends(false) }

// isBlocked blocks a session that does nothing more before an earlier request is done.
func (w *Worker) isBlocked(c *sessions.Session) bool { return c.MayWait() && w.waits(c) }

func (w *Worker) waits(c *sessions.Session) bool {
	switch {
	case c.AwaitsAdmin:
		w.x.Block(c, wait.Asking)
	case c.InBlockingCommand() && w.x.BlockWhileInBlocking(c):
	case transaction.Awaits(c):
		w.x.Block(c, wait.InFlight)
	default:
		return false
	}
	return true
}

func (r *request) asksSentinel(w *Worker) bool { return r.c.Role != nil && r.askSentinel(w) }

func (r *request) askSentinel(w *Worker) bool {
	return r.c.Role.Is(facade.Sentinel) && r.ends((*own)(w).sentinel(r.c, r.command, r.args, r.frame))
}

func (r *request) isUnknown(w *Worker) bool {
	if r.command == nil && r.askCommand(w) {
		return true
	}
	r.c.BeginCommand(r.command)
	return false
}

func (r *request) askCommand(w *Worker) bool {
	var how inquiry.Outcome
	r.command, how = w.inquiries.Command(r.c, r.args)
	return how != inquiry.Known && r.ends(w.inquiries.Done(r.c, how))
}

func (r *request) lacksKeys(w *Worker) bool {
	c := r.c
	if c.Service.Catalog.Decide(r.d, r.command, r.args, c.Service.View); r.d.Kind == routing.AskKeys {
		return r.ends(w.inquiries.Done(c, w.inquiries.Keys(c, r.args)))
	}
	(*own)(w).withoutCluster(c, r.d, r.command)
	policy.Answers(c, r.d, r.command)
	return false
}

func (r *request) isPaused(w *Worker) bool {
	return (r.ragged || w.clients.Pausing()) && r.pause(w)
}

func (r *request) pause(w *Worker) bool {
	if r.d.Kind == routing.Refuse && !r.c.Allows(r.d, r.command) {
		return false
	}
	if w.clients.Paused(r.c, r.command, r.args) {
		return r.ends(false)
	}
	if r.ragged {
		r.frame = resp.AppendCommand(nil, r.args...)
	}
	return false
}

func (r *request) writesToReplica(w *Worker) bool { return r.c.Role != nil && r.rejectWrite(w) }

func (r *request) rejectWrite(w *Worker) bool {
	if !local.RejectsWrite(r.c.Role, r.command, r.d) {
		return false
	}
	if r.c.Multi != nil {
		return r.ends(w.transactions.Abort(r.c, local.ReadOnlyReplica))
	}
	w.x.Refuse(r.c, local.ReadOnlyReplica)
	return r.ends(true)
}

func (r *request) onlyListens(w *Worker) bool { return r.c.Subs != nil && r.rejectListening(w) }

func (r *request) rejectListening(w *Worker) bool {
	c := r.c
	if c.Proto != 2 || !c.Subs.Any() || subscribe.AllowedWhileSubscribed(r.d, r.command) {
		return false
	}
	w.x.CountRefused(c)
	why := "Can't execute '" + r.command.Name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are " +
		"allowed in this context"
	if r.command.ID == routing.CmdExec {
		return r.ends(w.transactions.EndExec(c, resp.AppendError([]byte(nil), transaction.Because[1:]+why)))
	}
	w.x.Answer(c, resp.AppendError(nil, "ERR "+why))
	return r.ends(true)
}

func (r *request) onlyMonitors(w *Worker) bool { return r.c.Monitor.Is() && r.rejectMonitoring(w) }

func (r *request) rejectMonitoring(w *Worker) bool {
	if !r.c.Monitor.Rejects(r.command) {
		return false
	}
	w.x.Refuse(r.c, clients.OnlyMonitors)
	return r.ends(true)
}

func (r *request) failsExec(w *Worker) bool {
	return r.d.Reason == routing.WrongArity && r.failExec(w)
}

func (r *request) failExec(w *Worker) bool {
	return r.command.ID == routing.CmdExec && r.ends(w.transactions.EndExec(r.c, transaction.ExecArity))
}

func (r *request) isQueued(w *Worker) bool { return r.c.Multi != nil && r.queue(w) }

func (r *request) queue(w *Worker) bool {
	switch {
	case r.d.Kind == routing.Transact, endsMulti(r.command) && r.d.Kind != routing.Refuse:
		return false
	}
	if r.isUnchecked(w) {
		return true
	}
	if w.policy.Audits(r.command) && !r.isRejected() {
		w.policy.Audit(r.c, policy.Queued, r.command, r.args)
	}
	if w.hot.Due(len(r.frame)) {
		w.hot.request(w, r)
	}
	return r.ends(w.transactions.Queue(r.c, r.d, r.command, r.args, r.frame))
}

// endsMulti reports whether a command is executed at once within MULTI, too, and ends it.
func endsMulti(c *routing.Command) bool {
	return c != nil && (c.ID == routing.CmdQuit || c.ID == routing.CmdReset)
}

// execute does what was decided. It returns false when the session was blocked.
func (r *request) execute(w *Worker) bool {
	c, d := r.c, r.d
	if d.Kind != routing.Refuse {
		c.Service.Catalog.Note(r.command, r.args)
	}
	switch d.Kind {
	case routing.Forward:
		return w.forward(c, d, r.command, r.args, r.frame)
	case routing.Dedicate:
		return w.dedicated.DoBlocking(c, d, r.command, r.args, r.frame)
	case routing.ScanAll:
		return w.multi.Scan(c, r.command, r.args)
	case routing.Transact:
		if r.command.ID == routing.CmdMulti {
			if how := w.inquiries.Multi(c); how != inquiry.Known {
				return w.inquiries.Done(c, how)
			}
		}
		return w.transactions.Do(c, d, r.command, r.frame)
	case routing.Answer:
		return (*own)(w).local(c, r.command, r.args, r.frame)
	case routing.Split:
		return w.multi.Split(c, d, r.command, r.args, r.frame)
	case routing.Listen:
		return w.subscribers.Do(c, d, r.command, r.args)
	case routing.Broadcast:
		return w.multi.Broadcast(c, d, r.command, r.args, r.frame)
	case routing.Refuse:
		if c.Allows(d, r.command) {
			return w.dedicated.DoHarmful(c, r.command, r.args, r.frame)
		}
	}
	w.refuse(c, d.Reason, r.command, r.args)
	return true
}

// refuse answers with the error that a decision names.
func (w *Worker) refuse(c *sessions.Session, why routing.Reason, command *routing.Command, args [][]byte) {
	if !local.Probes(why, args) {
		w.x.CountRefused(c)
	}
	if why == routing.Forbidden && local.Closes(command) {
		w.x.Close(c, session.ProtocolError)
		return
	}
	w.x.Answer(c, local.Reject(why, command, args, c.Service.Catalog.Container(args), c.Role))
}

// forward sends a frame to the shard that the decision names.
func (w *Worker) forward(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	keys := w.x.KeysOf(c, d, command, args)
	l, state := w.x.Choose(c, d.Shard, d.Slot, exchange.UseOf(d), keys, c.Company(len(frame), 0))
	switch {
	case l == nil && state == upstream.RunsScript && command.RunsDuringScript():
		return (*own)(w).askBypassing(c, d.Shard, frame)
	case l == nil:
		return w.x.Unavailable(c, d.Shard, state)
	}
	if command != nil && command.Has(routing.Scripts) {
		w.x.AlsoOnReplicas(c, command, frame)
	}
	var r exchange.Request
	r.Seq, r.Part, r.Slot, r.Shard = c.Replies.Reserve(), -1, int16(d.Slot), d.Shard
	r.Frame, r.Read, r.Keys, r.Counts, r.Changes = frame, d.Safe, keys, d.Counts, d.Changes
	r.Owned = len(frame) > sessions.PauseBytes && c.Input.HandOver(frame)
	if catalog.RunsByName(command) {
		if body := c.Service.Catalog.Missing(exchange.PlaceOf(l), command, args); body != nil {
			r.Load = [][]byte{body}
		}
	}
	w.x.Send(c, l, &r)
	return true
}
