package gateway

import (
	"time"

	"evergate/gateway/account"
	"evergate/gateway/config"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
)

// softLimit is a limit in a worker's terms.
func softLimit(l config.SoftLimit) sessions.SoftLimit {
	return sessions.SoftLimit{Bytes: int(l.Bytes), For: l.For}
}

// newWorker makes the worker of a loop.
func (g *Gateway) newWorker(loop int) *worker.Worker {
	c := workerConfig(g.conf(), g.knownListeners, uint64(loop)+uint64(time.Now().UnixNano()))
	c.ClientMemory = account.Bound{
		Max: int(g.conf().Limits.ClientMemoryMax), Workers: g.conf().Workers,
		Add:      func(more int) int { return int(g.clientMemory.Add(int64(more))) },
		Exceeded: func() { g.memoryExceeded(loop) },
	}
	c.OutputSoft, c.PushSoft = softLimit(g.conf().Limits.OutputSoft), softLimit(g.conf().Limits.PushSoft)
	return worker.New(c, g.env(loop))
}

// memoryExceeded makes the other workers close clients.
func (g *Gateway) memoryExceeded(from int) {
	for i, l := range g.loops {
		if i != from {
			l.Post(func(w *worker.Worker) { w.MemoryExceeded() })
		}
	}
}

// cut logs a client that was closed because too much was kept for it.
func (g *Gateway) cut(of int, c sessions.Cut) {
	service := g.conf().Services[g.subServices[of].service].Name
	more, due := g.repeats.Due(service + " " + c.Why.String())
	if !due {
		return
	}
	logger := g.logger.Named("clients")
	args := []any{"service", service, "client", c.Remote, "id", c.Number, "name", c.Name, "bytes", c.Bytes,
		"repeated", more}
	if c.ReadsSlowly() {
		logger.Warn("slow subscriber closed", args...)
	} else {
		logger.Warn("client evicted", args...)
	}
}
