package upstream

import (
	"errors"
	"time"

	"evergate/gateway/session"
	"evergate/topology"
)

const (
	// RedialMin and RedialMax bound the pause between two dials that fail; the first redial is immediate.
	RedialMin = 50 * time.Millisecond
	RedialMax = time.Second
	// dialGrace is how long a read waits for a replica that is being dialled while other servers could serve it.
	dialGrace = 100 * time.Millisecond
	// SteadyAfter is how long a connection must have been open to be redialled at once when it ends.
	SteadyAfter = time.Second
)

// Dial is a connection that the loop must make. The reply is Opened or Closed.
type Dial struct {
	Conn    ConnID
	Service int // that of the settings
	Addr    string
	Proto   uint8
	DB      int32
	// ReadOnly: send READONLY first, since it is a replica of a cluster.
	ReadOnly bool
	// As are the credentials of the user that the connection is for; nil: the gateway's own.
	As *session.Credentials
	// RunID is the run ID that the server must have, or else the dial fails with ErrOtherRun. Empty: any; nor is it an
	// error when the server does not report one.
	RunID string
	// Dedicated: it serves a single session, and may wait until others of its kind were made.
	Dedicated bool
	// Bypass: the server may be busy with a script, and then executes nothing but what stops that. So the connection is
	// not set up, and the identity of the server is not verified.
	Bypass bool
	// Kill are the client IDs of connections to end (CLIENT KILL ID) before anything else is sent, if the server is in
	// the run KillIn.
	Kill   []int64
	KillIn string
}

// Greeting is what the server reported during the dial.
type Greeting struct {
	Client int64  // its ID of the connection (CLIENT ID); 0 when not reported
	RunID  string // its run ID; empty when not reported
	// OwnOffset: WAIT counts only what was written on its own connection.
	OwnOffset bool
}

// ErrOtherRun: a server that was dialled has another run ID than Dial.RunID. It has restarted, or is another one.
var ErrOtherRun = errors.New("the server has another run id than the topology knows")

// ErrNotAuthenticated: a server that was dialled rejects the credentials in Dial.As.
var ErrNotAuthenticated = errors.New("the server rejects the user or the password")

// dial makes the loop dial a connection, which has the stale ones ended at its server.
func (p *Pool) dial(l *Conn) {
	set := p.sets[l.Key]
	s := p.servers[l.Key.Service]
	killIn := set.RunID
	l.State, l.DialledAt, l.Now = Dialing, p.Clock.Now, l.Key.Setup
	p.Clock.At(p.Clock.Now + dialGrace)
	p.counts.Dials++
	l.dial = p.counts.Dials
	l.RunID, l.Kill = set.RunID, nil
	if !l.Bypass {
		l.ended = s.kill.newest.Load()
		l.Kill, killIn = l.ended.at(l.Key.Node, set.RunID)
	}
	for _, other := range set.conns { // what was sent there must not be executed behind what is sent here
		if other.Retiring && other.State == Open && other.Client > 0 && other.RunID == killIn {
			l.Kill = append(l.Kill, other.Client)
		}
	}
	p.out.Dials = append(p.out.Dials, Dial{
		Conn: l.ID, Service: s.Of, As: s.As, Addr: set.addr, Proto: l.Key.Proto, DB: l.Key.DB, RunID: l.RunID,
		Kill: l.Kill, KillIn: killIn, Bypass: l.Bypass, Dedicated: l.Key.Purpose == Dedicated && !l.Bypass,
		ReadOnly: l.Key.Purpose == Replica && s.View.IsSharded(),
	})
}

// redial plans the next dial: soon, then after growing pauses, at random so that workers do not dial together. A
// connection that is not needed is removed instead.
func (p *Pool) redial(l *Conn) {
	set := p.sets[l.Key]
	if l.Retiring || !set.needed() || len(set.conns) > 1 && set.conns[0] != l || l.Key.Purpose == Dedicated {
		l.State = Waiting
		p.Remove(l, DialFailed)
		if l.Key.Purpose != Dedicated {
			p.Users.Elsewhere(l.Key.Service)
		}
		return
	}
	l.Attempts++
	pause := min(RedialMax, RedialMin<<min(l.Attempts-1, 10))
	l.State = Waiting
	l.RedialAt = p.Clock.Now + pause/2 + time.Duration(p.Rand.Int64N(int64(pause)))
	p.Clock.At(l.RedialAt)
	if l.Attempts == 1 {
		p.Users.Elsewhere(l.Key.Service) // reads may go elsewhere
	}
}

// Opened handles a connection that was opened and set up.
func (p *Pool) Opened(id ConnID, met Greeting) {
	l := p.conns[id]
	if l != nil && l.State == Open {
		return
	}
	if l == nil || l.State != Dialing {
		p.out.CloseConns = append(p.out.CloseConns, id) // it was removed meanwhile
		return
	}
	l.State, l.OpenedAt, l.UsedAt = Open, p.Clock.Now, p.Clock.Now
	p.sets[l.Key].rejects = false
	l.Client, l.OwnOffset = met.Client, met.OwnOffset
	if met.RunID != "" {
		l.RunID = met.RunID
	}
	if l.Key.Purpose == Replica {
		l.proven = p.servers[l.Key.Service].fresh.Open(met.RunID)
		l.health.letIn(p.Clock.Now)
	}
	if len(l.Kill) > 0 {
		p.counts.Fenced += uint64(p.servers[l.Key.Service].kill.Killed(l.Key.Node, l.RunID, l.Kill))
	}
	l.Kill = nil
	p.servers[l.Key.Service].lateOpened(l)
	p.counts.ConnsOpened++
	l.measured.Conns.Opened++
	switch l.Key.Purpose {
	case Dedicated:
		p.sets[l.Key].failing = false
		p.Users.Opened(l)
	case Subscription:
		p.Users.Opened(l)
	default:
		p.Users.Usable(l.Key.Service)
	}
}

// Closed handles a connection that ended, or could not be opened.
func (p *Pool) Closed(id ConnID, why LostReason) {
	l := p.conns[id]
	if l == nil {
		return
	}
	if l.State == Open {
		p.conns[id].Dirty = false
		p.lost(l, why)
		return
	}
	if l.State != Dialing || why == PeerClosed {
		return // the end of the one before, which was closed a moment ago
	}
	p.counts.lost(l, why)
	if why == NotAuthenticated {
		p.servers[l.Key.Service].notAuthenticated(l)
		return
	}
	p.sets[l.Key].rejects = false
	if why == OtherRun {
		p.Report(l, topology.OtherRun)
	} else {
		p.Report(l, topology.ConnectionLost)
		if set := p.sets[l.Key]; len(set.conns) > 1 && why == DialFailed {
			set.singleUntil = p.Clock.Now + RedialMax
		}
	}
	if p.Users.Failed(l) {
		p.Remove(l, DialFailed)
		return
	}
	p.redial(l)
}
