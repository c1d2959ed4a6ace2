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
	// fullEvery is how often a node is asked for what hardly changes: INFO server, and which keys it evicts.
	fullEvery = 10 * time.Second
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
	onConn
}

// onConn is a connection of a prober, and what its server reported on it: the run and the version of a server are the
// same as long as the connection lasts.
type onConn struct {
	conn *redis.Conn
	// answered: it has answered.
	answered bool
	// nodeTimeout is the node's cluster-node-timeout, once asked is true.
	nodeTimeout      time.Duration
	nodeTimeoutAsked bool
	// reports: its last answer had a role. byRole and byInfo are whether ROLE, and INFO replication, are sent for that.
	reports, byRole, byInfo bool
	// fullAt is when all of INFO was asked last; server is INFO server, eviction which keys the server evicts, and
	// version the server's where INFO has none.
	fullAt                    time.Time
	server, eviction, version string
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
		o := options(p.addr, s.watch.dialTimeout(), s.toServers())
		o.OnConnect = named(s.watch.options.ClientName)
		p.client = redis.NewClient(o)
		p.conn = p.client.Conn()
	}
	client := p.client
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	return question(ctx)
}

func (p *prober) drop() {
	if p.client != nil {
		_ = p.conn.Close()
		_ = p.client.Close()
		p.client, p.onConn = nil, onConn{}
	}
}

// askRole asks for the role, again if that is not permitted any more: something else may be.
func (p *prober) askRole(ctx context.Context) (topology.Observation, error) {
	reported := p.reports
	seen, err := p.askRoleOnce(ctx)
	if err == nil && reported && !p.reports {
		p.fullAt = time.Time{}
		seen, err = p.askRoleOnce(ctx)
	}
	if err != nil {
		return nil, err
	}
	return seen, nil
}

// askRoleOnce sends INFO replication, or ROLE where that has no role: each of them has the role, the link and the
// offset, INFO alone has the replication id. The first question of a connection has both, and INFO server and memory;
// all of INFO is asked again every fullEvery, except in a chase.
func (p *prober) askRoleOnce(ctx context.Context) (topology.RoleSeen, error) {
	// The counter is read before the question goes out: the offset in the answer includes all writes that it counts.
	acked := p.service.keeper.Acks(p.id()).Load()
	seen := topology.RoleSeen{Addr: p.addr, Priority: -1, Offset: -1, Acked: acked, Asked: time.Now()}
	role, replication := redis.NewCmd(ctx, "role"), redis.NewStringCmd(ctx, "info", "replication")
	server, memory := redis.NewStringCmd(ctx, "info", "server"), redis.NewStringCmd(ctx, "info", "memory")
	first := p.fullAt.IsZero()
	full := first || seen.Asked.Sub(p.fullAt) >= fullEvery && !p.chasing()
	var commands []redis.Cmder
	if first || p.byRole {
		commands = append(commands, role)
	}
	if full || p.byInfo {
		commands = append(commands, replication)
	}
	if full {
		commands = append(commands, server, memory)
	}
	if err := together(ctx, p.conn, commands...); err != nil {
		return seen, err
	}
	for _, cmd := range commands {
		if err := cmd.Err(); err != nil && !refused(err) {
			return seen, err
		}
	}
	if isSentinel(role.Val()) {
		return seen, errSentinel
	}
	known := parseRole(role.Val(), &seen)
	informed := parseInfo(replication.Val(), &seen, !known)
	p.reports = known || informed
	if full {
		p.fullAt, p.byRole, p.byInfo = seen.Asked, !informed, replication.Err() == nil
		p.eviction, p.server = parseEviction(memory.Val()), server.Val()
		if server.Err() != nil {
			p.version = p.helloVersion(ctx)
		}
	}
	seen.Version, seen.Eviction = p.version, p.eviction
	parseInfo(p.server, &seen, false)
	return seen, nil
}

func (p *prober) id() topology.NodeID {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	return p.node
}

// helloVersion returns the version for users without INFO: HELLO needs no right.
func (p *prober) helloVersion(ctx context.Context) string {
	reply, err := p.conn.Do(ctx, "hello", "2").Slice()
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
	reply, err := p.conn.ConfigGet(ctx, nodeTimeoutSetting).Result()
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
	nodes, err := p.conn.ClusterNodes(ctx).Result()
	switch {
	case err == nil:
		m.nodes = topology.ClusterNodes(nodes)
	case !refused(err):
		return nil, err
	}
	var seen topology.SlotsSeen
	reply, err := p.conn.Do(ctx, "cluster", "shards").Result()
	if err == nil {
		if seen = m.shards(reply); len(seen.Shards) > 0 && !m.lacksSlots(seen) {
			return seen, nil
		}
	} else if !refused(err) {
		return nil, err
	}
	reply, err = p.conn.Do(ctx, "cluster", "slots").Result()
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
