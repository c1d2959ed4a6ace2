package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/exchange"
	"evergate/gateway/worker"
)

// SharedLimits bound what all clients may take together.
type SharedLimits struct {
	// ClientMemoryMax is how many bytes may be kept for all clients together, in their buffers (Redis:
	// maxmemory-clients). Past it the clients with the most are closed. Zero: no bound.
	ClientMemoryMax int64
}

// cutPause is the time between two lines about clients that were closed for one reason.
const cutPause = time.Second

// cuts counts the memory of the clients of all workers, and logs those that were closed because too much was kept for
// them.
type cuts struct {
	logger hclog.Logger
	memory atomic.Int64

	mu     sync.Mutex
	logged map[string]time.Time
	others map[string]int // that were closed since, without a line
}

func newCuts(logger hclog.Logger) *cuts {
	return &cuts{logger: logger, logged: map[string]time.Time{}, others: map[string]int{}}
}

// BoundClientMemory sets ClientMemoryMax.
func (l *SharedLimits) BoundClientMemory(max int64) { l.ClientMemoryMax = max }

// newWorker makes the worker of a loop.
func (g *Gateway) newWorker(loop int) *worker.Worker {
	c := workerConfig(&g.conf, g.ownListeners, uint64(loop)+uint64(time.Now().UnixNano()))
	c.ClientMemory = exchange.MemoryBound{
		Max: int(g.conf.Limits.ClientMemoryMax), Workers: g.conf.Workers,
		Add:      func(more int) int { return int(g.cuts.memory.Add(int64(more))) },
		Exceeded: func() { g.memoryExceeded(loop) },
	}
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

// cut logs a client that was closed because too much was kept for it. Of many it logs one a second.
func (g *Gateway) cut(of int, c exchange.Cut) {
	others, quiet := g.cuts.note(c.Why.String(), time.Now())
	if quiet {
		return
	}
	args := []any{"service", g.conf.Services[g.subServices[of].service].Name, "client", c.Remote, "id", c.Number,
		"name", c.Name, "bytes", c.Bytes}
	if others > 0 {
		args = append(args, "others", others)
	}
	if c.ReadsSlowly() {
		g.cuts.logger.Warn("slow subscriber closed", args...)
		return
	}
	g.cuts.logger.Warn("client evicted", args...)
}

// note counts a client that was closed. quiet: a line about another one is not a second old. Otherwise others is how
// many were closed since, for the same reason.
func (c *cuts) note(why string, now time.Time) (others int, quiet bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.logged[why]) < cutPause {
		c.others[why]++
		return 0, true
	}
	others = c.others[why]
	c.logged[why], c.others[why] = now, 0
	return others, false
}
