package worker

import (
	"slices"

	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// clients looks at every session: what it waits for, what it is owed, what is kept for it.
func (a *audit) clients() {
	w, pending := a.w, a.pending()
	var waiting wait.Load
	endings := 0
	for _, c := range w.clients {
		if c == nil {
			continue
		}
		if counted, bytes := c.Counted(); counted {
			if !c.Awake() { // it is weighed again when it runs
				bytes = c.Input.Len()
				if c.Multi != nil {
					bytes += len(c.Multi.Body)
				}
			}
			waiting.Sessions++
			waiting.Bytes += bytes
		}
		if c.Ending || c.HalfClosed {
			endings++
		}
		a.room("retry", c.retries.Check())
		a.memory(c)
		a.inFlight(c, pending[c.ref])
		a.isWoken(c)
		a.dedicated(c)
	}
	if waiting != w.waiting {
		a.wrong("sessions and bytes that wait are %+v, the books say %+v", waiting, w.waiting)
	}
	if endings != w.endings {
		a.wrong("%d clients are to be closed, the books say %d", endings, w.endings)
	}
	for _, id := range w.out.CloseClients {
		if w.clients[id] != nil {
			a.wrong("client %d is to be closed and still here", id)
		}
	}
	for _, id := range slices.Concat(w.free, w.freed[0], w.freed[1]) {
		if w.clients[id] != nil {
			a.wrong("the number of client %d is free", id)
		}
	}
}

// memory holds all that is kept for a client to its limits, and the books of it to what is there.
func (a *audit) memory(c *client) {
	parts, streams := 0, 0
	for _, s := range c.splits {
		size := 0
		for i := range s.parts {
			size += len(s.parts[i].Reply)
		}
		for _, own := range s.own {
			size += len(own)
		}
		if parts += s.bytes; s.walk == nil && s.bytes != size {
			a.wrong("client %d: the parts of a request weigh %d, the books say %d", c.ref.ID, size, s.bytes)
		}
	}
	for l := range a.w.pool.All {
		streams += c.assembled(l)
	}
	withheld := 0
	if c.withheld != nil {
		for i := range c.withheld.replies {
			withheld += len(c.withheld.replies[i].reply)
		}
		if len(c.withheld.replies) == 0 || withheld != c.withheld.bytes {
			a.wrong("client %d: %d replies of %d bytes are withheld, the books say %d", c.ref.ID, len(c.withheld.replies),
				withheld, c.withheld.bytes)
		}
	}
	other, kept := c.Output.Len()+withheld+c.pushes.Len()+streams, c.Replies.KeptBytes()
	if early := c.Replies.EarlyBytes(); kept != early+parts || c.holds() != other+kept {
		a.wrong("client %d: the books have %d bytes, %d of them early; there are %d, %d early and %d of parts", c.ref.ID,
			c.holds(), kept, other, early, parts)
	}
	if other+kept > max(a.w.conf.OutputBytesMax, a.w.conf.PushBytesMax) && !c.inTunnel() {
		a.wrong("client %d: %d bytes are to be written", c.ref.ID, other+kept)
	}
	if c.Input.Len() > a.w.conf.QueryBytesMax {
		a.wrong("client %d: %d bytes are unread", c.ref.ID, c.Input.Len())
	}
	if c.Ending && c.Input.Len() > 0 {
		a.wrong("client %d: is to be closed, and %d bytes are unread", c.ref.ID, c.Input.Len())
	}
}

// inFlight looks that what a session has in flight is on connections, and on one for each shard.
func (a *audit) inFlight(c *client, pending int32) {
	owed, shards := int32(0), map[int32]bool{}
	for _, f := range c.flights {
		if owed += f.owed; f.owed <= 0 || shards[f.shard] {
			a.wrong("client %d has %d requests in flight to shard %d, or two connections", c.ref.ID, f.owed, f.shard)
		}
		shards[f.shard] = true
		if a.w.pool.Conn(f.lane.ID) != f.lane {
			a.wrong("client %d has requests in flight on a connection that is gone", c.ref.ID)
		}
	}
	if pending != owed {
		a.wrong("client %d has %d requests on connections and knows of %d", c.ref.ID, pending, owed)
	}
}

// isWoken looks that something will wake a session that is blocked: it is to run, it has an alarm, or it is where the
// sessions are found that wait for the same.
func (a *audit) isWoken(c *client) {
	if !c.Waits() || c.Awake() || c.Alarmed() {
		return
	}
	found := false
	switch c.Reason {
	case wait.NoPrimary, wait.NoConnection:
		found = slices.ContainsFunc(c.svc.holds, func(b wait.Buffer) bool { return b.Has(c.ref) })
	case wait.ConnectionFull:
		found = c.svc.full.Has(c.ref)
	case wait.InFlight:
		found = len(c.flights) > 0 || c.withheld != nil || c.Replies.Owed() > 0
	case wait.OwedTooMuch:
		found = c.Replies.Owed() > 0 || c.Output.Len() > 0
	case wait.Asking:
		found = c.adminOut || c.svc.catalog.Waits(c.ref)
	case wait.Blocked:
		found = a.w.isBlocked(c)
	case wait.Subscribing:
		found = c.subs != nil && c.subs.Waits()
	}
	if !found {
		a.wrong("client %d waits (%v), and nothing wakes it", c.ref.ID, c.Reason)
	}
}

// dedicated looks at the connection that belongs to a session.
func (a *audit) dedicated(c *client) {
	own := c.pin
	switch {
	case c.Ending && keptWaiting(c):
		a.wrong("client %d is to be closed, and a server keeps it waiting", c.ref.ID)
	case c.Watch != nil && !c.Watch.Broken && own == nil:
		a.wrong("client %d watches nowhere", c.ref.ID)
	case own == nil:
	case a.w.pool.Conn(own.ID) != own, !own.Owned, own.Owner != c.ref:
		a.wrong("client %d has a connection that is gone, or not its own", c.ref.ID)
	case own.State == upstream.Open && own.Inflight.Len() == 0 && !own.Tunnel && (c.Watch == nil || c.Watch.Broken) &&
		!c.Waits() && !c.Awake() && len(c.retries) == 0:
		a.wrong("client %d keeps a connection that it does not need", c.ref.ID)
	}
}

// keptWaiting returns whether a client is within a blocking command that was sent.
func keptWaiting(c *client) bool {
	l, _, _ := blocksOn(c)
	return l != nil
}

// rest looks that nobody waits for anything, and that nothing is kept for anybody.
func (a *audit) rest() {
	w := a.w
	for _, c := range w.clients {
		if c == nil {
			continue
		}
		kept := c.holds() - c.Output.Len()
		left := c.Replies.Owed() + len(c.retries) + len(c.splits) + len(c.flights) + kept
		if c.Waits() || left > 0 || c.Output.Len() > 0 || c.HalfClosed {
			a.wrong("client %d: waits (%v), %d replies owed, %d retries, %d composites, in flight on %d, %d bytes kept, "+
				"%d to write", c.ref.ID, c.Reason, c.Replies.Owed(), len(c.retries), len(c.splits), len(c.flights), kept,
				c.Output.Len())
		}
	}
	for l := range w.pool.All {
		if l.Inflight.Len() > 0 {
			a.wrong("connection %d has %d requests in flight", l.ID, l.Inflight.Len())
		}
	}
	for _, s := range w.services {
		for _, t := range s.All() {
			if !t.Wanted() || !t.On() {
				a.wrong("topic %q: %d listen, %d wait, %+v", t.Name, len(t.Listeners()), len(t.Waiting()), t.Sources)
			}
		}
	}
	if w.waiting != (wait.Load{}) {
		a.wrong("the books say that %+v wait", w.waiting)
	}
}
