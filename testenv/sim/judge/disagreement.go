package judge

import (
	"fmt"

	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// Disagreement is what is left to be settled: all Sentinels name one primary, it is one, all others copy it, and the
// gateway knows. Empty when it is.
func (j *Judge) Disagreement() string {
	w := j.w
	if w.Options.Voice == scenario.Bus {
		return j.busDisagreement()
	}
	p := w.List[0].Names()
	for _, s := range w.List {
		if s.Names() != p || s.Attempt != nil {
			return fmt.Sprintf("%s names %s, attempt %v", s.Addr, s.Names().Addr, s.Attempt)
		}
	}
	for _, n := range w.Nodes {
		if n != p && (n.Following != p || n.Link != redis.LinkUp) {
			return n.Addr + " does not copy " + p.Addr
		}
	}
	if j.view == nil || !p.Primary {
		return p.Addr + " is no primary"
	}
	return j.misled(&j.view.Shards[0], p, len(w.Nodes))
}

// busDisagreement is the same for a cluster.
func (j *Judge) busDisagreement() string {
	if why := j.w.Unsettled(); why != "" {
		return why
	}
	for _, s := range j.w.Shards {
		if j.view == nil {
			return "no view"
		}
		sh, p := j.view.Shard(s.Ranges.First), j.w.Nodes[0].Claims[s.Index].Primary
		if sh == nil {
			return fmt.Sprintf("view %d lacks shard %d", j.view.Epoch, s.Index)
		}
		if why := j.misled(sh, p, len(s.Nodes)); why != "" {
			return why
		}
	}
	return ""
}

// misled says how the gateway's picture of a shard differs from what it is: a primary, and so many servers.
func (j *Judge) misled(sh *topology.Shard, p *redis.Node, servers int) string {
	if j.nodeOf(sh.Primary) != p || sh.Condition != topology.Steady || len(sh.Replicas) != servers-1 {
		return fmt.Sprintf("view %d names%s, %v, with %d replicas; %s is primary", j.view.Epoch, redis.Describe(j.view),
			sh.Condition, len(sh.Replicas), p.Addr)
	}
	return ""
}
