package watch

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

const (
	// probersIdle is how long a prober without a question lives before it closes its connection.
	probersIdle = 30 * time.Second
	// probeBackoff is the longest wait between two tries to reach a node.
	probeBackoff = 500 * time.Millisecond
	// chaseGap is the time between two questions of a chase.
	chaseGap = 3 * time.Millisecond
	// evictionEvery is how often a server is asked which keys it evicts.
	evictionEvery = 10 * time.Second
)

// prober asks one node of one service: for its role, and for its slot map in a Cluster. Questions that come while it
// is busy become one. A connection that failed is not used again.
type prober struct {
	service *service
	addr    string
	wake    chan struct{}
	// role and slots are what to ask next; chaseUntil is how long to ask for the role again and again. service.mu
	// guards them, and node, which is the number of the node in the Views of the service.
	role, slots bool
	chaseUntil  time.Time
	// afresh asks over a new connection.
	afresh bool
	node   topology.NodeID

	client   *redis.Client
	failures int
	// answered: this connection has answered.
	answered bool
	// nodeTimeout is the node's cluster-node-timeout, once asked is true: it is queried once a connection.
	nodeTimeout      time.Duration
	nodeTimeoutAsked bool
	// eviction is which keys the server evicts, as it reported at evictionAt.
	eviction   string
	evictionAt time.Time
}

// prober returns the prober of a node, started if necessary, after want has set its questions.
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

// take returns the questions and clears them.
func (p *prober) take() (role, slots, afresh bool) {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	role, slots, afresh = p.role, p.slots, p.afresh
	p.role, p.slots, p.afresh = false, false, false
	return role, slots, afresh
}

// chasing reports whether a chase is under way.
func (p *prober) chasing() bool {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	return time.Now().Before(p.chaseUntil)
}

// retire ends an idle prober, unless there is a question.
func (p *prober) retire() bool {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	if p.role || p.slots || time.Now().Before(p.chaseUntil) {
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
		chasing := p.chasing()
		if !chasing {
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
		}
		if !p.rest(ctx, chasing) {
			return
		}
		role, slots, afresh := p.take()
		if afresh {
			p.drop()
		}
		if slots {
			p.ask(ctx, p.askSlots)
		}
		if (role || chasing) && !(slots && p.failures > 0) {
			p.ask(ctx, p.askRole)
		}
	}
}

// rest waits before the next question. In a chase the wait is short even for an unreachable node, which may be about to
// come back; a chase ends by itself.
func (p *prober) rest(ctx context.Context, chasing bool) bool {
	if !chasing {
		return pause(ctx, backoff(p.failures, probeBackoff))
	}
	return pause(ctx, max(chaseGap, backoff(p.failures, 10*chaseGap)))
}

// ask runs one question; a connection that breaks is a loss of the node.
func (p *prober) ask(ctx context.Context, question func(context.Context) (topology.Observation, error)) {
	old := p.failures == 0 && p.answered
	seen, err := p.put(ctx, question)
	if err != nil && old && cut(err) && ctx.Err() == nil {
		// A promotion closes all connections of a node, and its role is wanted now: a closed one is no loss.
		p.drop()
		seen, err = p.put(ctx, question)
	}
	if ctx.Err() != nil {
		return
	}
	if busy(err) {
		seen, err = topology.NodeBusy{Addr: p.addr, Words: err.Error()}, nil
	}
	if err != nil {
		p.failures++
		p.drop()
		seen = topology.NodeLost{Addr: p.addr, Why: words(err)}
	} else {
		p.failures, p.answered = 0, true
	}
	if seen != nil {
		p.service.observe(seen)
	}
}

// put asks one question, over a new connection if there is none.
func (p *prober) put(ctx context.Context, question func(context.Context) (topology.Observation, error)) (
	topology.Observation, error) {
	if p.client == nil {
		s := p.service
		p.client = redis.NewClient(options(p.addr, s.watch.options.DialTimeout, s.toServers()))
	}
	client := p.client
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	return question(ctx)
}

func (p *prober) drop() {
	if p.client != nil {
		_ = p.client.Close()
		p.client, p.answered = nil, false
		p.nodeTimeout, p.nodeTimeoutAsked = 0, false
		p.eviction, p.evictionAt = "", time.Time{}
	}
}

// askRole sends ROLE and INFO; one of them suffices. ROLE is more precise about a replica's link, INFO alone has the
// version, run id and replication id.
func (p *prober) askRole(ctx context.Context) (topology.Observation, error) {
	// The counter is read before the question goes out: the offset in the answer includes all writes that it counts.
	acked := p.service.keeper.Acks(p.id()).Load()
	seen := topology.RoleSeen{Addr: p.addr, Priority: -1, Offset: -1, Acked: acked, Asked: time.Now()}
	role := redis.NewCmd(ctx, "role")
	replication := redis.NewStringCmd(ctx, "info", "replication")
	server := redis.NewStringCmd(ctx, "info", "server")
	memory := redis.NewStringCmd(ctx, "info", "memory")
	commands := []redis.Cmder{role, replication, server}
	if seen.Asked.Sub(p.evictionAt) >= evictionEvery && !p.chasing() {
		commands = append(commands, memory)
	}
	if err := together(ctx, p.client, commands...); err != nil {
		return nil, err
	}
	for _, cmd := range commands {
		err := cmd.Err()
		if err != nil && !refused(err) {
			return nil, err
		}
	}
	if isSentinel(role.Val()) {
		return nil, errSentinel
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
	if len(commands) > 3 {
		p.eviction, p.evictionAt = parseEviction(memory.Val()), seen.Asked
	}
	seen.Eviction = p.eviction
	return seen, nil
}

func (p *prober) id() topology.NodeID {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	return p.node
}

// helloVersion returns the version for users without INFO: HELLO needs no right.
func (p *prober) helloVersion(ctx context.Context) string {
	reply, err := p.client.Do(ctx, "hello", "2").Slice()
	if err != nil {
		return ""
	}
	return text(fields(reply)["version"])
}

// askNodeTimeout queries cluster-node-timeout, once a connection; zero if that is not permitted.
func (p *prober) askNodeTimeout(ctx context.Context) time.Duration {
	if p.nodeTimeoutAsked {
		return p.nodeTimeout
	}
	reply, err := p.client.ConfigGet(ctx, nodeTimeoutSetting).Result()
	if err != nil && !replied(err) {
		return 0
	}
	p.nodeTimeoutAsked = true
	p.nodeTimeout = time.Duration(number(reply[nodeTimeoutSetting])) * time.Millisecond
	return p.nodeTimeout
}

// askSlots queries the slot map, with config epochs if CLUSTER NODES is permitted.
func (p *prober) askSlots(ctx context.Context) (topology.Observation, error) {
	m := maps{asked: p.addr, nodeTimeout: p.askNodeTimeout(ctx)}
	nodes, err := p.client.ClusterNodes(ctx).Result()
	switch {
	case err == nil:
		m.nodes = topology.ClusterNodes(nodes)
	case !refused(err):
		return nil, err
	}
	var seen topology.SlotsSeen
	reply, err := p.client.Do(ctx, "cluster", "shards").Result()
	if err == nil {
		if seen = m.shards(reply); len(seen.Shards) > 0 && !m.lacksSlots(seen) {
			return seen, nil
		}
	} else if !refused(err) {
		return nil, err
	}
	reply, err = p.client.Do(ctx, "cluster", "slots").Result()
	switch {
	case err == nil:
		return m.slots(reply), nil
	case refused(err) && len(seen.Shards) > 0:
		return seen, nil
	case refused(err):
		return topology.SlotsSeen{Asked: p.addr, NodeTimeout: m.nodeTimeout,
			Refused: p.addr + " reports no slots: " + err.Error()}, nil
	}
	return nil, err
}
