// Package poller asks the servers of a service for their replication offsets, as freshness.State decides, and hands it
// the answers. Begin with Run. It decides nothing: one goroutine owns the State, and one for each server that is polled
// waits for its answer, so that a slow server delays no other.
package poller

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/freshness"
	"evergate/topology"
)

// idle is how long a connection to a server is kept without a question.
const idle = 30 * time.Second

// Connection asks one server over a connection of its own. One goroutine uses it.
type Connection interface {
	// Ask returns what the server reports; it opens a connection if there is none.
	Ask(ctx context.Context) (topology.RoleSeen, error)
	// Close closes the connection.
	Close()
}

// Options of a Poller. All are needed.
type Options struct {
	Service *freshness.Service
	// Wake is nudged by the Service; see Nudge.
	Wake <-chan struct{}
	// Open returns a Connection to the server at an address, without connecting.
	Open func(addr string) Connection
	// Refused reports whether the error of an Ask is the server's: it does not permit the question.
	Refused func(error) bool
	Logger  hclog.Logger
}

// Poller polls the servers of one service.
type Poller struct {
	Options
	state   *freshness.State
	answers chan answer
	// servers are those with a goroutine, by address. Run alone uses the map.
	servers map[string]*server
	running sync.WaitGroup
	// refused has the addresses of servers that were reported, since they do not permit the question.
	refused map[string]bool
}

// server is one that is polled. Its goroutine ends when questions is closed.
type server struct {
	questions chan freshness.Ask
	// usedAt is when it was last asked; owes: its answer is on its way.
	usedAt time.Time
	owes   bool
}

type answer struct {
	ask  freshness.Ask
	seen topology.RoleSeen
	err  error
}

// Waker returns a channel for Options.Wake, and the function that wakes through it. The function never blocks.
func Waker() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	return c, func() {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// New returns a Poller that does not run.
func New(o Options) *Poller {
	return &Poller{Options: o, state: freshness.NewState(o.Service), answers: make(chan answer),
		servers: map[string]*server{}, refused: map[string]bool{}}
}

// Run polls until ctx ends, and returns when all connections are closed.
func (p *Poller) Run(ctx context.Context) {
	defer p.running.Wait()
	defer p.retire(time.Time{})
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		now := time.Now()
		p.retire(now.Add(-idle))
		asks, wait := p.state.Next(now)
		for _, ask := range asks {
			p.ask(ctx, ask, now)
		}
		if wait < 0 && len(p.servers) == 0 {
			timer.Stop()
		} else if wait < 0 || wait > idle {
			timer.Reset(idle)
		} else {
			timer.Reset(wait)
		}
		select {
		case <-p.Wake:
		case a := <-p.answers:
			p.take(a)
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask passes a question to the goroutine of its server, which is started if there is none.
func (p *Poller) ask(ctx context.Context, ask freshness.Ask, now time.Time) {
	s := p.servers[ask.Addr]
	if s == nil {
		s = &server{questions: make(chan freshness.Ask, 1)}
		p.servers[ask.Addr] = s
		p.running.Go(func() { p.serve(ctx, s.questions, p.Open(ask.Addr)) })
	}
	s.usedAt, s.owes = now, true
	s.questions <- ask // it owes no other answer
}

// serve asks one server.
func (p *Poller) serve(ctx context.Context, questions <-chan freshness.Ask, c Connection) {
	defer c.Close()
	for ask := range questions {
		seen, err := c.Ask(ctx)
		select {
		case p.answers <- answer{ask, seen, err}:
		case <-ctx.Done():
			return
		}
	}
}

// retire ends the goroutines of servers that were last asked before since; all of them if since is zero.
func (p *Poller) retire(since time.Time) {
	for addr, s := range p.servers {
		if since.IsZero() || !s.owes && s.usedAt.Before(since) {
			close(s.questions)
			delete(p.servers, addr)
		}
	}
}

// take hands an answer to the State.
func (p *Poller) take(a answer) {
	if s := p.servers[a.ask.Addr]; s != nil {
		s.owes = false
	}
	given := freshness.Answer{Role: a.seen.Role, RunID: a.seen.RunID, ReplID: a.seen.ReplID, Offset: a.seen.Offset,
		Syncing: a.seen.Syncing}
	switch {
	case a.err == nil:
		delete(p.refused, a.ask.Addr)
	case p.Refused(a.err):
		given.Outcome = freshness.Refused
		if !p.refused[a.ask.Addr] {
			p.refused[a.ask.Addr] = true
			p.Logger.Warn("server rejected INFO, reads go to the primary", "server", a.ask.Addr, "error", a.err.Error())
		}
	default:
		given.Outcome = freshness.Lost
	}
	p.state.Answered(a.ask, given, time.Now())
}
