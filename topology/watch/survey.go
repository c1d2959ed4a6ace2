package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

// Limits of a survey: how long it lasts at most, and how long nobody new may have spoken before it ends.
const (
	surveyMax   = 10 * time.Second
	surveyQuiet = 400 * time.Millisecond
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
	Problems []string
}

// SentinelFound is what one Sentinel said.
type SentinelFound struct {
	Addr string
	// Says is its picture; meaningless when Lost says why there is none.
	Says topology.SentinelSays
	Lost string
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
}

// survey collects what a private Watch sees.
type survey struct {
	mu        sync.Mutex
	sentinels map[string]SentinelFound
	nodes     map[string]NodeFound
	refused   []string
	events    []string
	// resolved are the addresses that names of the settings stand for; of one that has none the reason is in nodes.
	resolved []string
	newAt    time.Time
	// nodeTimeout is the longest cluster-node-timeout that was told.
	nodeTimeout time.Duration
}

// Survey looks at a service for some seconds, as the gateway would, and tells what it saw. It changes nothing. The
// error is that of ctx, when that ended first.
func Survey(ctx context.Context, options Options, s Service) (*Findings, error) {
	w := New(options)
	sv := w.add(s)
	c := &survey{sentinels: map[string]SentinelFound{}, nodes: map[string]NodeFound{}, newAt: time.Now()}
	sv.tap = c.saw
	sv.keeper.OnEvent(func(e topology.Event) {
		if e.Kind == topology.Alarm {
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
	case topology.SentinelSays:
		c.sentinels[o.Sentinel] = SentinelFound{Addr: o.Sentinel, Says: o}
	case topology.SentinelLost:
		c.sentinels[o.Sentinel] = SentinelFound{Addr: o.Sentinel, Lost: o.Why}
	case topology.RoleSeen:
		c.nodes[o.Addr] = NodeFound{Addr: o.Addr, Role: o}
	case topology.NodeLost:
		c.nodes[o.Addr] = NodeFound{Addr: o.Addr, Lost: o.Why}
	case topology.Resolved:
		c.resolved = append(c.resolved, o.Addrs...)
		if delete(c.nodes, o.Name); len(o.Addrs) == 0 {
			c.nodes[o.Name] = NodeFound{Addr: o.Name, Lost: o.Why}
		}
	case topology.SlotsSeen:
		c.nodeTimeout = max(c.nodeTimeout, o.NodeTimeout)
		if o.Refused != "" && !slices.Contains(c.refused, o.Refused) {
			c.refused = append(c.refused, o.Refused)
		}
	}
	if len(c.sentinels)+len(c.nodes) > before {
		c.newAt = time.Now()
	}
}

// await returns when all that were asked have answered and nobody new has spoken for surveyQuiet.
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
			if quiet > 3*timeout && (known > 0 || time.Since(began) > 5*timeout) {
				return
			}
		case quiet > surveyQuiet && c.answered(v, s.watch.followed(s)), quiet > 3*timeout:
			return
		}
	}
}

// answered says whether every node of the view and every Sentinel that somebody named has been heard, or was lost.
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
		f.Sentinels = append(f.Sentinels, found)
		f.DownAfter = max(f.DownAfter, found.Says.DownAfter)
	}
	for _, found := range c.nodes {
		if found.Lost == "" {
			found.Refused = refusals(ctx, found.Addr, s.Service, o)
		}
		f.Nodes = append(f.Nodes, found)
	}
	slices.SortFunc(f.Sentinels, func(a, b SentinelFound) int { return strings.Compare(a.Addr, b.Addr) })
	slices.SortFunc(f.Nodes, func(a, b NodeFound) int { return strings.Compare(a.Addr, b.Addr) })
	if len(s.Cluster) > 0 {
		f.DownAfter = c.nodeTimeout
	}
	f.judge(s.Service, c)
	return f
}

// refusals tries the commands of ServerCommands one by one.
func refusals(ctx context.Context, addr string, s Service, o Options) []string {
	client := redis.NewClient(options(addr, o.DialTimeout, s.Upstream))
	defer client.Close()
	tries := [][]any{{"role"}, {"info", "replication"}}
	if len(s.Cluster) > 0 {
		tries = append(tries, []any{"cluster", "shards"}, []any{"cluster", "slots"}, []any{"cluster", "nodes"})
	}
	var list []string
	for _, args := range tries {
		if err := client.Do(ctx, args...).Err(); err != nil && refused(err) {
			name := strings.ToUpper(strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
			list = append(list, fmt.Sprintf("%s (%v)", name, err))
		}
	}
	return list
}
