package gateway

import (
	"time"

	"evergate/gateway/exchange"
	"evergate/gateway/worker"
)

// SharedLimits bound what all clients may take together.
type SharedLimits struct {
	// ClientMemoryMax is how many bytes may be kept for all clients together, in their buffers (Redis:
	// maxmemory-clients). Past it the clients with the most are closed. Zero: no bound.
	ClientMemoryMax int64
	// ClientsPerAddress is the most clients of one address, or of one IPv6 network of 64 bits. Zero: no limit.
	ClientsPerAddress int
	// OutputSoft and PushSoft close a client whose pending output stays above them, beside OutputBytesMax and
	// PushBytesMax (Redis: the soft limits of client-output-buffer-limit normal and pubsub). Defaults: none; 8 MiB for
	// 60 s.
	OutputSoft SoftLimit
	PushSoft   SoftLimit
}

// SoftLimit is a number of bytes that may be exceeded for a time. Zero bytes: no limit.
type SoftLimit struct {
	Bytes int64
	For   time.Duration
}

// worker is the limit in a worker's terms.
func (l SoftLimit) worker() exchange.SoftLimit {
	return exchange.SoftLimit{Bytes: int(l.Bytes), For: l.For}
}

// BoundClientMemory sets ClientMemoryMax.
func (l *SharedLimits) BoundClientMemory(max int64) { l.ClientMemoryMax = max }

// newWorker makes the worker of a loop.
func (g *Gateway) newWorker(loop int) *worker.Worker {
	c := workerConfig(&g.conf, g.ownListeners, uint64(loop)+uint64(time.Now().UnixNano()))
	c.ClientMemory = exchange.MemoryBound{
		Max: int(g.conf.Limits.ClientMemoryMax), Workers: g.conf.Workers,
		Add:      func(more int) int { return int(g.clientMemory.Add(int64(more))) },
		Exceeded: func() { g.memoryExceeded(loop) },
	}
	c.OutputSoft, c.PushSoft = g.conf.Limits.OutputSoft.worker(), g.conf.Limits.PushSoft.worker()
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
func (g *Gateway) cut(of int, c exchange.Cut) {
	service := g.conf.Services[g.subServices[of].service].Name
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
