package servers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// tiltPeriod is how long a Sentinel does nothing after it has stood still for 2 s, as on a machine that stalls; by
// default 30 s, which would outlive any test. SENTINEL DEBUG sets it, and the other periods, since Redis 7.0, in
// milliseconds.
var tiltPeriod = []any{"tilt-period", 1000}

// fastPeriods are the Sentinels' internal periods for Options.Fast. Most are a tenth of the defaults. The ping period
// is not a tenth: a replica can be promoted only if its INFO is at most five ping periods old, and while a master is
// down INFO is queried once a second, which no setting changes. With 100 ms elections often ended in
// -failover-abort-no-good-slave, and the next try came only after twice the failover timeout.
var fastPeriods = []any{
	"info-period", 100,
	"ping-period", 400,
	"ask-period", 100,
	"publish-period", 100,
	"slave-reconf-timeout", 1000,
	"min-link-reconnect-period", 500,
	"election-timeout", 2000,
}

// usualPeriods are the defaults of the same periods.
var usualPeriods = []any{
	"info-period", 10000,
	"ping-period", 1000,
	"ask-period", 1000,
	"publish-period", 2000,
	"slave-reconf-timeout", 10000,
	"min-link-reconnect-period", 15000,
	"election-timeout", 10000,
}

// Sentinel starts a group for each name in Options.Masters, and Options.Sentinels Sentinels that monitor all of them,
// and waits until every Sentinel knows all others and all replicas.
func Sentinel(o Options) (*Env, error) {
	return build(o, func(e *Env) error {
		for _, name := range e.options.Masters {
			if _, err := e.startGroup(name); err != nil {
				return err
			}
		}
		for _, group := range e.Groups {
			if err := group.AwaitReplicas(); err != nil {
				return err
			}
		}
		for range e.options.Sentinels {
			if err := e.startSentinel(); err != nil {
				return err
			}
		}
		return e.WaitFor(Patience, "Sentinels that know everyone", e.SentinelsKnowAll)
	})
}

func (e *Env) startSentinel() error {
	o := &e.options
	var lines []string
	for _, g := range e.Groups {
		lines = append(lines,
			fmt.Sprintf("sentinel monitor %s %s %d %d", g.Name, o.Host, g.Nodes[0].Port, o.Quorum),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", g.Name, o.DownAfter.Milliseconds()),
			fmt.Sprintf("sentinel failover-timeout %s %d", g.Name, o.FailoverTimeout.Milliseconds()),
			fmt.Sprintf("sentinel parallel-syncs %s 8", g.Name))
		switch {
		case o.User != "":
			lines = append(lines, fmt.Sprintf("sentinel auth-user %s %s", g.Name, o.User),
				fmt.Sprintf("sentinel auth-pass %s %s", g.Name, o.UserPassword))
		case o.Password != "":
			lines = append(lines, fmt.Sprintf("sentinel auth-pass %s %s", g.Name, o.Password))
		}
	}
	if o.SentinelPassword != "" {
		lines = append(lines, "requirepass "+o.SentinelPassword)
	}
	lines = append(lines, o.SentinelConfig...)
	n, err := e.startNode("", o.SentinelPassword, []string{"--sentinel"}, e.hurrySentinel,
		func(*Node) []string { return lines })
	if err != nil {
		return err
	}
	e.Sentinels = append(e.Sentinels, n)
	return nil
}

// hurrySentinel sets the periods of a Sentinel that has started: it loses them when it restarts.
func (e *Env) hurrySentinel(n *Node) error {
	periods := tiltPeriod
	if e.options.Fast {
		periods = slices.Concat(tiltPeriod, fastPeriods)
	}
	return n.setPeriods(periods)
}

// setPeriods sets internal periods of a Sentinel. One without the command keeps its own.
func (n *Node) setPeriods(periods []any) error {
	_, err := n.Do(append([]any{"SENTINEL", "DEBUG"}, periods...)...)
	if err != nil && strings.HasPrefix(err.Error(), "ERR Unknown") {
		return nil
	}
	return err
}

// UsualPeriods sets the periods of all Sentinels of a Fast Env to their defaults, except that of a tilt, as in
// production, after a fast start. A Sentinel that restarts later has them anyway.
func (e *Env) UsualPeriods() error {
	e.options.Fast = false
	for _, n := range e.Sentinels {
		if err := n.setPeriods(usualPeriods); err != nil {
			return err
		}
	}
	return nil
}

// SentinelsKnowAll returns an error until each Sentinel knows every other one and every replica.
func (e *Env) SentinelsKnowAll() error {
	for _, s := range e.Sentinels {
		for _, g := range e.Groups {
			if err := s.knowsGroup(g, len(e.Sentinels)-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// knowsGroup checks that a Sentinel knows all others and all replicas of a group, and reports every replica as healthy.
func (n *Node) knowsGroup(g *Group, others int) error {
	master, err := n.Do("SENTINEL", "MASTER", g.Name)
	if err != nil {
		return err
	}
	fields := Pairs(master)
	if got := fields["num-other-sentinels"]; got != fmt.Sprint(others) {
		return fmt.Errorf("%s knows %s other Sentinels of %d", n.Addr, got, others)
	}
	replies, err := n.Do("SENTINEL", "REPLICAS", g.Name)
	if err != nil {
		return err
	}
	replicas, _ := replies.([]any)
	if len(replicas) != len(g.Nodes)-1 {
		return fmt.Errorf("%s knows %d replicas of %s, not %d", n.Addr, len(replicas), g.Name, len(g.Nodes)-1)
	}
	for _, reply := range replicas {
		replica := Pairs(reply)
		if replica["flags"] != "slave" || replica["master-link-status"] != "ok" {
			return fmt.Errorf("%s reports replica %s with flags %s, link %s", n.Addr, replica["name"],
				replica["flags"], replica["master-link-status"])
		}
	}
	return nil
}

// Pairs parses the flat list of names and values of a Sentinel's reply.
func Pairs(reply any) map[string]string {
	flat, _ := reply.([]any)
	fields := make(map[string]string, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		fields[fmt.Sprint(flat[i])] = fmt.Sprint(flat[i+1])
	}
	return fields
}

// namedByMajority returns the candidate that a majority of all Sentinels names as the group's master.
func (g *Group) namedByMajority(candidates []*Node) []*Node {
	votes := map[string]int{}
	for _, s := range g.env.Sentinels {
		if addr, err := s.masterAddr(g.Name); err == nil {
			votes[addr]++
		}
	}
	for _, n := range candidates {
		if votes[n.Addr] > len(g.env.Sentinels)/2 {
			return []*Node{n}
		}
	}
	return nil
}

func (n *Node) masterAddr(name string) (string, error) {
	reply, err := n.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
	if err != nil {
		return "", err
	}
	parts, ok := reply.([]any)
	if !ok || len(parts) != 2 {
		return "", fmt.Errorf("%s: unexpected master address %v", n.Addr, reply)
	}
	return fmt.Sprintf("%v:%v", parts[0], parts[1]), nil
}

// noGoodReplica is in the error of a Sentinel without news of a replica that it could promote, such as one that has
// just stood still.
const noGoodReplica = "NOGOODSLAVE"

// Failover sends SENTINEL FAILOVER for the group to the first Sentinel that answers, and again while that has no
// replica to promote.
func (g *Group) Failover() (err error) {
	late := g.env.WaitFor(Patience, "a replica to promote", func() error {
		if err = g.askFailover(); err != nil && strings.Contains(err.Error(), noGoodReplica) {
			return err
		}
		return nil
	})
	if late != nil {
		return late
	}
	return err
}

func (g *Group) askFailover() error {
	var errs []error
	for _, s := range g.env.Sentinels {
		_, err := s.Do("SENTINEL", "FAILOVER", g.Name)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
		var refused redis.Error
		if errors.As(err, &refused) {
			break
		}
	}
	return errors.Join(errs...)
}
