package status

import (
	"fmt"
	"slices"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/freshness"
	"evergate/gateway/worker"
	"evergate/topology"
	"evergate/topology/decide"
)

// Picture draws a view, with what is known beside it.
type Picture struct {
	// View is nil while there is none.
	View *topology.View
	// Open are the connections of all workers, Earlier what they were some seconds ago.
	Open, Earlier worker.OfService
	// Reach and Offset know which servers answer, and their last replication offsets.
	Reach  *Reach
	Offset func(addr string) (offset int64, known bool)
	// Lags are how far replicas are behind, by the polls of their offsets.
	Lags []freshness.Lag
	// OnReplicas: reads of some clients go to replicas. OnPrimaries: those of others go to primaries in any case;
	// NeverPrimary: in no case. Otherwise a primary without replicas gets them.
	OnReplicas, OnPrimaries, NeverPrimary bool
}

// Drawing is what Picture draws; its fields are those of api.Service.
type Drawing struct {
	Epoch     uint64
	Steady    bool
	Unserved  int
	DownAfter float64
	Shards    []api.Shard
	Nodes     []api.Node
}

// Draw draws the topology.
func (p *Picture) Draw() Drawing {
	d := Drawing{Shards: []api.Shard{}, Nodes: []api.Node{}}
	if p.View == nil {
		return d
	}
	slots, ranges, unserved := slotsOf(p.View)
	d.Epoch, d.Unserved, d.DownAfter, d.Steady = p.View.Epoch, unserved, api.Ms(p.View.DownAfter), unserved == 0
	drawn := map[topology.NodeID]bool{}
	draw := func(n *topology.Node, role string, sh *topology.Shard) {
		if n != nil && !drawn[n.ID] {
			drawn[n.ID] = true
			d.Nodes = append(d.Nodes, p.node(n, role, sh))
		}
	}
	for i := range p.View.Shards {
		sh := &p.View.Shards[i]
		d.Steady = d.Steady && sh.Primary != nil && sh.Condition == topology.Steady
		draw(sh.Primary, api.RolePrimary, sh)
		draw(sh.Demoted, api.RoleDemoted, sh)
		draw(sh.Successor, api.RoleReplica, sh)
		replicas, unused := []string{}, []api.Unused{}
		for _, n := range sh.Replicas {
			replicas = append(replicas, n.Addr)
			draw(n, api.RoleReplica, sh)
		}
		for _, u := range sh.Unused {
			unused = append(unused, api.Unused{Addr: u.Node.Addr, Why: u.Why})
			draw(u.Node, api.RoleReplica, sh)
		}
		d.Shards = append(d.Shards, api.Shard{Name: sh.Name, Slots: slots[i], SlotRanges: ranges[i],
			Condition: sh.Condition.String(), Since: sh.Since.UTC(), ConfigEpoch: sh.ConfigEpoch,
			Primary: addrOf(sh.Primary), Provisional: sh.Provisional, Demoted: addrOf(sh.Demoted),
			Fence:     sh.Fence,
			Successor: addrOf(sh.Successor), Replicas: replicas, Unused: unused})
	}
	for _, n := range p.View.Nodes {
		draw(n, api.RoleUnknown, &topology.Shard{})
	}
	return d
}

// lagFresh is for how long the lag that polls have measured is preferred. They ask the replica right after its primary;
// other questions for offsets are up to a second apart, so that a replica that lacks nothing seems to lag.
const lagFresh = 2 * time.Second

// node draws a node in its role in a shard.
func (p *Picture) node(n *topology.Node, role string, shard *topology.Shard) api.Node {
	at, isReader := p.Open.Nodes[n.ID], slices.ContainsFunc(shard.Preferred(),
		func(replica *topology.Node) bool { return replica.ID == n.ID })
	reads := isReader && p.OnReplicas || role == api.RolePrimary &&
		(p.OnPrimaries || !p.NeverPrimary && len(shard.Replicas) == 0)
	var lag *int64
	if role == api.RoleReplica && shard.Primary != nil {
		own, known := p.Offset(n.Addr)
		if of, knows := p.Offset(shard.Primary.Addr); known && knows {
			behind := max(0, of-own)
			lag = &behind
		}
	}
	var polls *int64
	var behind *float64
	for i := range p.Lags {
		if l := &p.Lags[i]; l.Node == n.ID && l.Proven {
			ms := api.Ms(l.Time)
			polls, behind = &l.Polls, &ms
			if l.Age <= lagFresh {
				lag = &l.Bytes
			}
		}
	}
	reachable, why := p.Reach.Node(n.Addr)
	recent := at.Times()
	earlier := p.Earlier.Nodes[n.ID].Times()
	recent = recent.Since(&earlier)
	return api.Node{Addr: n.Addr, Announced: n.Announced, Role: role, Shard: shard.Name, Version: n.Version, Zone: n.Zone,
		Busy:      n.Busy,
		Reachable: reachable, Why: why, Reads: reads, Connections: at.Conns, InFlight: at.InFlight, Silent: at.Silent,
		Requests: at.Requests, P50: quantile(&recent, 0.5), P99: quantile(&recent, 0.99), LagBytes: lag,
		PollsBehind: polls, Lag: behind, LeftOut: at.LeftOut}
}

// ByNode returns what the workers have of the nodes of a view, by their addresses.
func ByNode(v *topology.View, open *worker.OfService) map[string]worker.AtNode {
	all := map[string]worker.AtNode{}
	for id, at := range open.Nodes {
		if n := v.Node(id); n != nil {
			all[n.Addr] = at
		}
	}
	return all
}

func addrOf(n *topology.Node) string {
	if n == nil {
		return ""
	}
	return n.Addr
}

// slotsOf returns how many slots each shard serves, and which, and how many none does.
func slotsOf(v *topology.View) (counts []int, ranges []string, unserved int) {
	counts, ranges = make([]int, len(v.Shards)), make([]string, len(v.Shards))
	if !v.Sharded {
		return counts, ranges, 0
	}
	for slot := 0; slot < topology.Slots; {
		end := v.RangeEnd(slot)
		if sh := v.Shard(slot); sh == nil {
			unserved += end - slot
		} else {
			text := fmt.Sprintf("%d-%d", slot, end-1)
			if end-slot == 1 {
				text = fmt.Sprint(slot)
			}
			if ranges[sh.Index] != "" {
				text = "," + text
			}
			counts[sh.Index] += end - slot
			ranges[sh.Index] += text
		}
		slot = end
	}
	return counts, ranges, unserved
}

// Shown returns the failover as the API shows it.
func (f *Failover) Shown(service string) api.Failover {
	outcome := api.OutcomeRunning
	switch {
	case f.Released == notYet:
	case f.To == f.From:
		outcome = api.OutcomeKept
	default:
		outcome = api.OutcomeSwitched
	}
	steps := []api.Step{}
	for _, s := range f.Steps {
		kind := stepKinds[s.Kind]
		if kind == "" || s.Failover == 0 {
			kind = api.StepOther
		}
		steps = append(steps, api.Step{After: api.Ms(s.After), Kind: kind, Event: s.Kind.String(),
			Subject: s.Subject, From: s.From, To: s.To, Why: s.Why, Text: s.String()})
	}
	var receipt *api.Receipt
	if r := f.Receipt; r != nil {
		var lost *uint64
		if r.Proven {
			lost = &r.Lost
		}
		receipt = &api.Receipt{Acknowledged: r.Acked, LostAtMost: lost, Proven: r.Proven, Why: r.Why, Text: r.String()}
	}
	return api.Failover{ID: fmt.Sprintf("%s/%d", service, f.Number), Service: service, Number: f.Number, Shard: f.Shard,
		Began: f.Began.UTC(), Why: f.Why, From: f.From, To: f.To, Outcome: outcome, Steps: steps,
		Held: shownAfter(f.Held), Promoted: shownAfter(f.Promoted), Resumed: shownAfter(f.Released),
		Confirmed: shownAfter(f.Confirmed), Receipt: receipt, Effect: f.effect()}
}

// effect is what the failover did to clients so far.
func (f *Failover) effect() *api.Effect {
	var longest *float64
	if f.Longest > 0 {
		ms := api.Ms(f.Longest)
		longest = &ms
	}
	b, n := &f.Before, &f.Now
	return &api.Effect{Complete: f.Complete, Buffered: n.Buffered - b.Buffered, Resumed: n.Resumed - b.Resumed,
		TimedOut: n.TimedOut - b.TimedOut, Abandoned: n.Abandoned - b.Abandoned, Uncertain: n.Uncertain - b.Uncertain,
		Retried: n.Retried - b.Retried, Rejected: n.Rejected - b.Rejected, Errors: n.Errors - b.Errors, LongestWait: longest}
}

var stepKinds = map[decide.EventKind]string{decide.Suspected: api.StepSuspected, decide.Held: api.StepHeld,
	decide.CandidateNamed: api.StepCandidate, decide.Promoted: api.StepPromoted, decide.Released: api.StepResumed,
	decide.Confirmed: api.StepConfirmed, decide.ReceiptGiven: api.StepReceipt}

func shownAfter(d time.Duration) *float64 {
	if d == notYet {
		return nil
	}
	ms := api.Ms(d)
	return &ms
}
