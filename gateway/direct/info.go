package direct

import (
	"context"
	"sync"
	"time"

	"evergate/gateway/status"
	"evergate/topology"
	"evergate/topology/watch"
)

const (
	// infoWait is how long INFO waits for a server; a dead server's part is missing then.
	infoWait = 500 * time.Millisecond
	// infoGap is the minimum time between two rounds, so that monitoring costs servers little.
	infoGap = 20 * time.Millisecond
)

// rounds are the rounds in which all servers of a service are asked for INFO. A request that arrives during a round
// waits for the next: many requests share one round, and none gets an answer older than itself.
type rounds struct {
	mu      sync.Mutex
	running bool
	waiting []func([]status.ServerReport)
	began   time.Time
}

// Infos calls done with the INFO of all servers, from a round that begins now or later.
func (s *Service) Infos(done func([]status.ServerReport)) {
	r := &s.rounds
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, done)
	if !r.running {
		r.running = true
		s.Aside(s.round)
	}
}

// round asks until no request waits.
func (s *Service) round(ctx context.Context) {
	r := &s.rounds
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 || ctx.Err() != nil {
			r.running = false
			r.mu.Unlock()
			return
		}
		rest := time.Until(r.began.Add(infoGap))
		r.mu.Unlock()
		if rest > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(rest):
			}
			continue
		}
		r.mu.Lock()
		waiting := r.waiting
		r.waiting, r.began = nil, time.Now()
		r.mu.Unlock()
		infos := s.askForInfo(ctx)
		for _, done := range waiting {
			done(infos)
		}
	}
}

// askForInfo asks every server that serves clients.
func (s *Service) askForInfo(ctx context.Context) (infos []status.ServerReport) {
	v := s.View()
	if v == nil {
		return []status.ServerReport{{Addr: "all", Primary: true, Missing: "not known yet"}}
	}
	var nodes []*topology.Node
	primary := map[*topology.Node]bool{}
	for i := range v.Shards {
		shard := &v.Shards[i]
		if shard.Primary == nil {
			infos = append(infos, status.ServerReport{Addr: shard.Name, Primary: true, Missing: "no primary"})
		} else {
			primary[shard.Primary] = true
			nodes = append(nodes, shard.Primary)
		}
		nodes = append(nodes, shard.Replicas...)
	}
	ctx, cancel := context.WithTimeout(ctx, infoWait)
	defer cancel()
	for _, r := range s.each(ctx, nodes, "INFO", "all") {
		one := status.ServerReport{Addr: r.Node.Addr, Primary: primary[r.Node]}
		if r.Err != nil {
			one.Missing = watch.Words(r.Err)
		} else {
			one.Text, _ = r.Reply.(string)
		}
		infos = append(infos, one)
	}
	return infos
}
