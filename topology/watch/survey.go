package watch

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/topology"
	"evergate/topology/decide"
)

// Limits of a survey: its longest duration, and the time without a new answer that ends it.
const (
	surveyMax   = 10 * time.Second
	surveyQuiet = 400 * time.Millisecond
	// surveyVain is that time if all named servers have answered or failed and no primary is known: long enough for a
	// second try, and for a rule to give up a server that is gone.
	surveyVain = 2500 * time.Millisecond
)

// Findings are the result of a survey.
type Findings struct {
	// Sentinels and Nodes are all that were named or discovered, by address.
	Sentinels []SentinelFound
	Nodes     []NodeFound
	// View is what the gateway would use; nil if no primary is known.
	View *topology.View
	// DownAfter is how long the servers themselves wait until a primary counts as down: the Sentinels'
	// down-after-milliseconds, or cluster-node-timeout. Zero if it is not reported, and in a plain list.
	DownAfter time.Duration
	// Problems are sentences about what is wrong, the gravest first.
	Problems []Problem
}

// Grade is the effect of a problem on the service.
type Grade uint8

const (
	// Broken: some clients, or all, could not be served now.
	Broken Grade = iota
	// Fragile: all are served, but the service would not survive a failover.
	Fragile
	// Warning: the service would survive a failover, but needs attention.
	Warning
	// Hint: an improvement of the settings.
	Hint
)

// Problem is one thing that is wrong, in a sentence.
type Problem struct {
	Grade Grade
	Text  string
}

// SentinelFound is the state of one Sentinel.
type SentinelFound struct {
	Addr string
	// Report is its report; meaningless if Lost has the reason why there is none.
	Report topology.SentinelReport
	Lost   string
	// Usable is how many Sentinels it reports as usable, itself included; 0 if not reported.
	Usable int
	// NoQuorum is its own sentence if it reports that no failover could be decided; empty if one could.
	NoQuorum string
	// Masters are the names that it monitors, if that of the service is not among them.
	Masters []string
	// SpeaksTLS: it ended a plain connection, and accepts TLS.
	SpeaksTLS bool
}

// NodeFound is the state of one node.
type NodeFound struct {
	// Addr is its dial address.
	Addr string
	// Role is its own report; meaningless if Lost has the reason why it cannot be reached.
	Role topology.RoleSeen
	Lost string
	// Refused are the commands of ServerCommands that it denies, each with its error.
	Refused []string
	// InCluster: it is a node of a cluster. Then ClusterState is "ok" or "fail", ClusterSize the number of primaries with
	// slots, and ClusterSlots the number of slots with a primary.
	InCluster                 bool
	ClusterState              string
	ClusterSize, ClusterSlots int
	// MinReplicas is min-replicas-to-write; -1 if not reported.
	MinReplicas int
	// Writable: it is a replica that accepts writes of clients.
	Writable bool
	// Scripts are dangerous commands that scripts of the gateway's clients may run there.
	Scripts []string
	// NoWait: the gateway's user may run WAIT there, but lacks the right that its replies need.
	NoWait bool
	// Gateways are the names of other gateways that probe it, of which there is one for each process.
	Gateways []string
	// SpeaksTLS: it ended a plain connection, and accepts TLS.
	SpeaksTLS bool
}

// survey collects the observations of a Watch of its own.
type survey struct {
	mu        sync.Mutex
	sentinels map[string]SentinelFound
	nodes     map[string]NodeFound
	// refused has the errors of nodes that return no slots; asked the nodes that have answered a query for slots.
	refused map[string]string
	asked   map[string]bool
	events  []string
	// resolved are the addresses of each name of the settings; if it has none, the reason is in nodes.
	resolved map[string][]string
	// announced are the addresses that Sentinels and servers reported of others.
	announced map[string]bool
	// failed has the announced nodes of a cluster that others report as down, follows the primaries of replicas.
	failed  map[string]bool
	follows map[string]string
	mapped  map[string]string // the service's AddressMap
	newAt   time.Time
	// nodeTimeout is the longest cluster-node-timeout that was reported.
	nodeTimeout time.Duration
}

// Survey watches a service for some seconds, as the gateway would, and returns its findings. It changes nothing. The
// error is that of ctx, if that ends first.
func Survey(ctx context.Context, options Options, s Service) (*Findings, error) {
	w := New(options)
	sv := w.add(s)
	c := &survey{sentinels: map[string]SentinelFound{}, nodes: map[string]NodeFound{}, newAt: time.Now(),
		refused: map[string]string{}, asked: map[string]bool{}, resolved: map[string][]string{},
		announced: map[string]bool{}, failed: map[string]bool{}, follows: map[string]string{}, mapped: s.AddressMap}
	sv.tap = c.saw
	sv.keeper.OnEvent(func(e decide.Event) {
		if e.Kind == decide.Alarm {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.events = append(c.events, e.Why)
		}
	})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(running)
	}()
	c.await(ctx, sv, w.dialTimeout())
	stop()
	<-done
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.findings(ctx, sv, w.options), nil
}

func (c *survey) saw(o topology.Observation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.sentinels) + len(c.nodes)
	switch o := o.(type) {
	case topology.SentinelReport:
		c.sentinels[o.Sentinel] = SentinelFound{Addr: o.Sentinel, Report: o}
	case topology.SentinelLost:
		c.sentinels[o.Sentinel] = SentinelFound{Addr: o.Sentinel, Lost: o.Why}
	case topology.RoleSeen:
		c.nodes[o.Addr] = NodeFound{Addr: o.Addr, Role: o}
	case topology.NodeLost:
		c.nodes[o.Addr] = NodeFound{Addr: o.Addr, Lost: o.Why}
	case topology.Resolved:
		c.resolved[o.Name] = o.Addrs
		if delete(c.nodes, o.Name); len(o.Addrs) == 0 {
			c.nodes[o.Name] = NodeFound{Addr: o.Name, Lost: o.Why}
		}
	case topology.SlotsSeen:
		c.nodeTimeout = max(c.nodeTimeout, o.NodeTimeout)
		if c.asked[o.Asked] = true; o.Refused != "" {
			c.refused[o.Asked] = strings.TrimPrefix(o.Refused, o.Asked+" reports no slots: ")
		}
	}
	c.note(o)
	if len(c.sentinels)+len(c.nodes) > before {
		c.newAt = time.Now()
	}
}

// await returns when all that were asked have answered and no new one has for surveyQuiet or, if no primary is known,
// for surveyVain.
func (c *survey) await(ctx context.Context, s *service, timeout time.Duration) {
	began := time.Now()
	for time.Since(began) < surveyMax && pause(ctx, topology.TickEvery) {
		c.mu.Lock()
		quiet := time.Since(c.newAt)
		known := len(c.nodes) + len(c.sentinels)
		c.mu.Unlock()
		v := s.keeper.View()
		switch {
		case v == nil:
			// All are lost, or one has not answered within the time for a dial and an answer.
			if quiet > surveyVain && c.vain(s.Service) ||
				quiet > 3*timeout && (known > 0 || time.Since(began) > 5*timeout) {
				return
			}
		case quiet > surveyQuiet && c.answered(v, s.watch.followed(s)), quiet > 3*timeout:
			return
		}
	}
}

// vain reports whether all that the settings name have answered or are lost.
func (c *survey) vain(s Service) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, addr := range s.Sentinels {
		if _, heard := c.sentinels[addr]; !heard {
			return false
		}
	}
	for _, addr := range s.Cluster {
		if _, heard := c.nodes[addr]; !heard && !c.asked[addr] {
			return false
		}
	}
	for _, name := range append([]string{s.Primary}, s.Replicas...) {
		addrs, resolved := c.resolved[name]
		if !resolved && name != "" {
			return false
		}
		for _, addr := range addrs {
			if _, heard := c.nodes[addr]; !heard {
				return false
			}
		}
	}
	return true
}

// answered reports whether every node of the View and every Sentinel that was named has answered, or was lost.
func (c *survey) answered(v *topology.View, sentinels []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, addr := range sentinels {
		if _, ok := c.sentinels[addr]; !ok {
			return false
		}
	}
	for _, n := range v.Nodes {
		if n == nil {
			continue
		}
		if _, ok := c.nodes[n.Addr]; !ok {
			return false
		}
	}
	return true
}

func (c *survey) findings(ctx context.Context, s *service, o Options) *Findings {
	f := &Findings{View: s.keeper.View()}
	for _, found := range c.sentinels {
		if found.Lost != sameSentinel {
			f.Sentinels = append(f.Sentinels, found)
			f.DownAfter = max(f.DownAfter, found.Report.DownAfter)
		}
	}
	for _, found := range c.nodes {
		f.Nodes = append(f.Nodes, found)
	}
	slices.SortFunc(f.Sentinels, func(a, b SentinelFound) int { return strings.Compare(a.Addr, b.Addr) })
	slices.SortFunc(f.Nodes, func(a, b NodeFound) int { return strings.Compare(a.Addr, b.Addr) })
	if len(s.Cluster) > 0 {
		f.DownAfter = c.nodeTimeout
	}
	f.inspect(ctx, s.Service, o)
	f.judge(s.Service, c)
	return f
}

// note records the addresses that are reported of others.
func (c *survey) note(o topology.Observation) {
	var named []string
	switch o := o.(type) {
	case topology.SentinelReport:
		named = append(named, o.Primary)
		for _, r := range o.Replicas {
			named = append(named, r.Addr)
		}
	case topology.SlotsSeen:
		for _, shard := range o.Shards {
			named = append(named, shard.Primary.Addr)
			for _, r := range shard.Replicas {
				named = append(named, r.Addr)
				addr := topology.MapAddr(c.mapped, r.Addr)
				c.failed[addr], c.follows[addr] = !r.Healthy, shard.Primary.Addr
			}
		}
	case topology.RoleSeen:
		named = append(o.Replicas, o.Primary)
	}
	for _, addr := range named {
		if addr != "" {
			c.announced[addr] = true
		}
	}
}
