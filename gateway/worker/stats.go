package worker

import (
	"time"

	"evergate/gateway/exchange"
	"evergate/gateway/fanout"
	"evergate/gateway/latency"
	"evergate/gateway/pubsub"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/throttle"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// Stats are a worker's counters since its start. They are read on the worker's goroutine.
//
// ClientsOpened = Clients + the sum of ClientsClosed.
type Stats struct {
	exchange.Totals
	upstream.Stats
	pubsub.Counters
	Counts
	// Rates counts the requests that a rate held up or refused.
	Rates throttle.Counts
	// Notified counts the notices that were sent to clients, of holds and of a drain.
	Notified uint64
}

// Counts are the worker's own counters.
type Counts struct {
	ClientInBytes  uint64
	ProtocolErrors uint64
	WrongPasswords uint64
	// Denied are requests that the rights of their users do not allow.
	Denied uint64
	// RefusedByServer counts MOVED and the like, which no client sees; by kind.
	RefusedByServer [retry.Kinds]uint64
	// Queued are commands that were queued for an EXEC.
	Queued uint64
	// Subscriptions are commands that subscribed clients.
	Subscriptions uint64
}

// Stats returns the counters.
func (w *Worker) Stats() *Stats {
	totals := w.x.Totals()
	w.sums = Stats{Stats: w.pool.Stats(), Counts: w.counts}
	w.sums.Counters, totals.Requests[upstream.Subscription] = w.pubsub.Stats()
	w.sums.Totals, w.sums.Rates = totals, w.throttle.Counts()
	w.sums.Notified = w.notices.Sent()
	w.sums.Queued, w.sums.Subscriptions = w.transactions.Queued(), w.subscribers.Count()
	return &w.sums
}

// Snapshot is a copy of the counters, and what is open now.
type Snapshot struct {
	Stats
	Clients int
	Conns   int
	// ClientMemory is how many bytes are kept for clients.
	ClientMemory int
	// Dedicated are those of the connections that are for one session at a time, Blocked the clients that wait for the
	// answer to a blocking command.
	Dedicated int
	Blocked   int
	// AskedNotices are the clients that asked for notices.
	AskedNotices int
	// BlockedSessions wait for anything at all, Waiting for a server that can take their request; Silent are connections.
	BlockedSessions int
	Waiting         int
	Silent          int
	// SubscriptionConns are connections that carry subscriptions, Subscribers clients that listen, Topics what is
	// subscribed to for them, by fanout.Kind.
	SubscriptionConns int
	Subscribers       int
	Topics            [3]int
	// Rounds are how long rounds took in which a socket was ready.
	Rounds latency.Histogram
	// Services has what is open of each service in the settings, and of each Sentinel facade behind them.
	Services []OfService
}

// OfService is what a worker has open of one service.
type OfService struct {
	// Clients are connected, Waiting of them have a request that waits for a server. Longest is the longest wait of one,
	// of those that wait, and those that ended it in the last second or two.
	Clients, Waiting int
	Longest          time.Duration
	sessions.Counts
	// Took are the times from the arrival of a request, or its first wait, to the reply of a server. The wait of a
	// blocking command is not among them. ByGroup are the same by the group of the command; nil: none.
	Took    latency.Histogram
	ByGroup [routing.Groups]*latency.Histogram
	// Nodes are those that have, or had, a connection, by their NodeID.
	Nodes map[topology.NodeID]AtNode
}

// Add adds what another worker has open, or the same one for another service.
func (s *OfService) Add(o *OfService) {
	s.Clients, s.Waiting = s.Clients+o.Clients, s.Waiting+o.Waiting
	s.Longest = max(s.Longest, o.Longest)
	s.Counts.Add(&o.Counts)
	s.Took.Merge(&o.Took)
	for g, h := range o.ByGroup {
		latency.Sum(&s.ByGroup[g], h)
	}
	if s.Nodes == nil {
		s.Nodes = map[topology.NodeID]AtNode{}
	}
	for id, at := range o.Nodes {
		sum := s.Nodes[id]
		sum.Conns, sum.InFlight, sum.Silent = sum.Conns+at.Conns, sum.InFlight+at.InFlight, sum.Silent+at.Silent
		sum.Requests, sum.LeftOut = sum.Requests+at.Requests, sum.LeftOut || at.LeftOut
		sum.Counted.Add(&at.Counted)
		for op, h := range at.Took {
			latency.Sum(&sum.Took[op], h)
		}
		s.Nodes[id] = sum
	}
}

// AtNode are the open connections to a node, and the requests in flight there. Silent are connections that owe a reply.
// LeftOut: the node is left out of reads.
type AtNode struct {
	Conns, InFlight, Silent int
	LeftOut                 bool
	// Requests is how many it has answered since the start, Took are the times that it took, as in upstream.Measured: of
	// reads, and of writes; nil: none.
	Requests uint64
	Took     [2]*latency.Histogram
	// Counted are the connections that there were since the start.
	Counted upstream.ConnCounts
}

// Times are those of reads and writes.
func (a AtNode) Times() (all latency.Histogram) {
	for _, h := range a.Took {
		if h != nil {
			all.Merge(h)
		}
	}
	return all
}

// measured adds what was measured of a node.
func (s *OfService) measured(node topology.NodeID, m *upstream.Measured) {
	at := s.Nodes[node]
	at.Requests += m.Answers
	if m.Took != nil {
		at.Counted.Add(m.Conns)
		for op := range m.Took {
			latency.Sum(&at.Took[op], &m.Took[op])
		}
	}
	s.Nodes[node] = at
}

// timed adds the times of commands, by their Index.
func (s *OfService) timed(byCommand []*latency.Histogram) {
	for i, h := range byCommand {
		if h != nil {
			s.Took.Merge(h)
			latency.Sum(&s.ByGroup[routing.GroupOf(i)], h)
		}
	}
}

// add adds an open connection.
func (s *OfService) add(l *upstream.Conn) {
	at := s.Nodes[l.Key.Node]
	at.Conns++
	at.InFlight += l.Inflight.Len()
	if l.Silent {
		at.Silent++
	}
	at.LeftOut = at.LeftOut || l.LeftOut()
	s.Nodes[l.Key.Node] = at
}

// Snapshot copies the counters of the worker.
func (w *Worker) Snapshot() Snapshot {
	s := Snapshot{Stats: *w.Stats(), Clients: w.x.Clients(), ClientMemory: w.x.Used(), Waiting: w.x.Held(),
		Rounds: w.rounds, Services: make([]OfService, len(w.conf.Services))}
	for i := range s.Services {
		s.Services[i].Nodes = map[topology.NodeID]AtNode{}
		s.Services[i].timed(w.latency.Of(i))
	}
	w.pool.Measured(func(of int, node topology.NodeID, m *upstream.Measured) { s.Services[of].measured(node, m) })
	for l := range w.pool.All {
		if l.State == upstream.Open {
			s.Conns++
			s.Services[w.services[l.Key.Service].Servers.Of].add(l)
			switch l.Key.Purpose {
			case upstream.Subscription:
				s.SubscriptionConns++
			case upstream.Dedicated:
				s.Dedicated++
			}
			if l.Silent {
				s.Silent++
			}
		}
	}
	for c := range w.x.All {
		of := &s.Services[c.Service.Of]
		of.Clients++
		if c.WaitsSince > 0 {
			of.Waiting++
			of.Longest = max(of.Longest, w.clock.Now-c.WaitsSince)
		}
		if c.Reason != wait.Running {
			s.BlockedSessions++
		}
		if c.Notices.Has(session.NoticesAsked) {
			s.AskedNotices++
		}
		if c.Subscribed() {
			s.Subscribers++
		}
		if c.AwaitsBlocking() || c.Reason == wait.Paused {
			s.Blocked++
		}
	}
	for served := range w.x.AllServed {
		of := &s.Services[served.Of]
		of.Counts.Add(served.Counted())
		of.Longest = max(of.Longest, served.LongestWait())
	}
	for svc := range w.services.All {
		for k := range s.Topics {
			s.Topics[k] += svc.Count(fanout.Kind(k))
		}
	}
	return s
}

// Counted adds the counters of all services.
func (s *Snapshot) Counted() (sum sessions.Counts) {
	for i := range s.Services {
		sum.Add(&s.Services[i].Counts)
	}
	return sum
}

// Commands is how many commands were done, by servers or by the gateway.
func (s *Stats) Commands() uint64 {
	return s.Requests[upstream.Primary] + s.Requests[upstream.Replica] + s.Requests[upstream.Dedicated] +
		s.Requests[upstream.Acked] + s.Local
}

// Add adds the counters of another worker.
func (s *Stats) Add(o *Stats) {
	for _, p := range [][2]*uint64{
		{&s.ClientsOpened, &o.ClientsOpened}, {&s.ClientInBytes, &o.ClientInBytes}, {&s.ClientOutBytes, &o.ClientOutBytes},
		{&s.UpstreamInBytes, &o.UpstreamInBytes}, {&s.UpstreamOutBytes, &o.UpstreamOutBytes}, {&s.Local, &o.Local},
		{&s.Refused, &o.Refused}, {&s.ProtocolErrors, &o.ProtocolErrors}, {&s.WrongPasswords, &o.WrongPasswords},
		{&s.Denied, &o.Denied}, {&s.Rates.Waited, &o.Rates.Waited}, {&s.Rates.Refused, &o.Rates.Refused},
		{&s.Suspected, &o.Suspected}, {&s.Retried, &o.Retried}, {&s.Uncertain, &o.Uncertain}, {&s.OutOfOrder, &o.OutOfOrder},
		{&s.Queued, &o.Queued}, {&s.PopsRetried, &o.PopsRetried},
		{&s.Withheld, &o.Withheld}, {&s.WithheldReleased, &o.WithheldReleased}, {&s.ConnsSilent, &o.ConnsSilent},
		{&s.ReplicasLeftOut, &o.ReplicasLeftOut},
		{&s.ReadElsewhere, &o.ReadElsewhere}, {&s.Fenced, &o.Fenced}, {&s.Holds, &o.Holds},
		{&s.HoldsEnded, &o.HoldsEnded}, {&s.Held, &o.Held}, {&s.HoldReleased, &o.HoldReleased},
		{&s.HoldExpired, &o.HoldExpired}, {&s.HoldLeft, &o.HoldLeft}, {&s.HoldRefused, &o.HoldRefused},
		{&s.HoldOverfull, &o.HoldOverfull}, {&s.WouldHaveHeld, &o.WouldHaveHeld},
		{&s.Dials, &o.Dials}, {&s.ConnsOpened, &o.ConnsOpened}, {&s.Messages, &o.Messages},
		{&s.Delivered, &o.Delivered}, {&s.Subscriptions, &o.Subscriptions}, {&s.Pings, &o.Pings}, {&s.Notified, &o.Notified},
		{&s.Gaps, &o.Gaps}, {&s.GapMillis, &o.GapMillis},
		{&s.AckRounds, &o.AckRounds}, {&s.AckWrites, &o.AckWrites},
	} {
		*p[0] += *p[1]
	}
	s.Hedges.Add(&o.Hedges)
	add(s.ClientsClosed[:], o.ClientsClosed[:])
	add(s.Requests[:], o.Requests[:])
	add(s.RefusedByServer[:], o.RefusedByServer[:])
	add(s.BlockedFor[:], o.BlockedFor[:])
	add(s.ConnsLost[:], o.ConnsLost[:])
}

func add(to, from []uint64) {
	for i := range to {
		to[i] += from[i]
	}
}
