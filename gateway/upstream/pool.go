package upstream

import (
	"math/rand/v2"
	"slices"
	"time"

	"evergate/gateway/blocks"
	"evergate/gateway/freshness"
	"evergate/gateway/wait"
	"evergate/topology"
)

// IdleAfter is how long a connection beyond the first of its Key, or one to a database that no session uses, stays open
// without a request.
const IdleAfter = 60 * time.Second

// Config is what a pool needs. It shares Clock, Rand and Blocks with its users.
type Config struct {
	Clock  *wait.Clock
	Rand   *rand.Rand
	Blocks *blocks.Pool
	Users  Users
	// Reported passes on an observation to the control plane.
	Reported func(service int, r topology.Report)
	// Settled is called once for each view of a service when demoted primaries owe nothing any more: at once when the
	// view names none.
	Settled func(service int, epoch uint64)
	// WallClock returns the time of day.
	WallClock func() time.Time
	// DedicatedMax bounds the dedicated connections to one server. Zero: no bound.
	DedicatedMax int
	// Places are how many services of the settings there may be in the life of a pool: those of users come behind them.
	Places int
}

// SetDedicatedMax replaces DedicatedMax. Connections past it are closed when no session has them.
func (p *Pool) SetDedicatedMax(max int) { p.DedicatedMax = max }

// Users are the sessions whose requests a pool carries, as it sees them. It calls these methods within its own.
type Users interface {
	// Lost settles one request of a connection that has ended; front: it is the oldest. r is valid during the call.
	Lost(l *Conn, r *Lost, front bool, why LostReason)
	// Ended is called when nothing is in flight any more on a connection that has ended. since is when it last
	// certainly worked. It returns true when the connection is not needed any more.
	Ended(l *Conn, since time.Duration) (unneeded bool)
	// Failed is called when a connection could not be opened; see Ended.
	Failed(l *Conn) (unneeded bool)
	// Rejected is called when a server rejects the credentials of the user that a connection was to be for.
	// alone: that user has no other connection.
	Rejected(l *Conn, alone bool)
	// Opened is called for a dedicated or subscription connection that was opened.
	Opened(l *Conn)
	// DedicatedLost is called for the session whose dedicated connection was lost; failed: it could not be opened.
	DedicatedLost(l *Conn, failed bool)
	// Resized is called when a connection holds fewer bytes, since requests that were not sent were dropped (Lost had
	// each of them), or when a dedicated one holds more, of the pool's own.
	Resized(l *Conn)
	// Unconfirmed settles the writes on a connection that has ended, of which it is unknown whether replicas have them.
	Unconfirmed(l *Conn)
	// GiveUp has the reads on a connection go on where they were hedged: what is in flight on it is settled next.
	GiveUp(l *Conn)
	// Usable wakes the sessions that wait for a server, Elsewhere those that may use another one now, Room those that
	// wait for a full connection.
	Usable(service int)
	Elsewhere(service int)
	Room(service int)
	// Slow moves reads that have waited for long off a connection. Silent is called when a connection has fallen
	// silent.
	Slow(l *Conn)
	Silent(l *Conn)
	// Stopped returns for how long reading from a connection may stay stopped for the reader of its reply, until it is
	// called again; 0 for no longer.
	Stopped(l *Conn) time.Duration
	// Look checks an open subscription connection.
	Look(l *Conn)
}

// Pool has the connections of a worker to servers: it dials them, closes them, and finds the one for a request. New
// makes it.
type Pool struct {
	Config
	// servers are by Index; nil where there are none, or none any more. added are those that Add added.
	servers []*Servers
	added   int
	conns   []*Conn     // by ID; nil where removed
	free    []ConnID    // IDs to reuse
	freed   [2][]ConnID // IDs of connections removed in this round, and in the one before, which the loop now closes
	sets    map[Key]*Set
	parting []*Conn // dedicated connections to close before the round ends
	written []*Conn // connections with writes that replicas must confirm, and that no WAIT follows yet
	frame   []byte  // scratch
	out     Out     // of the round under way
	shown   Out     // of the round before: the loop reads it
	counts  Stats
	marks   freshness.Marks
	looks
}

// Stats are the counters of a pool since its start.
type Stats struct {
	UpstreamInBytes  uint64
	UpstreamOutBytes uint64
	Dials            uint64
	ConnsOpened      uint64
	// ConnsSilent counts connections that fell silent.
	ConnsSilent uint64
	// ReplicasLeftOut counts how often a replica was left out of reads since it answered slowly or with errors.
	ReplicasLeftOut uint64
	// Fenced counts stale connections that were ended at a server before a new one was used.
	Fenced    uint64
	ConnsLost [LostReasons]uint64
	// AckRounds counts the WAITs that were sent, AckWrites the writes that they were to confirm.
	AckRounds uint64
	AckWrites uint64
}

// New makes a pool without connections.
func New(conf Config) *Pool {
	return &Pool{Config: conf, sets: map[Key]*Set{}, looks: looks{conf.Clock, wait.Never}}
}

// Stats returns the counters.
func (p *Pool) Stats() Stats { return p.counts }

// Turn ends a round: it returns what the loop must do, valid until the next Turn.
func (p *Pool) Turn() *Out {
	p.out, p.shown = p.shown, p.out
	p.out.reset()
	// An ID is free when the loop has closed the connection: until then an event of the old one could be taken for one
	// of the new one.
	p.free = append(p.free, p.freed[1]...)
	p.freed[0], p.freed[1] = p.freed[1][:0], p.freed[0]
	return &p.shown
}

// Idle reports whether there is nothing to do before the next timer.
func (p *Pool) Idle() bool { return len(p.parting) == 0 && p.out.Empty() }

// Conn returns the connection with this ID, or nil.
func (p *Pool) Conn(id ConnID) *Conn {
	if int(id) >= len(p.conns) {
		return nil
	}
	return p.conns[id]
}

// All yields the connections in the order of their IDs. yield may remove them.
func (p *Pool) All(yield func(*Conn) bool) {
	for _, l := range p.conns {
		if l != nil && !yield(l) {
			return
		}
	}
}

// Wanted reports whether a session waits for one more connection like this one, of which there are as many as may be.
func (p *Pool) Wanted(l *Conn) bool { return p.sets[l.Key].wanted }

// RunOf returns the run ID of a connection's server in the view; empty when not known.
func (p *Pool) RunOf(l *Conn) string { return p.sets[l.Key].RunID }

// TryServer dials one more connection like this one, if one may be dialled and none is being dialled.
func (p *Pool) TryServer(l *Conn) { p.sets[l.Key].tryServer() }

// First returns the oldest connection like this one.
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

// TryAfresh dials one more connection beside a silent one if it is time, and returns when it is the next time.
func (p *Pool) TryAfresh(l *Conn) time.Duration {
	set := p.sets[l.Key]
	set.tryAfresh()
	return set.afreshAt
}
