package outage

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/upstream"
	"evergate/topology"
)

// Servers logs connections to servers that were lost, went silent or could not be opened. A trouble that repeats is
// logged once, and while it goes on once per logPause again, with the number of repetitions.
type Servers struct {
	logger  hclog.Logger
	clock   func() time.Time
	reports chan connReport

	mu     sync.Mutex
	logged map[trouble]*repeated
}

const (
	logPause = time.Minute
	// reportsMax is how many reports may be queued; workers never wait to send one.
	reportsMax = 64
	// sameDial is how soon after a failed dial a worker's report of a lost connection only repeats it.
	sameDial = time.Second
)

// The troubles, as the constant messages of the log.
const (
	cannotConnect  = "server connection failed"
	connectionLost = "server connection lost"
	serverSilent   = "server not responding"
	userRejected   = "server rejects a user"
)

type trouble struct {
	service    string
	addr, what string
	user       string // of a userRejected
}

// repeated is a trouble that was logged, and has come again since.
type repeated struct {
	loggedAt, lastAt time.Time
	since            int
}

type connReport struct {
	service string
	report  topology.Report
}

// NewServers makes the log of the servers of all services.
func NewServers(logger hclog.Logger) *Servers {
	return &Servers{logger: logger, clock: time.Now, reports: make(chan connReport, reportsMax),
		logged: map[trouble]*repeated{}}
}

// Report queues what a worker saw at a service. It never blocks; a report that does not fit is dropped.
func (l *Servers) Report(service string, r topology.Report) {
	if r.Kind != topology.ConnectionLost && r.Kind != topology.ConnectionSilent {
		return
	}
	select {
	case l.reports <- connReport{service, r}:
	default:
	}
}

// Run logs the reports until ctx ends. view returns the newest view of a service, which has the nodes'
// addresses; nil if it is gone.
func (l *Servers) Run(ctx context.Context, view func(service string) *topology.View) {
	for {
		select {
		case r := <-l.reports:
			v := view(r.service)
			if v == nil || int(r.report.Node) >= len(v.Nodes) || v.Nodes[r.report.Node] == nil {
				continue // it has left the topology
			}
			what := connectionLost
			if r.report.Kind == topology.ConnectionSilent {
				what = serverSilent
			}
			l.note(trouble{service: r.service, addr: v.Nodes[r.report.Node].Addr, what: what}, nil)
		case <-ctx.Done():
			return
		}
	}
}

// Dialled logs one dial for a service, for debugging. Dedicated connections are as many as there are clients that block
// or watch: those are logged at trace.
func (l *Servers) Dialled(service string, to upstream.Dial, took time.Duration, err error) {
	level := hclog.Debug
	if to.Dedicated || to.Bypass {
		level = hclog.Trace
	}
	outcome := "opened"
	if err != nil {
		outcome = err.Error()
	}
	l.logger.Log(level, "server dialed", "service", service, "server", to.Addr, "protocol", to.Proto,
		"database", to.DB, "dedicated", to.Dedicated, "duration", took.Round(time.Microsecond).String(), "result", outcome)
}

// DialFailed logs a connection of a service that could not be opened. The error shows no password.
func (l *Servers) DialFailed(service string, to upstream.Dial, err error) {
	if errors.Is(err, upstream.ErrNotAuthenticated) {
		l.note(trouble{service: service, addr: to.Addr, what: userRejected, user: to.As.User()}, err)
		return
	}
	l.note(trouble{service: service, addr: to.Addr, what: cannotConnect}, err)
}

func (l *Servers) note(t trouble, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	dial := l.logged[trouble{service: t.service, addr: t.addr, what: cannotConnect}]
	if t.what == connectionLost && dial != nil && now.Sub(dial.lastAt) < sameDial {
		return
	}
	r := l.logged[t]
	if r != nil && now.Sub(r.loggedAt) < logPause {
		r.since++
		r.lastAt = now
		return
	}
	pairs := []any{"service", t.service, "server", t.addr}
	if t.what == userRejected {
		pairs = append(pairs, "user", t.user)
	}
	if err != nil {
		pairs = append(pairs, "error", err)
	}
	if r != nil && r.since > 0 {
		pairs = append(pairs, "repeated", r.since)
	}
	for other, old := range l.logged {
		if now.Sub(old.lastAt) >= logPause {
			delete(l.logged, other)
		}
	}
	l.logged[t] = &repeated{loggedAt: now, lastAt: now}
	l.logger.Warn(t.what, pairs...)
}
