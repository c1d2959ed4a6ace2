package worker

import (
	"evergate/gateway/backend"
	"evergate/gateway/session"
)

// Stats are a worker's counters since its start. They are read on the worker's goroutine.
//
// ClientsOpened = Clients + the sum of ClientsClosed.
type Stats struct {
	ClientsOpened    uint64
	ClientsClosed    [session.TooMany + 1]uint64
	ClientInBytes    uint64
	ClientOutBytes   uint64
	UpstreamInBytes  uint64
	UpstreamOutBytes uint64
	// Requests sent to servers, by the lane's purpose; Local were answered by the gateway itself.
	Requests [backend.Replica + 1]uint64
	Local    uint64
	// Refused got an error of the gateway's own, before anything was sent.
	Refused        uint64
	ProtocolErrors uint64
	WrongPasswords uint64
	// RefusedByServer counts MOVED and the like, which no client sees; by refusal.
	RefusedByServer [noScript + 1]uint64
	DoneAgain       uint64
	Uncertain       uint64
	OutOfOrder      uint64
	// Withheld are replies to writes of primaries that were being left, Released those of them that were passed on; the
	// others count as Uncertain, or their clients left.
	Withheld    uint64
	Released    uint64
	ParkedFor   [session.Asking + 1]uint64
	HoldsEnded  uint64
	Dials       uint64
	LanesOpened uint64
	// LanesSilent counts lanes that fell silent, ReadElsewhere the reads that were sent on from them.
	LanesSilent   uint64
	ReadElsewhere uint64
	LanesLost     [backend.NotAuthenticated + 1]uint64
}

// Stats returns the counters.
func (w *Worker) Stats() *Stats { return &w.stats }

// Snapshot is a copy of the counters, and what is open now.
type Snapshot struct {
	Stats
	Clients int
	Lanes   int
	Parked  int
}

// Snapshot copies the counters of the worker.
func (w *Worker) Snapshot() Snapshot {
	s := Snapshot{Stats: w.stats, Clients: w.open}
	for _, l := range w.lanes {
		if l != nil && l.State == backend.Open {
			s.Lanes++
		}
	}
	for _, c := range w.clients {
		if c != nil && c.Parked != session.Running {
			s.Parked++
		}
	}
	return s
}

// Commands is how many commands were done, by servers or by the gateway.
func (s *Stats) Commands() uint64 {
	return s.Requests[backend.Primary] + s.Requests[backend.Replica] + s.Local
}

// Add adds the counters of another worker.
func (s *Stats) Add(o *Stats) {
	for _, p := range [][2]*uint64{
		{&s.ClientsOpened, &o.ClientsOpened}, {&s.ClientInBytes, &o.ClientInBytes}, {&s.ClientOutBytes, &o.ClientOutBytes},
		{&s.UpstreamInBytes, &o.UpstreamInBytes}, {&s.UpstreamOutBytes, &o.UpstreamOutBytes}, {&s.Local, &o.Local},
		{&s.Refused, &o.Refused}, {&s.ProtocolErrors, &o.ProtocolErrors}, {&s.WrongPasswords, &o.WrongPasswords},
		{&s.DoneAgain, &o.DoneAgain}, {&s.Uncertain, &o.Uncertain}, {&s.OutOfOrder, &o.OutOfOrder},
		{&s.Withheld, &o.Withheld}, {&s.Released, &o.Released}, {&s.LanesSilent, &o.LanesSilent},
		{&s.ReadElsewhere, &o.ReadElsewhere},
		{&s.HoldsEnded, &o.HoldsEnded}, {&s.Dials, &o.Dials}, {&s.LanesOpened, &o.LanesOpened},
	} {
		*p[0] += *p[1]
	}
	add(s.ClientsClosed[:], o.ClientsClosed[:])
	add(s.Requests[:], o.Requests[:])
	add(s.RefusedByServer[:], o.RefusedByServer[:])
	add(s.ParkedFor[:], o.ParkedFor[:])
	add(s.LanesLost[:], o.LanesLost[:])
}

func add(to, from []uint64) {
	for i := range to {
		to[i] += from[i]
	}
}
