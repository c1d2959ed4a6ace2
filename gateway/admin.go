package gateway

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/facade"
	"evergate/gateway/status"
	"evergate/gateway/worker"
)

// admin serves a request of a client of the loop from: every worker contributes its part on its own goroutine, and the
// last one sends the reply. Where servers contribute too, a goroutine waits for them.
func (g *Gateway) admin(from int, r admin.Request) {
	answer := func(reply []byte) {
		g.loops[from].Post(func(w *worker.Worker) { w.AdminReply(r.Client, r.Seq, reply) })
	}
	r.Services = oneWith(g.roster.Load().parts, r.Services[0])
	if r.As == nil {
		g.adminPermitted(from, r, answer)
		return
	}
	g.aside(func(ctx context.Context) {
		if wrong := g.permits(ctx, &r); wrong != nil {
			answer(wrong)
		} else {
			g.adminPermitted(from, r, answer)
		}
	})
}

// adminPermitted is admin for a request that its user is permitted.
func (g *Gateway) adminPermitted(from int, r admin.Request, answer func([]byte)) {
	part := func(w *worker.Worker) admin.Partial { return w.Admin(&r) }
	switch r.Kind {
	case admin.Info:
		g.info(&r, answer)
	case admin.Config:
		g.aside(func(ctx context.Context) { answer(g.ServeConfig(ctx, &r)) })
	case admin.UnblockClient:
		gather(g, part, func(partials []admin.Partial) { g.unblock(r, partials, answer) })
	case admin.HotKeys:
		g.ServeHotKeys(&r, answer)
	case admin.Latency:
		g.aside(func(ctx context.Context) { answer(g.ServeLatency(ctx, &r)) })
	case admin.SlowLog:
		answer(g.ServeSlowLog(&r))
	case admin.Proxy:
		g.proxy(&r, answer)
	case admin.BeginMonitor:
		gather(g, part, func([]admin.Partial) { g.beginMonitor(from, r.Services, answer) })
	case admin.EndMonitor:
		g.endMonitor(from, r.Services)
		gather(g, part, func([]admin.Partial) {})
	default:
		gather(g, part, func(partials []admin.Partial) { answer(r.Reply(partials)) })
	}
}

// oneWith lists the parts of the same service whose clients are listed together with those of a part: the part of the
// Sentinel facade stands alone.
func oneWith(subServices []subService, of int) (parts []int) {
	for i, p := range subServices {
		if p.service == subServices[of].service && p.sentinel == subServices[of].sentinel {
			parts = append(parts, i)
		}
	}
	return parts
}

// gather calls part on every worker's goroutine, and done with all results on the goroutine of the last one.
func gather[T any](g *Gateway, part func(*worker.Worker) T, done func([]T)) {
	var mu sync.Mutex
	left := len(g.loops)
	var results []T
	for _, l := range g.loops {
		l.Post(func(w *worker.Worker) {
			mu.Lock()
			defer mu.Unlock()
			results = append(results, part(w))
			if left--; left == 0 {
				done(results)
			}
		})
	}
}

// info answers INFO, with the servers' own INFO where a section needs it.
func (g *Gateway) info(r *admin.Request, answer func([]byte)) {
	gather(g, (*worker.Worker).Snapshot, func(all []worker.Snapshot) {
		reply := func(infos []status.ServerReport) {
			answer(r.Text(status.Info(g.facts(r.Listener, all, infos), r.Words)))
		}
		if _, role := g.listenerOf(r.Listener); !role.Is(facade.Sentinel) && status.AsksServers(r.Words) {
			g.of(r.Services[0]).direct.Infos(reply)
		} else {
			reply(nil)
		}
	})
}

// facts are the data that INFO is made of.
func (g *Gateway) facts(listener int, all []worker.Snapshot, infos []status.ServerReport) status.Facts {
	of, role := g.listenerOf(listener)
	service := g.of(of)
	s := service.conf()
	port, address := 0, ""
	g.mu.Lock()
	for _, ln := range g.listeners {
		if ln.id != listener {
			continue
		}
		address = ln.address
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
			port = tcp.Port
		}
	}
	g.mu.Unlock()
	if role != nil {
		port = role.Self.Port
	}
	done, failed := g.handshakes.Counts()
	return status.Facts{
		Handshakes: done, HandshakesFailed: failed,
		Service: s.Name, RunID: g.runID, PID: os.Getpid(), Port: port, Uptime: time.Since(g.started),
		ClientsMax: g.descriptors.ClientsMax(), ClientMemoryMax: g.conf().Limits.ClientMemoryMax,
		Rejected: g.rejected(), Workers: len(g.loops),
		Reads: service.now(s).ReadingAt(address).From.String(), Hold: s.Hold.String(), View: g.viewOf(of),
		Polls: service.fresh.Polls(), Lags: service.fresh.Lags(time.Now()), Stats: status.Sum(all),
		Failovers: service.failovers.History(), Role: role, Servers: infos, Reloads: g.lastReload(),
	}
}

// rejected is how many clients were turned away.
func (e *entry) rejected() uint64 {
	return e.refusals.Count() + e.addresses.Rejected() + e.turnedAway.Load()
}

// snapshots has what each worker answered last. The zero value has nothing.
type snapshots struct {
	mu sync.Mutex
	of []worker.Snapshot
}

// fill takes what the workers have answered, and returns what all of them answered last; nil: one did not.
func (s *snapshots) fill(answered []*worker.Snapshot) []worker.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make([]worker.Snapshot, len(answered))
	}
	for i, a := range answered {
		if a != nil {
			s.of[i] = *a
		}
	}
	return slices.Clone(s.of)
}

// Snapshot sums the counters of all workers. One that does not answer in time counts as it did the last time: counters
// must not go down because the machine stood still.
func (g *Gateway) Snapshot() worker.Snapshot {
	return status.Sum(g.snapshots.fill(collectEach(g, (*worker.Worker).Snapshot)))
}

// collect calls part on every worker's goroutine, and returns the results. A loop that has ended has none.
func collect[T any](g *Gateway, part func(*worker.Worker) T) (all []T) {
	for _, a := range collectEach(g, part) {
		if a != nil {
			all = append(all, *a)
		}
	}
	return all
}

// collectEach is collect with the results by worker; nil for none.
func collectEach[T any](g *Gateway, part func(*worker.Worker) T) (all []*T) {
	type answer struct {
		from int
		part T
	}
	answers := make(chan answer, len(g.loops))
	for i, l := range g.loops {
		l.Post(func(w *worker.Worker) { answers <- answer{i, part(w)} })
	}
	all = make([]*T, len(g.loops))
	deadline := time.After(time.Second)
	for range g.loops {
		select {
		case a := <-answers:
			all[a.from] = &a.part
		case <-deadline:
			return all
		}
	}
	return all
}
