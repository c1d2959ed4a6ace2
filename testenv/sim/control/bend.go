package control

import (
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// bend makes of an observation what the bug makes of it.
func (k *Keeper) bend(o topology.Observation) []topology.Observation {
	bug := k.w.Options.Bug
	switch seen := o.(type) {
	case topology.SentinelReport:
		switch {
		case bug == scenario.TrustOne && seen.Sentinel == k.w.Liar().Addr:
			return k.allSay(seen)
		case bug == scenario.TrustOne:
			return nil
		case bug == scenario.TrustRole && k.risen != "":
			seen.Primary, seen.Down = k.risen, 0
			seen.ConfigEpoch += k.rises
			return []topology.Observation{seen}
		}
	case topology.SentinelMessage:
		if bug == scenario.TrustOne && seen.Sentinel != k.w.Liar().Addr {
			return nil
		}
	case topology.RoleSeen:
		was, known := k.runs[seen.Addr]
		if seen.Role != topology.RolePrimary {
			delete(k.runs, seen.Addr)
			break
		}
		if !known || was.RunID != seen.RunID {
			k.risen, k.rises = seen.Addr, k.rises+1
		}
		if known && bug == scenario.NoFence && was.RunID != seen.RunID {
			seen.RunID, seen.ReplID, seen.ReplID2 = was.RunID, was.ReplID, was.ReplID2
			seen.SecondOffset, seen.Offset = was.SecondOffset, max(was.Offset, seen.Offset)
		}
		k.runs[seen.Addr] = seen
		return []topology.Observation{seen}
	}
	return []topology.Observation{o}
}

// allSay puts what one Sentinel says into the mouths of all.
func (k *Keeper) allSay(says topology.SentinelReport) []topology.Observation {
	var all []topology.Observation
	for _, s := range k.w.List {
		says.Sentinel = s.Addr
		all = append(all, says)
	}
	return all
}

// Shown is what a worker sees of the newest view.
func (k *Keeper) Shown() *topology.View {
	switch {
	case k.view == nil:
	case k.w.Options.Bug == scenario.NoBarrier:
		if k.bent == nil || k.view.Shards[0].Primary != nil {
			k.bent = k.view
		}
		return k.bent
	case k.w.Options.Bug == scenario.NoWithholding:
		if k.bent == nil || k.bent.Epoch != k.view.Epoch {
			v := *k.view
			v.Shards = append([]topology.Shard(nil), v.Shards...)
			for i := range v.Shards {
				v.Shards[i].Demoted, v.Shards[i].Successor = nil, nil
			}
			k.bent = &v
		}
		return k.bent
	case k.w.Options.Bug == scenario.AttachedOnly:
		if k.bent == nil || k.bent.Epoch != k.view.Epoch {
			v := *k.view
			v.Shards = append([]topology.Shard(nil), v.Shards...)
			for i := range v.Shards {
				of := &v.Shards[i].Copies
				*of = topology.Copies{Attached: of.Attached, Promotable: max(of.Attached, 0)}
			}
			k.bent = &v
		}
		return k.bent
	}
	return k.view
}
