package worker

import (
	"evergate/gateway/facade"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// What cannot go on is parked: the request stays unread in its client's buffer, and the session is put where it will
// be woken. When it runs again the request is decided again, against the view of that moment. Replies are in order, so
// a later request of the same client could not be answered sooner anyway; order, back-pressure and a client that
// leaves while it waits need no further thought.

// run understands commands at the start of buf until it ends or the session parks, and returns how much was used.
func (w *Worker) run(c *client, buf []byte) (used int) {
	limits := w.limits(c)
	for !c.Ending && !c.closed && len(c.retries) == 0 && used < len(buf) {
		if w.owedTooMuch(c) {
			w.park(c, wait.OwedTooMuch)
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
			w.stats.ProtocolErrors++
			w.answer(c, resp.AppendError(nil, c.Input.Err()))
			w.end(c, session.ProtocolError)
			return len(buf)
		}
		authenticated := c.Authenticated
		if !w.request(c, buf[used:used+n], args, status == resp.Ragged) {
			break
		}
		w.notHeld(c, &w.stats.HoldReleased)
		w.unpinUnused(c)
		w.settleWaits(c)
		used += n
		if n > pauseBytes {
			w.forgetArgs()
		}
		if c.Authenticated != authenticated {
			limits = w.limits(c)
		}
	}
	return used
}

// request does one command. It returns false when the session was parked and the command must be read again.
func (w *Worker) request(c *client, frame []byte, args [][]byte, ragged bool) bool {
	command := routing.Lookup(args)
	if !c.Authenticated && (command == nil || !command.Has(routing.NoAuth)) {
		return w.asksPassword(c, command)
	}
	if c.inTunnel() {
		return w.saidInTunnel(c, command, args)
	}
	if w.mustWait(c) {
		return false
	}
	if c.face.Is(facade.Sentinel) {
		return w.sentinel(c, command, args, frame)
	}
	if command == nil {
		var how inquiry
		if command, how = w.learn(c, args); how != settled {
			return w.inquired(c, how)
		}
	}
	c.last = command
	d := &w.decision
	if c.svc.catalog.Decide(d, command, args, c.svc.View); d.Kind == routing.AskKeys {
		return w.inquired(c, w.learnKeys(c, args))
	}
	w.withoutCluster(c, d, command)
	if d.Kind != routing.Refuse || w.isAllowed(c, d, command) {
		if w.postponed(c, command, args) {
			return false
		}
		if ragged {
			frame = resp.AppendCommand(nil, args...)
		}
	}
	if local.RejectsWrite(c.face, command, d) {
		if c.Multi != nil {
			return w.abortMulti(c, local.ReadOnlyReplica)
		}
		w.stats.Refused++
		w.answer(c, local.ReadOnlyReplica)
		return true
	}
	if c.subs != nil && c.Proto == 2 && c.subs.Any() && !mayWhileSubscribed(d, command) {
		return w.onlyListens(c, command)
	}
	if c.monitor.Rejects(command) {
		w.stats.Refused++
		w.answer(c, onlyMonitors)
		return true
	}
	if d.Reason == routing.WrongArity && command.ID == routing.CmdExec { // servers take it for an EXEC that fails
		return w.execEnds(c, execArity)
	}
	if c.Multi != nil && d.Kind != routing.Transact && (!endsAll(command) || d.Kind == routing.Refuse) {
		return w.queue(c, d, command, args, frame)
	}
	multi, refused := c.Multi, d.Kind == routing.Refuse
	if !w.decided(c, d, command, args, frame) {
		return false
	}
	if w.monitors.Watched(c.svc.Index) && !refused {
		w.finishedCommand(c, multi, command, args)
	}
	return true
}

// mustWait parks a session that does nothing more before something else is done.
func (w *Worker) mustWait(c *client) bool {
	switch {
	case c.adminOut:
		w.park(c, wait.Asking)
	case c.blockedSince > 0 && w.stillBlocked(c):
	case len(c.splits) > 0 && c.awaitsStandIn():
		w.park(c, wait.InFlight)
	default:
		return false
	}
	return true
}

// decided does what a decision says. It returns false when the session was parked.
func (w *Worker) decided(c *client, d *routing.Decision, command *routing.Command, args [][]byte, frame []byte) bool {
	if d.Kind != routing.Refuse {
		w.noteScript(c, command, args)
	}
	switch d.Kind {
	case routing.Forward:
		return w.forward(c, d, command, args, frame)
	case routing.Dedicate:
		return w.block(c, d, command, frame)
	case routing.ScanAll:
		return w.walk(c, command, args)
	case routing.Transact:
		return w.transact(c, d, command, frame)
	case routing.Answer:
		return w.local(c, command, args, frame)
	case routing.Split:
		return w.split(c, d, args, frame)
	case routing.Listen:
		return w.subscribe(c, d, command, args)
	case routing.Broadcast:
		return w.spread(c, d, command, args, frame)
	case routing.Refuse:
		if w.isAllowed(c, d, command) {
			return w.allowed(c, command, args, frame)
		}
	}
	w.refuse(c, d.Reason, command, args)
	return true
}

// forward sends a frame to the shard that the decision names.
func (w *Worker) forward(c *client, d *routing.Decision, command *routing.Command, args [][]byte, frame []byte) bool {
	l, state := w.choose(c, d.Shard, d.Slot, d.Read, c.company(len(frame), 0))
	switch {
	case l == nil && state == upstream.RunsScript && saidInScript(command):
		return w.askUrgently(c, d.Shard, frame)
	case l == nil:
		return w.mayNot(c, d.Shard, state)
	}
	if command != nil && command.Has(routing.Scripts) {
		w.alsoOnReplicas(c, command, frame)
	}
	var r request
	r.seq, r.part, r.slot, r.shard = c.Replies.Reserve(), -1, int16(d.Slot), d.Shard
	r.frame, r.read, r.counts = frame, d.Safe, d.Counts
	r.owned = len(frame) > pauseBytes && c.Input.HandOver(frame)
	if body := w.missing(l, command, args); body != nil {
		r.load = [][]byte{body}
	}
	w.send(c, l, &r)
	return true
}

// request is what send needs to know.
type request struct {
	seq       uint32
	part      int16
	slot      int16
	redirects uint8
	retries   uint8
	cost      uint8
	read      bool
	ask       bool // say ASKING first
	ping      bool // say first what makes WAIT right
	owned     bool // the lane may keep frame
	// foreign: the lane is not the one that the view names.
	foreign bool
	// blocking, watched, counts and ahead are Ticket.Flags and Ticket.Ahead.
	blocking bool
	watched  bool
	counts   bool
	ahead    uint32
	shard    int
	frame    []byte
	// load are scripts to load first.
	load [][]byte
}

// send puts a request on a lane and counts it in the session's flight.
func (w *Worker) send(c *client, l *upstream.Conn, r *request) {
	load(l, r.load)
	if r.ask {
		quietly(l, resp.Asking)
	}
	if r.ping {
		sayAhead(l)
	}
	t := l.Inflight.Push()
	t.To, t.Seq = c.ref, r.seq
	t.Part, t.Slot, t.Shard = r.part, r.slot, int16(r.shard)
	t.Redirects, t.Retries, t.Cost, t.Ahead = r.redirects, r.retries, r.cost, r.ahead
	if !r.read {
		t.Flags = upstream.Write
	}
	if len(r.load) > 0 {
		t.Flags |= upstream.Loaded
	}
	if r.blocking {
		t.Flags |= upstream.Blocking
	}
	if r.watched {
		t.Flags |= upstream.Watched
	}
	if r.owned {
		t.End = l.Queue.AppendOwned(r.frame)
	} else {
		t.End = l.Queue.Append(r.frame)
	}
	if r.counts {
		t.Flags |= upstream.Counts
		w.publishes, w.publishEnd = l, t.End
		if c.subs != nil {
			c.subs.published, c.subs.publishes = r.seq, true
		}
	}
	if len(r.frame) > bigBytes {
		l.BigEnd = t.End
	}
	if l.Key.Purpose != upstream.Dedicated {
		l.Carries = max(l.Carries, c.company(len(r.frame), r.cost))
	}
	l.UsedAt = w.clock.Now
	w.pool.Dirty(l)
	w.stats.Requests[l.Key.Purpose]++
	if f := c.flightOf(r.shard); f != nil {
		f.owed++
		return
	}
	if c.svc.View != nil {
		c.flightEpoch = c.svc.View.Epoch
	}
	c.flights = append(c.flights, flight{lane: l, shard: int32(r.shard), owed: 1, foreign: r.foreign})
}

// quietly puts a command on a lane whose reply nobody waits for. Its ticket is valid until the next one.
func quietly(l *upstream.Conn, frame []byte) *upstream.Pending {
	end := l.Queue.Append(frame)
	t := l.Inflight.Push()
	t.End, t.Flags, t.Part, t.Slot = end, upstream.Quiet, -1, -1
	return t
}

// mayNot parks the session, or refuses the request where waiting is no use. It returns true when the request was
// answered.
func (w *Worker) mayNot(c *client, shard int, why upstream.Obstacle) bool {
	refused := w.wait(c, shard, why)
	if refused == "" {
		return false
	}
	w.answer(c, w.notTaken(c.svc, shard, why, refused))
	return true
}

// notTaken is the error for what a shard could not take: the server's own where it runs a script.
func (w *Worker) notTaken(s *service, shard int, why upstream.Obstacle, refused string) []byte {
	if why != upstream.RunsScript {
		return w.loading(s, refused)
	}
	w.stats.Refused++
	return resp.AppendError(nil, s.View.Shards[shard].Primary.Busy)
}

// wait parks the session, or returns why that is no use.
func (w *Worker) wait(c *client, shard int, why upstream.Obstacle) (refused string) {
	switch why {
	case upstream.InFlight:
		w.park(c, wait.InFlight)
	case upstream.Full:
		w.park(c, wait.ConnectionFull)
	case upstream.NoView:
		return "the topology is not known yet"
	case upstream.SoonDedicated, upstream.NoDedicated:
		return w.parkPrivate(c, shard, why)
	case upstream.NoServer:
		return "no replica is available for reads"
	default:
		return w.parkIn(c, shard, why)
	}
	return ""
}

// loading is the error for what was not executed. Most client libraries retry after LOADING by themselves.
func (w *Worker) loading(s *service, why string) []byte {
	w.stats.Refused++
	if w.env.Unserved != nil {
		w.env.Unserved(s.Index, why)
	}
	return resp.AppendError(nil, "LOADING evergate: service '"+s.Name+"': "+why+"; the command was not executed")
}

// endsAll names what is done at once inside MULTI, too, and ends it.
func endsAll(c *routing.Command) bool {
	return c != nil && (c.ID == routing.CmdQuit || c.ID == routing.CmdReset)
}
