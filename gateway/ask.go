package gateway

import (
	"net"
	"os"
	"sync"
	"time"

	"evergate/gateway/status"
	"evergate/gateway/worker"
)

// ask answers INFO and CLIENT LIST: every loop adds its share on its own goroutine, the last one sends the whole back
// to the loop that asked.
func (g *Gateway) ask(from, door int, ref worker.ClientRef, seq uint32, sections []string) {
	of, _ := g.behind(door)
	var mu sync.Mutex
	left := len(g.loops)
	var lines []byte
	var all []worker.Snapshot
	for _, l := range g.loops {
		l.Post(func(w *worker.Worker) {
			mu.Lock()
			defer mu.Unlock()
			if sections == nil {
				for other, p := range g.parts {
					if p.service == g.parts[of].service && p.sentinel == g.parts[of].sentinel {
						lines = w.AppendClients(lines, other)
					}
				}
			} else {
				all = append(all, w.Snapshot())
			}
			if left--; left > 0 {
				return
			}
			g.loops[from].Post(func(w *worker.Worker) {
				text := lines
				if sections != nil {
					text = status.Info(g.facts(door, all), sections)
				}
				w.Answer(ref, seq, text)
			})
		})
	}
}

// facts are what INFO is made of.
func (g *Gateway) facts(door int, all []worker.Snapshot) status.Facts {
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
	return status.Facts{
		Service: s.Name, RunID: g.runID, PID: os.Getpid(), Port: port, Uptime: time.Since(g.started),
		ClientsMax: g.conf.Limits.ClientsMax, Rejected: g.refused.Load(), Workers: len(g.loops),
		Reads: string(g.parts[of].reads), Hold: s.Hold.String(), View: g.viewOf(of), Stats: status.Sum(all),
		Failovers: g.failovers[service].Told(), Face: face,
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
