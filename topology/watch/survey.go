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

// Limits of a survey: how long it lasts at most, and how long nobody new may have spoken before it ends.
const (
	surveyMax   = 10 * time.Second
	surveyQuiet = 400 * time.Millisecond
	// surveyVain is how long that is where all that are named have answered, or cannot, and no primary is known: a
	// server that is tried again once may be there, and one that is gone is given up for another.
	surveyVain = 2500 * time.Millisecond
)

// Findings are what a survey saw.
type Findings struct {
	// Sentinels and Nodes are all that were named or learnt, by address.
	Sentinels []SentinelFound
	Nodes     []NodeFound
	// View is what the gateway would use; nil when no primary is known.
	View *topology.View
	// DownAfter is how long the servers themselves wait before they call a primary down: the Sentinels'
	// down-after-milliseconds, or cluster-node-timeout. Zero when it is not told, and in a plain list.
	DownAfter time.Duration
	// Problems are what is wrong, a sentence each, the gravest first.
	Problems []Problem
}

// Grade says what a problem means for the service.
type Grade uint8

const (
	// Broken: clients could not be served now, or not all of them.
	Broken Grade = iota
	// Fragile: they are served, and a failover would not be survived.
	Fragile
	// Warning: it works and survives, and somebody should look.
	Warning
	// Hint: what could be set otherwise.
	Hint
)

// Problem is one thing that is wrong, in a sentence.
type Problem struct {
	Grade Grade
	Text  string
}

// SentinelFound is what one Sentinel said.
type SentinelFound struct {
	Addr string
	// Says is its picture; meaningless when Lost says why there is none.
	Report topology.SentinelReport
	Lost   string
	// Usable is how many Sentinels it takes for alive, itself included; 0 when not told.
	Usable int
	// NoQuorum is its own sentence when it says that no failover could be decided; empty when one could.
	NoQuorum string
	// Masters are the names that it watches, where it does not know that of the service.
	Masters []string
}

// NodeFound is what one node said.
type NodeFound struct {
	// Addr is where it was dialled.
	Addr string
	// Role is what it says of itself; meaningless when Lost says why it cannot be reached.
	Role topology.RoleSeen
	Lost string
	// Refused are the commands of ServerCommands that it denies, with its words.
	Refused []string
	// InCluster: it is a node of a cluster. Of one, ClusterState is "ok" or "fail", ClusterSize how many
	// primaries have slots, and ClusterSlots how many slots have one.
	InCluster                 bool
	ClusterState              string
	ClusterSize, ClusterSlots int
	// MinReplicas is min-replicas-to-write; -1 when not told.
	MinReplicas int
	// Writable says of a replica that it takes writes of clients.
	Writable bool
	// Scripts are commands that harm and that scripts of the gateway's clients may run there.
	Scripts []string
	// NoWait says that the gateway's user may run WAIT there, and not what it takes to answer clients.
	NoWait bool
	// SpeaksTLS says of one that closed a plain connection that it answers an encrypted one.
	SpeaksTLS bool
}

// survey collects what a private Watch sees.
type survey struct {
	mu        sync.Mutex
	sentinels map[string]SentinelFound
	nodes     map[string]NodeFound
	// refused are the words of nodes that tell no slots; asked those that were asked for them and answered.
	refused map[string]string
	asked   map[string]bool
	events  []string
	// resolved are the addresses that each name of the settings stands for; of one that has none the reason is in nodes.
	resolved map[string][]string
	// announced are the addresses that Sentinels and servers told of others.
	announced map[string]bool
	// failed says of announced nodes of a cluster that others call them down, follows whom they are replicas of.
	failed  map[string]bool
	follows map[string]string
	mapped  map[string]string // is the service's AddressMap
	newAt   time.Time
	// nodeTimeout is the longest cluster-node-timeout that was told.
	nodeTimeout time.Duration
}

// Survey looks at a service for some seconds, as the gateway would, and tells what it saw. It changes nothing. The
// error is that of ctx, when that ended first.
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
	c.await(ctx, sv, w.options.DialTimeout)
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

// await returns when all that were asked have answered and nobody new has spoken for surveyQuiet; where no primary is
// known, for surveyVain.
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
			// All are lost, or somebody has not spoken within the time that a dial and an answer may take.
			if quiet > surveyVain && c.vain(s.Service) ||
				quiet > 3*timeout && (known > 0 || time.Since(began) > 5*timeout) {
				return
			}
		case quiet > surveyQuiet && c.answered(v, s.watch.followed(s)), quiet > 3*timeout:
			return
		}
	}
}

// vain reports whether all that the settings name have been heard or are lost.
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

// answered reports whether every node of the view and every Sentinel that somebody named has been heard, or was lost.
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

// note keeps the addresses that are told of others.
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
