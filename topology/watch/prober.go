package watch

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

const (
	// probersIdle is how long a prober stays without a question before it closes its connection.
	probersIdle = 30 * time.Second
	// probeBackoff is the longest wait between two tries to reach a node.
	probeBackoff = 500 * time.Millisecond
)

// prober asks one node of one service: for its role, and for its slot map in a Cluster. Questions that come while it
// is busy become one. A connection that failed is not used again.
type prober struct {
	service *service
	addr    string
	wake    chan struct{}
	// role and slots are what to ask next; service.mu guards them.
	role, slots bool

	client   *redis.Client
	failures int
}

// prober finds or starts the prober of a node and sets what it is to ask.
func (s *service) prober(addr string, want func(*prober)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.probers[addr]
	if p == nil {
		p = &prober{service: s, addr: addr, wake: make(chan struct{}, 1)}
		if !s.watch.start(p.run) {
			return
		}
		s.probers[addr] = p
	}
	want(p)
	nudge(p.wake)
}

// take says what is wanted and forgets it.
func (p *prober) take() (role, slots bool) {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	role, slots = p.role, p.slots
	p.role, p.slots = false, false
	return role, slots
}

// retire ends an idle prober unless something is wanted.
func (p *prober) retire() bool {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	if p.role || p.slots {
		return false
	}
	delete(p.service.probers, p.addr)
	return true
}

func (p *prober) run() {
	defer p.drop()
	ctx := p.service.ctx
	idle := time.NewTimer(probersIdle)
	defer idle.Stop()
	for {
		select {
		case <-p.wake:
		case <-idle.C:
			if p.retire() {
				return
			}
		case <-ctx.Done():
			return
		}
		idle.Reset(probersIdle)
		if !pause(ctx, backoff(p.failures, probeBackoff)) {
			return
		}
		role, slots := p.take()
		if slots {
			p.ask(ctx, p.askSlots)
		}
		if role && !(slots && p.failures > 0) {
			p.ask(ctx, p.askRole)
		}
	}
}

// ask runs one question; a connection that breaks is a loss of the node.
func (p *prober) ask(ctx context.Context, question func(context.Context) (topology.Observation, error)) {
	if p.client == nil {
		s := p.service
		client := redis.NewClient(options(p.addr, s.watch.options.DialTimeout, s.Upstream))
		p.client = client
	}
	client := p.client
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	seen, err := question(ctx)
	stop()
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		p.failures++
		p.drop()
		seen = topology.NodeLost{Addr: p.addr, Why: words(err)}
	} else {
		p.failures = 0
	}
	if seen != nil {
		p.service.tell(seen)
	}
}

func (p *prober) drop() {
	if p.client != nil {
		_ = p.client.Close()
		p.client = nil
	}
}

// askRole asks ROLE and INFO, and makes do with what is allowed: ROLE tells the state of a replica's link best, INFO
// alone has the version, run id and replication id. A server that is busy with a script is alive and tells nothing.
func (p *prober) askRole(ctx context.Context) (topology.Observation, error) {
	seen := topology.RoleSeen{Addr: p.addr, Priority: -1, Offset: -1}
	role := redis.NewCmd(ctx, "role")
	replication := redis.NewStringCmd(ctx, "info", "replication")
	server := redis.NewStringCmd(ctx, "info", "server")
	if err := together(ctx, p.client, role, replication, server); err != nil {
		return nil, err
	}
	for _, cmd := range []redis.Cmder{role, replication, server} {
		err := cmd.Err()
		if busy(err) {
			return nil, nil
		}
		if err != nil && !refused(err) {
			return nil, err
		}
	}
	known := role.Err() == nil && parseRole(role.Val(), &seen)
	if replication.Err() == nil {
		parseInfo(replication.Val(), &seen, !known)
	}
	if server.Err() == nil {
		parseInfo(server.Val(), &seen, false)
	} else {
		seen.Version = p.helloVersion(ctx)
	}
	return seen, nil
}

// helloVersion is for users that may not call INFO: HELLO needs no right.
func (p *prober) helloVersion(ctx context.Context) string {
	reply, err := p.client.Do(ctx, "hello", "2").Slice()
	if err != nil {
		return ""
	}
	return text(fields(reply)["version"])
}

// askSlots asks for the slot map, with config epochs where they may be known.
func (p *prober) askSlots(ctx context.Context) (topology.Observation, error) {
	m := maps{asked: p.addr}
	nodes, err := p.client.ClusterNodes(ctx).Result()
	switch {
	case err == nil:
		m.nodes = parseNodes(nodes)
	case !refused(err):
		return nil, err
	}
	var told topology.SlotsSeen
	reply, err := p.client.Do(ctx, "cluster", "shards").Result()
	if err == nil {
		if told = m.shards(reply); len(told.Shards) > 0 && !m.lacksSlots(told) {
			return told, nil
		}
	} else if !refused(err) {
		return nil, err
	}
	reply, err = p.client.Do(ctx, "cluster", "slots").Result()
	switch {
	case err == nil:
		return m.slots(reply), nil
	case refused(err) && len(told.Shards) > 0:
		return told, nil
	case refused(err):
		return topology.SlotsSeen{Asked: p.addr, Refused: p.addr + " tells no slots: " + err.Error()}, nil
	}
	return nil, err
}
