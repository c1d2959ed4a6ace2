package upstream

import (
	"math/rand/v2"
	"slices"
	"time"

	"evergate/gateway/blocks"
	"evergate/gateway/wait"
	"evergate/topology"
)

// IdleAfter is how long an additional connection may be unused.
const IdleAfter = 60 * time.Second

// Config of a pool, which shares Clock, Rand and Blocks with its users.
type Config struct {
	Clock  *wait.Clock
	Rand   *rand.Rand
	Blocks *blocks.Pool
	Users  Users
	// Reported passes on what was seen on a connection.
	Reported func(service int, r topology.Report)
	// Settled says that nothing is owed any more by the demoted primaries of a service's view with this epoch, once a
	// view: at once when it names none.
	Settled func(service int, epoch uint64)
	// DedicatedMax bounds the connections to one server that each belong to a session alone. Zero: no bound.
	DedicatedMax int
}

// Users are the sessions whose requests a pool carries. Their methods are called in the middle of its own.
type Users interface {
	// Lost settles one request of a connection that ended; front: it is the oldest.
	Lost(l *Conn, r *Lost, front bool, why LostReason)
	// Ended takes note that nothing is under way any more on a connection that has ended. since is when it was last
	// sure to bring all. It returns true when the connection is not needed any more.
	Ended(l *Conn, since time.Duration) (unneeded bool)
	// Failed takes note that a connection could not be made; see ended.
	Failed(l *Conn) (unneeded bool)
	// Opened takes note of a connection that is one session's own, or carries subscriptions.
	Opened(l *Conn)
	// DedicatedLost takes note that a session has lost its own connection; failed: it could not be made.
	DedicatedLost(l *Conn, failed bool)
	// Usable wakes who waits for a server, elsewhere those who may go to another one now, room those who wait for a
	// full connection.
	Usable(service int)
	Elsewhere(service int)
	Room(service int)
	// Slow has reads go elsewhere that have waited for long, silent takes note that a connection has fallen silent.
	Slow(l *Conn)
	Silent(l *Conn)
	// Stopped returns for how long reading from a connection may go on to be stopped for the reader of its reply until
	// that is asked again; 0 for no longer.
	Stopped(l *Conn) time.Duration
	// Look looks after an open connection that carries subscriptions.
	Look(l *Conn)
}

// Pool has the connections of a worker to servers. It makes them, ends them, and finds the one for a request.
type Pool struct {
	Config
	servers []*Servers
	conns   []*Conn     // by id; nil where removed
	free    []ConnID    // ids to use again
	freed   [2][]ConnID // ids of removed connections: not yet told to the loop, and told in the round under way
	sets    map[Key]*Set
	parting []*Conn // dedicated connections to close before the round ends
	out     Out     // being filled
	shown   Out     // in the hands of the loop
	counts  Stats
}

// Stats are a pool's counters.
type Stats struct {
	UpstreamInBytes  uint64
	UpstreamOutBytes uint64
	Dials            uint64
	ConnsOpened      uint64
	// ConnsSilent counts connections that fell silent.
	ConnsSilent uint64
	// Fenced counts old connections that were ended at a server before a new one was used.
	Fenced    uint64
	ConnsLost [LostReasons]uint64
}

// New makes a pool without connections.
func New(conf Config) *Pool {
	return &Pool{Config: conf, sets: map[Key]*Set{}}
}

// Stats returns the counters.
func (p *Pool) Stats() Stats { return p.counts }

// Turn ends a round: it returns what the loop must do, valid until the next turn.
func (p *Pool) Turn() *Out {
	p.out, p.shown = p.shown, p.out
	p.out.reset()
	// The number of a connection is free when the loop has closed the connection: until then an event of the old one
	// must not be taken for one of the new.
	p.free = append(p.free, p.freed[1]...)
	p.freed[0], p.freed[1] = p.freed[1][:0], p.freed[0]
	return &p.shown
}

// Idle reports whether nothing is to be done before the next timer.
func (p *Pool) Idle() bool { return len(p.parting) == 0 && p.out.Empty() }

// Conn returns the connection of a number, or nil.
func (p *Pool) Conn(id ConnID) *Conn {
	if int(id) >= len(p.conns) {
		return nil
	}
	return p.conns[id]
}

// All yields the connections in the order of their numbers. They may be removed meanwhile.
func (p *Pool) All(yield func(*Conn) bool) {
	for _, l := range p.conns {
		if l != nil && !yield(l) {
			return
		}
	}
}

// Wanted reports whether somebody waits for one more connection like this one, of which there are as many as may be.
func (p *Pool) Wanted(l *Conn) bool { return p.sets[l.Key].wanted }

// RunOf is the run id of the server of a connection, as far as the view knows it.
func (p *Pool) RunOf(l *Conn) string { return p.sets[l.Key].RunID }

// TryServer sees to it that one more connection like this one is being made, if one may be.
func (p *Pool) TryServer(l *Conn) { p.sets[l.Key].tryServer() }

// First is the oldest connection like this one.
func (p *Pool) First(l *Conn) *Conn { return p.sets[l.Key].conns[0] }

// Alone reports whether there is no other connection like this one.
func (p *Pool) Alone(l *Conn) bool { return len(p.sets[l.Key].conns) == 1 }

// OnlyThis removes all other connections like this one.
func (p *Pool) OnlyThis(l *Conn) {
	for _, other := range slices.Clone(p.sets[l.Key].conns) {
		if other != l {
			p.Remove(other, Replaced)
		}
	}
}

// TryAfresh opens one more connection beside a silent one if it is time for it, and returns when it is again.
func (p *Pool) TryAfresh(l *Conn) time.Duration {
	set := p.sets[l.Key]
	set.tryAfresh()
	return set.afreshAt
}
