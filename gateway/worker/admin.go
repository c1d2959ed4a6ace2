package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/clients"
	"evergate/gateway/latency"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Admin does this worker's share of a request, and returns its partial result.
func (w *Worker) Admin(r *admin.Request) (p admin.Partial) {
	if len(r.Services) > 0 && w.services[r.Services[0]] == nil {
		return p // it was removed meanwhile
	}
	switch r.Kind {
	case admin.ListClients:
		p.Lines = w.clients.List(r)
	case admin.KillClients:
		p.Count = w.clients.Kill(r)
	case admin.PauseClients:
		w.clients.Pause(r)
	case admin.UnpauseClients:
		w.clients.Unpause(r)
	case admin.UnblockClient:
		p = w.dedicated.FindBlocked(r)
	case admin.BeginMonitor:
		w.clients.CountMonitors(r.Services, 1)
	case admin.KeepAsker:
		w.clients.KeepAsker(r)
	case admin.HotKeys:
		p.HotKeys = w.hot.session(w, r)
	case admin.SlowerThan:
		w.slow.set(r.Services, r.Slow)
	case admin.Latency:
		p.Times = make([]*latency.Histogram, len(routing.Rows())+1)
		for _, service := range r.Services {
			w.latency.AddTo(p.Times, service)
		}
	case admin.ResetLatency:
		for _, service := range r.Services {
			w.latency.Reset(service)
		}
	case admin.Proxy:
		if r.Command == routing.CmdProxyClients {
			p.Groups = w.clients.Groups(r)
		}
	case admin.SeenKeys:
		p.SeenKeys = w.hot.Seen(r.Services, w.clock.Now)
	case admin.EndMonitor:
		w.clients.CountMonitors(r.Services, -1)
	}
	return p
}

// Rows returns the first clients of some services in an order, and how many there are; see clients.Clients.Rows.
func (w *Worker) Rows(selected func(of int) bool, order func(a, b *Row) int, limit int) ([]Row, int) {
	return w.clients.Rows(selected, order, limit)
}

// Row is a client as a table shows it.
type Row = clients.Row

// Unblock answers a blocked client here, and closes its connection. It returns how many were blocked.
func (w *Worker) Unblock(r *admin.Request) int { return w.dedicated.Unblock(r) }

// AdminReply gives the reply to a request to the client that waits for it, and resumes that client.
func (w *Worker) AdminReply(ref session.Ref, seq uint32, reply []byte) {
	c := w.x.Session(ref)
	if c == nil {
		return
	}
	if !w.transactions.Completed(c, seq, reply) {
		w.x.Deliver(c, seq, reply)
	}
	w.clients.StartMonitor(c)
	if c.Reason == wait.InFlight || c.AwaitsAdmin && c.Reason == wait.Asking {
		w.x.Wake(c)
	}
	c.AdminAnswered()
	w.x.CloseIfDone(c)
}

// Show gives the record of a command to the sessions of this worker that monitor one of these services.
func (w *Worker) Show(services []int, line []byte) {
	w.clients.Show(services, line)
	w.x.Evict()
}

// MemoryExceeded records that another worker found the bound of the memory of all clients exceeded.
func (w *Worker) MemoryExceeded() { w.x.MemoryExceeded() }
