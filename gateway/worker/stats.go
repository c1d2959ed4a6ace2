package worker

import (
	"evergate/gateway/fanout"
	"evergate/gateway/pubsub"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Stats are a worker's counters since its start. They are read on the worker's goroutine.
//
// ClientsOpened = Clients + the sum of ClientsClosed.
type Stats struct {
	upstream.Stats
	pubsub.Counters
	ClientsOpened  uint64
	ClientsClosed  [session.TooMany + 1]uint64
	ClientInBytes  uint64
	ClientOutBytes uint64
	// Requests sent to servers, by the lane's purpose; Local were answered by the gateway itself.
	Requests [upstream.Purposes]uint64
	Local    uint64
	// Refused got an error of the gateway's own, before anything was sent.
	Refused        uint64
	ProtocolErrors uint64
	WrongPasswords uint64
	// RefusedByServer counts MOVED and the like, which no client sees; by kind.
	RefusedByServer [retry.Kinds]uint64
	// Doubted were asked of the primary again because a replica of a cluster said that something was missing.
	Doubted   uint64
	DoneAgain uint64
	// Queued are commands that were queued for an EXEC. PopsAgain are blocking pops that were sent again after their
	// connection was lost: each may have taken an element that nobody has seen.
	Queued     uint64
	PopsAgain  uint64
	Uncertain  uint64
	OutOfOrder uint64
	// Withheld are replies to writes of primaries that were being left, WithheldReleased those of them that were passed
	// on; the others count as Uncertain, or their clients left.
	Withheld         uint64
	WithheldReleased uint64
	ParkedFor        [wait.Reasons]uint64
	// Holds begun and ended. Requests that had to wait in one: Held = HoldReleased + HoldExpired + HoldLeft + those that
	// wait now. HoldRefused were refused at once because another had waited as long, HoldOverfull because too many
	// waited; WouldHaveHeld were refused where the setting is HoldDryRun.
	Holds         uint64
	HoldsEnded    uint64
	Held          uint64
	HoldReleased  uint64
	HoldExpired   uint64
	HoldLeft      uint64
	HoldRefused   uint64
	HoldOverfull  uint64
	WouldHaveHeld uint64
	// ReadElsewhere are the reads that were sent on from lanes that fell silent.
	ReadElsewhere uint64
	// Delivered are messages that were given to clients, each counted for each of its listeners. Subscriptions are
	// commands that subscribed clients.
	Delivered     uint64
	Subscriptions uint64
}

// Stats returns the counters.
func (w *Worker) Stats() *Stats {
	w.stats.Stats = w.pool.Stats()
	w.stats.Counters, w.stats.Requests[upstream.Subscription] = w.pubsub.Stats()
	return &w.stats
}

// Snapshot is a copy of the counters, and what is open now.
type Snapshot struct {
	Stats
	Clients int
	Lanes   int
	// Private are those of the lanes that are for one session at a time, Blocked the clients that wait for the answer to a
	// blocking command.
	Private int
	Blocked int
	// Parked wait for anything at all, Waiting for a server that can take their request; Silent are lanes.
	Parked  int
	Waiting int
	Silent  int
	// Feeds are lanes that carry subscriptions, Subscribers clients that listen, Topics what is subscribed to for them, by
	// fanout.Kind.
	Feeds       int
	Subscribers int
	Topics      [3]int
}

// Snapshot copies the counters of the worker.
func (w *Worker) Snapshot() Snapshot {
	s := Snapshot{Stats: *w.Stats(), Clients: w.open, Waiting: w.waiting.Sessions}
	for l := range w.pool.All {
		if l.State == upstream.Open {
			s.Lanes++
			switch l.Key.Purpose {
			case upstream.Subscription:
				s.Feeds++
			case upstream.Dedicated:
				s.Private++
			}
			if l.Silent {
				s.Silent++
			}
		}
	}
	for _, c := range w.clients {
		if c != nil && c.Reason != wait.Running {
			s.Parked++
		}
		if c != nil && c.subscribed() {
			s.Subscribers++
		}
		if c != nil && (w.isBlocked(c) || c.Reason == wait.Paused) {
			s.Blocked++
		}
	}
	for _, svc := range w.services {
		for k := range s.Topics {
			s.Topics[k] += svc.Count(fanout.Kind(k))
		}
	}
	return s
}

// Commands is how many commands were done, by servers or by the gateway.
func (s *Stats) Commands() uint64 {
	return s.Requests[upstream.Primary] + s.Requests[upstream.Replica] + s.Requests[upstream.Dedicated] + s.Local
}

// Add adds the counters of another worker.
func (s *Stats) Add(o *Stats) {
	for _, p := range [][2]*uint64{
		{&s.ClientsOpened, &o.ClientsOpened}, {&s.ClientInBytes, &o.ClientInBytes}, {&s.ClientOutBytes, &o.ClientOutBytes},
		{&s.UpstreamInBytes, &o.UpstreamInBytes}, {&s.UpstreamOutBytes, &o.UpstreamOutBytes}, {&s.Local, &o.Local},
		{&s.Refused, &o.Refused}, {&s.ProtocolErrors, &o.ProtocolErrors}, {&s.WrongPasswords, &o.WrongPasswords},
		{&s.Doubted, &o.Doubted}, {&s.DoneAgain, &o.DoneAgain}, {&s.Uncertain, &o.Uncertain}, {&s.OutOfOrder, &o.OutOfOrder},
		{&s.Queued, &o.Queued}, {&s.PopsAgain, &o.PopsAgain},
		{&s.Withheld, &o.Withheld}, {&s.WithheldReleased, &o.WithheldReleased}, {&s.ConnsSilent, &o.ConnsSilent},
		{&s.ReadElsewhere, &o.ReadElsewhere}, {&s.Fenced, &o.Fenced}, {&s.Holds, &o.Holds},
		{&s.HoldsEnded, &o.HoldsEnded}, {&s.Held, &o.Held}, {&s.HoldReleased, &o.HoldReleased},
		{&s.HoldExpired, &o.HoldExpired}, {&s.HoldLeft, &o.HoldLeft}, {&s.HoldRefused, &o.HoldRefused},
		{&s.HoldOverfull, &o.HoldOverfull}, {&s.WouldHaveHeld, &o.WouldHaveHeld},
		{&s.Dials, &o.Dials}, {&s.ConnsOpened, &o.ConnsOpened}, {&s.FeedMessages, &o.FeedMessages},
		{&s.Delivered, &o.Delivered}, {&s.Subscriptions, &o.Subscriptions}, {&s.FeedPings, &o.FeedPings},
		{&s.FeedGaps, &o.FeedGaps}, {&s.FeedGapMillis, &o.FeedGapMillis},
	} {
		*p[0] += *p[1]
	}
	add(s.ClientsClosed[:], o.ClientsClosed[:])
	add(s.Requests[:], o.Requests[:])
	add(s.RefusedByServer[:], o.RefusedByServer[:])
	add(s.ParkedFor[:], o.ParkedFor[:])
	add(s.ConnsLost[:], o.ConnsLost[:])
}

func add(to, from []uint64) {
	for i := range to {
		to[i] += from[i]
	}
}
