package main

import (
	"fmt"
	"slices"
	"time"

	"evergate/gateway/api"
)

// stage is a step of the failover that the fake plays: when it comes, and what it says.
type stage struct {
	after                         time.Duration
	kind, event, why, who, effect string
}

// stages are those of a primary that died behind three Sentinels.
var stages = []stage{
	{0, api.StepSuspected, "primary suspected", "refused", "", ""},
	{412 * time.Millisecond, api.StepOther, "server unreachable", "refused", "primary", ""},
	{1180 * time.Millisecond, api.StepOther, "sentinel unreachable", "timeout", "10.0.0.3:26379", ""},
	{2200 * time.Millisecond, api.StepHeld, "failover started", "10.0.0.2:26379: try-failover", "", "hold"},
	{2744 * time.Millisecond, api.StepCandidate, "candidate selected", "10.0.0.2:26379: promoted-slave", "", ""},
	{3391 * time.Millisecond, api.StepPromoted, "primary promoted", "10.0.0.2:26379 names %s", "", ""},
	{3402 * time.Millisecond, api.StepResumed, "requests resumed", "", "", "resume"},
	{3404 * time.Millisecond, api.StepReceipt, "failover receipt", "", "", "receipt"},
	{3850 * time.Millisecond, api.StepConfirmed, "primary confirmed", "2 of 3 Sentinels name %s", "", "confirm"},
	{6850 * time.Millisecond, "", "", "", "", "complete"},
}

// failover is one that is under way: its service, its primaries, and how many stages have been.
type failover struct {
	service, shard, done int
	from, to             string
	began                time.Time
}

// strike begins a failover of a shard of a service, unless one is under way.
func (f *fake) strike(service, shard int, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != nil {
		return
	}
	s := &f.scene.services[service].Shards[shard]
	n := len(f.scene.failovers) + 1
	f.scene.failovers = append(f.scene.failovers, api.Failover{ID: fmt.Sprintf("%s/%d", f.scene.services[service].Name, n),
		Service: f.scene.services[service].Name, Number: uint64(n), Shard: s.Name, Began: now, Why: "refused",
		From: s.Primary, Outcome: api.OutcomeRunning, Steps: []api.Step{}})
	f.run = &failover{service: service, shard: shard, from: s.Primary, to: s.Replicas[0], began: now}
}

// play sends the stages whose time has come.
func (f *fake) play(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.run != nil && now.Sub(f.run.began) >= stages[f.run.done].after {
		f.step(f.run, stages[f.run.done])
		if f.run.done++; f.run.done == len(stages) {
			f.run = nil
		}
	}
}

func (f *fake) step(run *failover, s stage) {
	at := slices.IndexFunc(f.scene.failovers, func(o api.Failover) bool { return o.Began.Equal(run.began) })
	o := &f.scene.failovers[at]
	after := api.Ms(s.after)
	if s.kind != "" {
		step := api.Step{After: after, Kind: s.kind, Event: s.event, Why: s.why, Subject: s.who}
		switch {
		case s.who == "primary":
			step.Subject = run.from
		case s.kind == api.StepPromoted, s.kind == api.StepConfirmed:
			step.Why = fmt.Sprintf(s.why, run.to)
			step.To = run.to
		}
		step.Text = fmt.Sprintf("%s: %s (%s)", o.Shard, s.event, step.Why)
		o.Steps = append(o.Steps, step)
	}
	sh := &f.scene.services[run.service].Shards[run.shard]
	switch s.effect {
	case "hold":
		o.Held, o.Effect = &after, &api.Effect{}
		f.turn(run, api.RoleDemoted)
		sh.Condition, sh.Primary, sh.Demoted, sh.Since = api.Switching, "", run.from, run.began.Add(s.after)
	case "resume":
		promoted := api.Ms(stages[run.done-1].after)
		longest := after - *o.Held
		o.To, o.Promoted, o.Resumed, o.Outcome = run.to, &promoted, &after, api.OutcomeSwitched
		o.Effect = &api.Effect{Buffered: 128, Resumed: 128, Retried: 4, LongestWait: &longest}
		f.turn(run, api.RolePrimary)
		sh.Condition, sh.Primary, sh.Demoted = api.Steady, run.to, ""
		sh.Replicas = slices.DeleteFunc(slices.Clone(sh.Replicas), func(a string) bool { return a == run.to })
		sh.Unused = []api.Unused{{Addr: run.from, Why: "does not answer"}}
	case "receipt":
		lost := uint64(0)
		o.Receipt = &api.Receipt{Acknowledged: 1843201, LostAtMost: &lost, Proven: true,
			Text: "nothing lost: the new primary has all 1843201 acknowledged writes"}
	case "confirm":
		o.Confirmed = &after
	case "complete":
		o.Effect.Complete = true
		f.turn(run, api.RoleReplica)
		sh.Unused, sh.Replicas = []api.Unused{}, append(sh.Replicas, run.from) // it was started again
	}
	f.emit(api.EventFailover, *o)
	f.emit(api.EventTopology, f.scene.services[run.service])
}

// turn changes the roles of the servers as the shard's failover does.
func (f *fake) turn(run *failover, role string) {
	nodes := f.scene.services[run.service].Nodes
	for i := range nodes {
		switch {
		case nodes[i].Addr == run.from && role == api.RoleDemoted:
			nodes[i].Role, nodes[i].Reads = api.RoleDemoted, false
		case nodes[i].Addr == run.from:
			nodes[i].Role, nodes[i].Reads = api.RoleReplica, role == api.RoleReplica
			nodes[i].LagBytes = new(int64)
		case nodes[i].Addr == run.to && role == api.RolePrimary:
			nodes[i].Role, nodes[i].LagBytes = api.RolePrimary, nil
		}
	}
}
