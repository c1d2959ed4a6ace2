package gateway

import (
	"maps"
	"sync"
	"sync/atomic"

	"evergate/gateway/account"
	"evergate/gateway/config"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
)

// softLimit is a limit in a worker's terms.
func softLimit(l config.SoftLimit) sessions.SoftLimit {
	return sessions.SoftLimit{Bytes: int(l.Bytes), For: l.For}
}

// outputLimit is that of a user in a worker's terms; nil for nil.
func outputLimit(l *config.OutputLimit) *sessions.OutputLimit {
	if l == nil {
		return nil
	}
	return &sessions.OutputLimit{Max: int(l.Bytes), Soft: softLimit(l.Soft)}
}

// userMemories have how many bytes are kept for the clients of single users, over all workers.
type userMemories struct {
	mu sync.Mutex
	of map[userName]*atomic.Int64
}

// userName identifies a user of a service.
type userName struct {
	of   *service
	name string
}

// get returns what is kept for the clients of a user.
func (m *userMemories) get(user userName) *atomic.Int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[userName]*atomic.Int64{}
	}
	if m.of[user] == nil {
		m.of[user] = &atomic.Int64{}
	}
	return m.of[user]
}

// forget forgets the users of a service.
func (m *userMemories) forget(s *service) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.of, func(user userName, _ *atomic.Int64) bool { return user.of == s })
}

// userBounds are how a worker bounds what is kept for the clients of single users. The sub-services of a service count
// together.
type userBounds struct {
	memories *userMemories
	workers  int
	exceeded func() // makes the other workers look
	of       map[userName]*account.Bound
}

// get returns the bound of a user; nil where there is none.
func (b *userBounds) get(user userName, most int64) *account.Bound {
	if most == 0 {
		return nil
	}
	if b.of[user] == nil {
		kept := b.memories.get(user)
		b.of[user] = &account.Bound{
			Max: int(most), Workers: b.workers, Exceeded: b.exceeded,
			Add: func(more int) int { return int(kept.Add(int64(more))) },
		}
	}
	return b.of[user]
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
	service := g.of(of).name
	more, due := g.repeats.Due(service + " " + c.Why.String() + " " + c.User)
	if !due {
		return
	}
	logger := g.logger.Named("clients")
	args := []any{"service", service, "client", c.Remote, "id", c.Number, "name", c.Name, "bytes", c.Bytes,
		"repeated", more}
	switch {
	case c.ReadsSlowly():
		logger.Warn("slow subscriber closed", args...)
	case c.User != "":
		logger.Warn("client of a user evicted", append(args, "user", c.User)...)
	default:
		logger.Warn("client evicted", args...)
	}
}
