package gateway

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

// serverInfos calls done with the INFO of all servers of a service, from a round that begins now or later.
func (g *Gateway) serverInfos(service *service, done func([]status.ServerReport)) {
	r := &service.rounds
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, done)
	if !r.running {
		r.running = true
		g.aside(func(ctx context.Context) { round(ctx, service) })
	}
}

// round asks until no request waits.
func round(ctx context.Context, service *service) {
	r := &service.rounds
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
		infos := askForInfo(ctx, service)
		for _, done := range waiting {
			done(infos)
		}
	}
}

// askForInfo asks every server that serves clients.
func askForInfo(ctx context.Context, service *service) (infos []status.ServerReport) {
	v := service.view()
	if v == nil {
		return []status.ServerReport{{Addr: "all", Primary: true, Missing: "not known yet"}}
	}
	var nodes []*topology.Node
	primary := map[*topology.Node]bool{}
	for i := range v.Shards {
		s := &v.Shards[i]
		if s.Primary == nil {
			infos = append(infos, status.ServerReport{Addr: s.Name, Primary: true, Missing: "no primary"})
		} else {
			primary[s.Primary] = true
			nodes = append(nodes, s.Primary)
		}
		nodes = append(nodes, s.Replicas...)
	}
	ctx, cancel := context.WithTimeout(ctx, infoWait)
	defer cancel()
	for _, s := range askEach(ctx, service, nodes, "INFO", "all") {
		one := status.ServerReport{Addr: s.node.Addr, Primary: primary[s.node]}
		if s.err != nil {
			one.Missing = watch.Words(s.err)
		} else {
			one.Text, _ = s.reply.(string)
		}
		infos = append(infos, one)
	}
	return infos
}
