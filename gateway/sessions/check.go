package sessions

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"evergate/gateway/account"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// audit is one Check of sessions. err is the first thing that is wrong.
type audit struct {
	x   *Sessions
	err error
}

// Check returns what is wrong with the sessions and with the counters of them, nil as a rule. It looks at everything:
// tests call it after each step.
func (x *Sessions) Check() error {
	a := audit{x: x}
	for s := range x.AllServed {
		a.room("catalog", s.Catalog.Check())
		if !reflect.ValueOf(s.none).IsZero() {
			a.wrong("service %d: the clients that own no rare share %+v", s.Index, s.none)
		}
	}
	a.sessions()
	a.accounts()
	return a.err
}

// Rest returns an error when anything is still under way: a request, a reply or a wait. Tests call it at the end.
func (x *Sessions) Rest() error {
	a := audit{x: x}
	for c := range x.All {
		kept := c.heldBytes() - c.Output.Len()
		left := c.Replies.Owed() + len(c.retries) + len(c.composites) + len(c.inFlight) + kept
		if c.Waits() || left > 0 || c.Output.Len() > 0 || c.HalfClosed {
			a.wrong("client %d: waits (%v), %d replies owed, %d retries, %d composites, in flight on %d, %d bytes kept, "+
				"%d to write", c.Ref.ID, c.Reason, c.Replies.Owed(), len(c.retries), len(c.composites), len(c.inFlight), kept,
				c.Output.Len())
		}
	}
	for l := range x.pool.All {
		if l.Owes() {
			a.wrong("connection %d has %d requests in flight", l.ID, l.Inflight.Len())
		}
	}
	if x.waiting != (wait.Load{}) {
		a.wrong("the books say that %+v wait", x.waiting)
	}
	return a.err
}

// Deadlines calls due for all that sessions wait for, with a name and the time. Tests call it.
func (x *Sessions) Deadlines(due func(what string, at time.Duration)) {
	for s := range x.AllServed {
		for i := range s.holds {
			if at, waits := s.holds[i].Next(); waits {
				due("the end of a wait for a primary", at)
			}
		}
		if !s.full.Empty() {
			due("a full connection", x.clock.Now+upstream.FullRetry)
		}
		for _, ref := range s.withholding {
			if c := x.Session(ref); c != nil && c.withheld != nil {
				due("a withheld reply", c.WithheldSince()+c.Patience())
			}
		}
	}
	if len(x.gathered) > 0 {
		due("a gathered message", x.gatheredAt+gatherFor)
	}
	if x.endings+x.overs > 0 || x.open > 0 && x.conf.IdleMax > 0 {
		due("the sweep of clients", x.sweepAt)
	}
}

// wrong records an error.
func (a *audit) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// room records the error of a room's own check.
func (a *audit) room(name string, err error) {
	if err != nil {
		a.wrong("%s: %w", name, err)
	}
}

// sessions checks each session: what it waits for, what it is owed, what is kept for it.
func (a *audit) sessions() {
	x, pending := a.x, a.pending()
	var waiting wait.Load
	endings, overs := 0, 0
	for c := range x.All {
		if counted, bytes := c.Counted(); counted {
			if !c.Awake() { // that one is weighed when it runs
				bytes = c.Input.Len() + c.Multi.Size()
			}
			waiting.Sessions++
			waiting.Bytes += bytes
		}
		if c.Ending || c.HalfClosed {
			endings++
		}
		if c.over {
			overs++
		}
		a.room("retry", c.retries.Check())
		a.memory(c)
		a.inFlight(c, pending[c.Ref])
		a.hedges(c)
		a.isWoken(c)
		a.dedicated(c)
	}
	if waiting != x.waiting {
		a.wrong("sessions and bytes that wait are %+v, the books say %+v", waiting, x.waiting)
	}
	if endings != x.endings || overs != x.overs {
		a.wrong("%d clients are to be closed, %d are past a soft limit, the books say %d and %d", endings, overs, x.endings,
			x.overs)
	}
	for _, id := range x.outs.CloseClients {
		if x.clients[id] != nil {
			a.wrong("client %d is to be closed and still here", id)
		}
	}
	for _, id := range slices.Concat(x.free, x.freed[0], x.freed[1]) {
		if x.clients[id] != nil {
			a.wrong("the number of client %d is free", id)
		}
	}
}

// memory checks that what is kept for a client is within its limits, and is what the counters have.
func (a *audit) memory(c *Session) {
	parts, streams := 0, 0
	for _, of := range c.composites {
		parts += of.Size()
	}
	for l := range a.x.pool.All {
		streams += c.assembled(l)
	}
	withheld := 0
	if c.Withholds() {
		for i := range c.withheld.replies {
			withheld += len(c.withheld.replies[i].Reply)
		}
		if len(c.withheld.replies) == 0 || withheld != c.withheld.bytes {
			a.wrong("client %d: %d replies of %d bytes are withheld, the books say %d", c.Ref.ID, len(c.withheld.replies),
				withheld, c.withheld.bytes)
		}
	}
	if kept := a.unconfirmed(c); kept != c.unconfirmed {
		a.wrong("client %d: connections keep %d bytes for replicas to confirm, the books say %d", c.Ref.ID, kept,
			c.unconfirmed)
	}
	withheld += c.unconfirmed
	other, kept := c.Output.Len()+withheld+c.pushes.Len()+streams, c.Replies.KeptBytes()
	if early := c.Replies.EarlyBytes(); kept != early+parts || c.heldBytes() != other+kept {
		a.wrong("client %d: the books have %d bytes, %d of them early; there are %d, %d early and %d of parts", c.Ref.ID,
			c.heldBytes(), kept, other, early, parts)
	}
	if other+kept > max(c.terms.Output.Max, c.terms.Push.Max) && !c.InTunnel() {
		a.wrong("client %d: %d bytes are to be written", c.Ref.ID, other+kept)
	}
	a.counted(c, parts, withheld)
	if c.Input.Len() > a.x.conf.QueryBytesMax {
		a.wrong("client %d: %d bytes are unread", c.Ref.ID, c.Input.Len())
	}
	if c.Ending && c.Input.Len() > 0 {
		a.wrong("client %d: is to be closed, and %d bytes are unread", c.Ref.ID, c.Input.Len())
	}
}

// counted checks that the account of a client is what is kept for it.
func (a *audit) counted(c *Session, parts, withheld int) {
	kept := c.Input.Cap() + c.Output.Cap() + c.pushes.Cap() + c.Multi.Memory() + c.Replies.EarlyBytes() + parts +
		withheld + c.retries.Bytes() + c.Identity.Memory() + c.sealed
	for l := range a.x.pool.All {
		if l.Owned && l.Owner == c.Ref {
			kept += l.Queue.Held()
		}
		if c.InFlight() {
			kept += l.HoldsLong(c.Ref)
		}
	}
	if c.Subs != nil {
		for _, t := range c.Subs.All() {
			kept += t.Memory()
		}
	}
	if c.NoEvict || c.InTunnel() {
		kept = 0
	}
	if c.Footprint() != kept {
		a.wrong("client %d: %d bytes are kept, the account has %d", c.Ref.ID, kept, c.Footprint())
	}
}

// unconfirmed is how many bytes of replies connections keep for a client until replicas have confirmed them.
func (a *audit) unconfirmed(c *Session) (n int) {
	for l := range a.x.pool.All {
		for r := range l.Acks.All {
			if r.To == c.Ref {
				n += r.Size()
			}
		}
	}
	return n
}

// inFlight checks that what a session has in flight is on connections, on one for each shard.
func (a *audit) inFlight(c *Session, pending int32) {
	owed, shards := int32(0), map[int32]bool{}
	for _, f := range c.inFlight {
		if owed += f.owed; f.owed <= 0 || shards[f.shard] {
			a.wrong("client %d has %d requests in flight to shard %d, or two connections", c.Ref.ID, f.owed, f.shard)
		}
		shards[f.shard] = true
		if a.x.pool.Conn(f.conn.ID) != f.conn {
			a.wrong("client %d has requests in flight on a connection that is gone", c.Ref.ID)
		}
	}
	if pending != owed {
		a.wrong("client %d has %d requests on connections and knows of %d", c.Ref.ID, pending, owed)
	}
}

// isWoken checks that something will wake a session that is blocked: it will run, it has an alarm, or it is listed
// where what it waits for is.
func (a *audit) isWoken(c *Session) {
	if !c.Waits() || c.Awake() || c.Alarmed() {
		return
	}
	found := false
	switch c.Reason {
	case wait.NoPrimary, wait.NoConnection:
		found = slices.ContainsFunc(c.Service.holds, func(b wait.Buffer) bool { return b.Has(c.Ref) })
	case wait.ConnectionFull:
		found = c.Service.full.Has(c.Ref)
	case wait.InFlight:
		found = len(c.inFlight) > 0 || c.Withholds() || c.Replies.Owed() > 0
	case wait.OwedTooMuch:
		found = c.Replies.Owed() > 0 || c.Output.Len() > 0
	case wait.Asking:
		found = c.AwaitsAdmin || c.Service.Catalog.Waits(c.Ref) ||
			c.dedicated != nil && c.dedicated.Next != (upstream.Setup{})
	case wait.Blocked:
		found = c.AwaitsBlocking()
	case wait.Subscribing:
		found = c.Subs != nil && c.Subs.Waits()
	case wait.RateLimited: // package throttle knows
		found = true
	}
	if !found {
		a.wrong("client %d waits (%v), and nothing wakes it", c.Ref.ID, c.Reason)
	}
}

// dedicated checks the dedicated connection of a session.
func (a *audit) dedicated(c *Session) {
	own := c.dedicated
	switch {
	case c.Ending && c.keptWaiting() && !c.unblocking:
		a.wrong("client %d is to be closed, and a server keeps it waiting", c.Ref.ID)
	case c.Watch.Intact() && own == nil:
		a.wrong("client %d watches nowhere", c.Ref.ID)
	case own == nil:
	case a.x.pool.Conn(own.ID) != own, !own.Owned, own.Owner != c.Ref:
		a.wrong("client %d has a connection that is gone, or not its own", c.Ref.ID)
	case own.State == upstream.Open && !own.Owes() && !own.Tunnel && !c.Watch.Intact() &&
		!c.Waits() && !c.Awake() && len(c.retries) == 0:
		a.wrong("client %d keeps a connection that it does not need", c.Ref.ID)
	}
}

// accounts compares sums that are counted in different places.
func (a *audit) accounts() {
	s := &a.x.totals
	waiting := uint64(0)
	for c := range a.x.All {
		if c.WaitsSince != 0 {
			waiting++
		}
	}
	if s.Held != s.HoldReleased+s.HoldExpired+s.HoldLeft+waiting || s.Holds < s.HoldsEnded {
		a.wrong("%d requests waited: %d resumed, %d expired, %d left, %d wait; %d buffers began, %d ended", s.Held,
			s.HoldReleased, s.HoldExpired, s.HoldLeft, waiting, s.Holds, s.HoldsEnded)
	}
	closed := uint64(0)
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if closed+uint64(a.x.open) != s.ClientsOpened {
		a.wrong("%d clients came, %d have left, %d are here", s.ClientsOpened, closed, a.x.open)
	}
	used, ofUsers := 0, map[*UserMemory]int{}
	for c := range a.x.All {
		used += c.Footprint()
		ofUsers[c.terms.Memory] += c.Footprint()
	}
	for _, u := range a.x.users {
		if u.Used() != ofUsers[u] {
			a.wrong("%d bytes are kept for the clients of a user, its account has %d", ofUsers[u], u.Used())
		}
	}
	if off := used - a.x.Shared(); used != a.x.Used() || max(off, -off) >= account.Step {
		a.wrong("%d bytes are kept for clients, the account has %d, other workers know %d", used, a.x.Used(), a.x.Shared())
	}
}

// keptWaiting reports whether a server keeps a client waiting with a blocking command.
func (c *Session) keptWaiting() bool {
	l, _, _ := c.BlocksOn()
	return l != nil
}

// pending counts the requests of each session that are in flight.
func (a *audit) pending() map[session.Ref]int32 {
	pending := map[session.Ref]int32{}
	for l := range a.x.pool.All {
		for t := range l.Inflight.All {
			if t.Flags&(upstream.Quiet|upstream.Internal) == 0 && !a.isCopy(l, t) {
				pending[t.To]++
			}
		}
		for r := range l.Acks.All {
			pending[r.To]++
		}
	}
	return pending
}

// hedges checks that what is in flight on two connections is there, and in the same order.
func (a *audit) hedges(c *Session) {
	for i := range c.hedges {
		h := &c.hedges[i]
		f := c.inFlightTo(int(h.Shard))
		if f == nil || f.conn != h.First || int(f.owed) != h.N || h.First == h.Second {
			a.wrong("client %d: %d reads are in flight twice, and %+v once", c.Ref.ID, h.N, f)
			continue
		}
		first, second := a.hedgedOn(c, h, h.First), a.hedgedOn(c, h, h.Second)
		if len(first) != h.N || !slices.Equal(first, second) {
			a.wrong("client %d: %d reads are in flight twice: %v on one connection, %v on the other", c.Ref.ID, h.N, first,
				second)
		}
	}
}

// hedgedOn are the places of the reads that a session has on one of two connections, from where they begin.
func (a *audit) hedgedOn(c *Session, h *Hedge, l *upstream.Conn) (places [][2]int) {
	if a.x.pool.Conn(l.ID) != l {
		return nil
	}
	for t := range l.Inflight.All {
		if t.To == c.Ref && t.Flags&upstream.Hedged != 0 && t.Shard == h.Shard {
			if len(places) == 0 && t.End != h.End(l) {
				a.wrong("client %d: reads that are in flight twice begin at %d, not at %d", c.Ref.ID, t.End, h.End(l))
			}
			places = append(places, [2]int{int(t.Seq), int(t.Part)})
		}
	}
	return places
}

// isCopy reports whether a pending request is the second one of a read that is in flight twice. One with the mark alone
// is an error.
func (a *audit) isCopy(l *upstream.Conn, t *upstream.Pending) bool {
	c := a.x.Session(t.To)
	if t.Flags&upstream.Hedged == 0 || c == nil {
		return false
	}
	h := c.Hedged(t.Shard)
	if h == nil || l != h.First && l != h.Second {
		a.wrong("client %d: a read is marked as in flight twice, and is not", c.Ref.ID)
		return false
	}
	return l == h.Second
}
