package exchange

import (
	"time"

	"evergate/gateway/hedge"
	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A read that a replica owes for long is sent to a second replica as well, if that may serve it and few reads are sent
// twice. The first reply wins. The other one is awaited on its connection, as the reply to a client that has left.
//
// All that the session has in flight to the shard is sent twice, and the first reply decides for all of it: from then
// on the session uses that connection alone. So its reads are executed in their order by one server, as ever. Were only
// the first one sent twice, the second replica could answer it with what a later one does not see yet at the first.
// Until then the session sends nothing more to the shard.

const (
	// hedgedMost and hedgedBytes bound what of one session is sent twice together.
	hedgedMost  = 32
	hedgedBytes = 64 << 10
	// triesMost bounds the late reads that are looked at on one connection at a time.
	triesMost = 64
	// measureEvery is how often it is looked up how long replicas take, turnEvery how many reads they got.
	measureEvery = time.Second
	turnEvery    = 100 * time.Millisecond
)

// Hedges send late reads to a second replica.
type Hedges struct {
	x  *Exchange
	of []hedging // by the services of the settings
}

// hedging is that of one service, with the sub-services of its users.
type hedging struct {
	when      session.Hedge
	delays    []hedge.Delay // by shard
	budget    hedge.Budget
	measureAt time.Duration
	turnAt    time.Duration
}

// SetHedge sets when reads of a service of the settings are late.
func (h *Hedges) SetHedge(service int, when session.Hedge) {
	for service >= len(h.of) {
		h.of = append(h.of, hedging{})
	}
	if of := &h.of[service]; of.when != when {
		of.when, of.delays, of.measureAt = when, nil, 0
		h.lookAfter(service)
	}
}

// lookAfter has the pool find reads that may be late.
func (h *Hedges) lookAfter(service int) {
	of := &h.of[service]
	after := of.when.After
	if of.when.P99 {
		after = measureEvery
		for i := range of.delays {
			if d := of.delays[i].After(); d > 0 {
				after = min(after, d)
			}
		}
	}
	for s := range h.x.AllServed {
		if s.Of == service {
			s.HedgeAfter(after)
		}
	}
}

// Hedge sends the reads that are late to a second replica. It is called at the end of a round, when all that has come
// was read, and does nothing as a rule.
func (h *Hedges) Hedge() {
	if !h.x.pool.HedgesDue() {
		return
	}
	next := wait.Never
	for l := range h.x.pool.All {
		if l.Key.Purpose != upstream.Replica || l.State != upstream.Open {
			continue
		}
		s := h.x.Served(l)
		of := &h.of[s.Of]
		if shard := s.View.ShardOf(l.Key.Node); shard >= 0 && !of.when.Off() {
			h.count(of, s.Of)
			h.measure(of, s)
			if at := h.look(of, s, shard, l); at < next {
				next = at
			}
		}
	}
	h.x.pool.HedgeAt(next)
}

// count takes how many reads replicas got.
func (h *Hedges) count(of *hedging, service int) {
	if h.x.clock.Now < of.turnAt {
		return
	}
	of.turnAt = h.x.clock.Now + turnEvery
	reads := uint64(0)
	for s := range h.x.AllServed {
		if s.Of == service {
			reads += s.Counted().Requests[upstream.Replica]
		}
	}
	of.budget.Turn(h.x.clock.Now, reads)
}

// measure takes how long replicas took.
func (h *Hedges) measure(of *hedging, s *sessions.Service) {
	if !of.when.P99 || h.x.clock.Now < of.measureAt {
		return
	}
	of.measureAt = h.x.clock.Now + measureEvery
	if len(of.delays) != len(s.View.Shards) {
		of.delays = make([]hedge.Delay, len(s.View.Shards))
	}
	for i := range of.delays {
		took := upstream.TookToRead(s.Servers, i)
		of.delays[i].Measure(&took)
	}
	h.lookAfter(s.Of)
}

// look looks at the requests on a connection that are late, and returns when to look again. Those that could not be
// sent to another replica, since none had the writes to their keys yet or too many were sent, are looked at once more.
func (h *Hedges) look(of *hedging, s *sessions.Service, shard int, l *upstream.Conn) time.Duration {
	after := of.when.After
	if of.when.P99 {
		if after = of.delays[shard].After(); after == 0 {
			return wait.Never
		}
	}
	next, settled, tries := wait.Never, true, triesMost
	for i := l.Inflight.After(l.HedgedTo); i < l.Inflight.Len() && tries > 0; i++ {
		t := l.Inflight.At(i)
		if !l.Queue.Sent(t.End) {
			break
		}
		if c := h.x.Session(t.To); c != nil && t.Flags == 0 {
			took := h.x.clock.Stamp.Since(c.SentAt(t.Seq, t.Part, t.Began))
			if took < after { // those behind it were sent later
				next = h.x.clock.Now + max(after-took, after/4)
				break
			}
			if under := i == 0 && (len(l.Reply) > 0 || l.Streams); !under && !l.Paused && !l.Retiring {
				settled = h.hedge(of, s, c, l, i) && settled
				tries--
			}
		}
		if hedged := l.HedgedTo; settled {
			l.LookedAt(t.End, t.End)
		} else {
			l.LookedAt(hedged, t.End)
		}
	}
	switch {
	case tries == 0: // those behind them have their turn
		l.LookedAt(l.LookedTo, l.LookedTo)
		next = h.x.clock.Now + after/4
	case !settled:
		next = min(next, h.x.clock.Now+after)
	}
	return next
}

// hedge sends all that a session has in flight to a shard, of which the oldest has this index on its connection, to
// another replica. It returns false if that was not possible, and may be later.
func (h *Hedges) hedge(of *hedging, s *sessions.Service, c *sessions.Session, l *upstream.Conn, first int) bool {
	shard := int(l.Inflight.At(first).Shard)
	n := c.InFlightAlone(shard, l, s.View.Epoch)
	if n == 0 || c.Service != s || c.Retrying() || c.Reading().OnPrimary() || l.Carries != upstream.Anybody {
		return true
	}
	count := 0 // those that are looked at again were counted
	if l.Inflight.At(first).End > l.LookedTo {
		count = n
	}
	if n > hedgedMost {
		h.tally(s, sessions.HedgeCounts{Denied: uint64(count)})
		return true
	}
	var places [hedgedMost]int
	all, size := places[:0], 0
	for i := first; i < l.Inflight.Len() && len(all) < n; i++ {
		t := l.Inflight.At(i)
		if t.To != c.Ref {
			continue
		}
		if t.Flags != 0 || t.Ahead > 0 || t.Cost > 0 || int(t.Shard) != shard || !l.Queue.Sent(t.End) {
			return true
		}
		size += len(l.FrameOf(i))
		all = append(all, i)
	}
	if len(all) != n { // an older one stays where it is
		return true
	}
	second, pure := h.second(s, c, l, shard, all)
	switch {
	case !pure:
	case second == nil:
		h.tally(s, sessions.HedgeCounts{NoReplica: uint64(count)})
		return false
	case size > hedgedBytes || !of.budget.Take(n):
		h.tally(s, sessions.HedgeCounts{Denied: uint64(count)})
		return size > hedgedBytes
	default:
		h.send(c, l, second, shard, all)
	}
	return true
}

// second returns a connection to another replica that serves all these reads. pure is false where one of them is not a
// plain read of known keys.
func (h *Hedges) second(s *sessions.Service, c *sessions.Session, l *upstream.Conn, shard int, all []int,
) (second *upstream.Conn, pure bool) {
	for n, i := range all {
		h.x.args = resp.Args(l.FrameOf(i), h.x.args[:0])
		command := s.Catalog.Row(h.x.args)
		if !isPure(command) {
			return nil, false
		}
		var d routing.Decision
		s.Catalog.Decide(&d, command, h.x.args, s.View)
		if d.Kind != routing.Forward || !d.Read || !d.Safe || d.Counts || d.Shard != shard {
			return nil, false
		}
		read := h.x.readOf(c, shard, d.Slot, h.x.KeysOf(c, &d, command, h.x.args))
		switch {
		case read == nil:
			return nil, false
		case n == 0:
			second = upstream.Second(s.Servers, l, read)
		case second != nil && !s.Serves(second, read):
			second = nil
		}
		if second == nil {
			return nil, true
		}
	}
	return second, true
}

// isPure reports whether a command does nothing but read keys, at once and at any server alike.
func isPure(command *routing.Command) bool {
	return command != nil && command.Index > 0 && command.Has(routing.Read) && !command.Has(routing.Write|
		routing.Blocking|routing.Subscribing|routing.Transaction|routing.Local|routing.Scan|routing.Everywhere|
		routing.Harmful|routing.Listening|routing.Counting|routing.Scripts|routing.RunsScript|routing.BySHA|
		routing.Replication)
}

// send sends them.
func (h *Hedges) send(c *sessions.Session, l, second *upstream.Conn, shard int, all []int) {
	now := sessions.Hedge{
		First: l, Second: second, Shard: int16(shard), N: len(all), FirstEnd: l.Inflight.At(all[0]).End,
		Sent: h.x.clock.Stamp,
	}
	for n, i := range all {
		t := l.Inflight.At(i)
		t.Hedge()
		end := h.x.pool.Send(second, *t, l.FrameOf(i), false, upstream.Anybody)
		if n == 0 {
			now.SecondEnd = end
		}
	}
	h.x.BeginHedge(c, now)
	h.tally(c.Service, sessions.HedgeCounts{Sent: uint64(len(all))})
}

// tally adds to the counters of a service, and to those of all.
func (h *Hedges) tally(s *sessions.Service, n sessions.HedgeCounts) {
	h.x.totals.Hedges.Add(&n)
	s.Counted().Hedges.Add(&n)
}

// HedgeAnswered decides for reads that are in flight on two connections, since one of them has sent the first byte of a
// reply to the oldest one. reply is the whole reply, nil if it is not there yet. good: it is no error, and was asked
// for. An error of the first replica is an answer, too, unless it rejects the read.
func (h *Hedges) HedgeAnswered(l *upstream.Conn, good bool, reply []byte) {
	t := l.Inflight.Front()
	c := h.x.Session(t.To)
	if c == nil {
		return
	}
	at := c.Hedged(t.Shard)
	first := at.First
	switch {
	case good || l == first && reply != nil && retry.Classify(reply, false) == retry.Answered:
		if h.decide(c, at, l); l != first {
			first.IsLate()
		}
	default:
		h.decide(c, at, at.Other(l))
	}
}

// GiveUpHedged has the reads that are in flight on a connection and on another one go on on the other one: this one has
// ended, or its server is silent.
func (h *Hedges) GiveUpHedged(l *upstream.Conn) {
	for t := range l.Inflight.All {
		if t.Flags&upstream.Hedged == 0 {
			continue
		}
		if c := h.x.Session(t.To); c != nil {
			at := c.Hedged(t.Shard)
			h.decide(c, at, at.Other(l))
		}
	}
}

// decide has a session go on on one of two connections, and drops what it has on the other one.
func (h *Hedges) decide(c *sessions.Session, at *sessions.Hedge, on *upstream.Conn) {
	off := at.Other(on)
	for t := range hedged(c, at, off) {
		sent := at.Sent
		if off == at.First {
			sent = c.SentAt(t.Seq, t.Part, t.Began)
		}
		t.Dropped(sent)
	}
	for t := range hedged(c, at, on) {
		t.Unhedge()
		if on == at.Second {
			c.NoteSent(t.Seq, t.Part, at.Sent)
		}
	}
	if on == at.Second {
		h.tally(c.Service, sessions.HedgeCounts{Won: uint64(at.N)})
	} else {
		h.tally(c.Service, sessions.HedgeCounts{Lost: uint64(at.N)})
	}
	h.x.EndHedge(c, at.Shard, on)
}

// hedged yields the reads on one of two connections, oldest first.
func hedged(c *sessions.Session, at *sessions.Hedge, l *upstream.Conn) func(yield func(*upstream.Pending) bool) {
	return func(yield func(*upstream.Pending) bool) {
		left := at.N
		for i := l.Inflight.After(at.End(l) - 1); left > 0 && i < l.Inflight.Len(); i++ {
			t := l.Inflight.At(i)
			if t.To != c.Ref || t.Flags&upstream.Hedged == 0 || t.Shard != at.Shard {
				continue
			}
			if left--; !yield(t) {
				return
			}
		}
	}
}

// TakeLateTime counts how long a server took for a read whose reply is dropped, since another one was faster. Were
// these not counted, reads would seem faster than they are, and be late sooner.
func (h *Hedges) TakeLateTime(l *upstream.Conn, t *upstream.Pending) {
	if t.To != (session.Ref{}) { // its client has left
		return
	}
	us := uint32(h.x.clock.Stamp.Since(t.Began) / time.Microsecond)
	l.CountTime(t, latency.BucketOf(us), us)
}
