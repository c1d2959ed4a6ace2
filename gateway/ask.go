package gateway

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"evergate/gateway/facade"
	"evergate/gateway/status"
	"evergate/gateway/worker"
)

// ask does an errand of the worker of a loop: every loop adds its share on its own goroutine, the last one sends the
// answer back. Where servers have a say, a goroutine waits for it.
func (g *Gateway) ask(from int, e worker.Errand) {
	answer := func(reply []byte) {
		g.loops[from].Post(func(w *worker.Worker) { w.Reply(e.Client, e.Seq, reply) })
	}
	e.Parts = g.oneWith(e.Parts[0])
	if e.Kind == worker.EndMonitor {
		g.endMonitor(from, e.Parts)
	}
	g.gather(&e, func(shares []worker.Share) {
		switch {
		case e.Kind == worker.SayInfo:
			tell := func(says []status.ServerSays) {
				answer(e.Text(status.Info(g.facts(e.Door, shares, says), e.Words)))
			}
			if _, face := g.behind(e.Door); !face.Is(facade.Sentinel) && status.AsksServers(e.Words) {
				g.serversSay(g.parts[e.Parts[0]].service, tell)
			} else {
				tell(nil)
			}
		case e.Kind == worker.DoConfig:
			g.aside(func(ctx context.Context) { answer(g.configure(ctx, &e)) })
		case e.Kind == worker.UnblockClient:
			g.unblock(e, shares, answer)
		case e.Kind == worker.BeginMonitor:
			g.beginMonitor(from, e.Parts, answer)
		default:
			answer(e.Answer(shares))
		}
	})
}

// oneWith lists the parts of the same service whose clients are one crowd with those of a part: that of the Sentinel
// facade is apart.
func (g *Gateway) oneWith(of int) (parts []int) {
	for i, p := range g.parts {
		if p.service == g.parts[of].service && p.sentinel == g.parts[of].sentinel {
			parts = append(parts, i)
		}
	}
	return parts
}

// gather has every worker do its share of an errand, and calls done with all of them on the goroutine of the last one.
func (g *Gateway) gather(e *worker.Errand, done func([]worker.Share)) {
	var mu sync.Mutex
	left := len(g.loops)
	var shares []worker.Share
	for _, l := range g.loops {
		l.Post(func(w *worker.Worker) {
			mu.Lock()
			defer mu.Unlock()
			shares = append(shares, w.Share(e))
			if left--; left == 0 {
				done(shares)
			}
		})
	}
}

// facts are what INFO is made of.
func (g *Gateway) facts(door int, shares []worker.Share, says []status.ServerSays) status.Facts {
	of, face := g.behind(door)
	service := g.parts[of].service
	s := &g.conf.Services[service]
	port := 0
	g.mu.Lock()
	for _, ln := range g.listeners {
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && ln.door == door {
			port = tcp.Port
			break
		}
	}
	g.mu.Unlock()
	if face != nil {
		port = face.Self.Port
	}
	all := make([]worker.Snapshot, len(shares))
	for i := range shares {
		all[i] = shares[i].Snapshot
	}
	return status.Facts{
		Service: s.Name, RunID: g.runID, PID: os.Getpid(), Port: port, Uptime: time.Since(g.started),
		ClientsMax: g.descriptors.clientsMax(), Rejected: g.refusals.all.Load(), Workers: len(g.loops),
		Reads: string(g.parts[of].reads), Hold: s.Hold.String(), View: g.viewOf(of), Stats: status.Sum(all),
		Failovers: g.failovers[service].Told(), Face: face, Servers: says,
	}
}

// Snapshot sums the counters of all workers.
func (g *Gateway) Snapshot() worker.Snapshot {
	answers := make(chan worker.Snapshot, len(g.loops))
	for _, l := range g.loops {
		l.Post(func(w *worker.Worker) { answers <- w.Snapshot() })
	}
	var all []worker.Snapshot
	deadline := time.After(time.Second)
	for range g.loops {
		select {
		case s := <-answers:
			all = append(all, s)
		case <-deadline: // a loop that has ended does not answer
			return status.Sum(all)
		}
	}
	return status.Sum(all)
}
