package worker_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/session"
	"evergate/topology"
)

var consistencies = map[string]session.Consistency{"gateway": session.Gateway, "bounded": session.Bounded,
	"strong": session.Strong}

// lagSetting reads a time or a number of bytes.
func lagSetting(text string) (lag session.Lag) {
	if n, err := strconv.Atoi(text); err == nil {
		return session.Lag{Bytes: int64(n)}
	}
	lag.Time, _ = time.ParseDuration(text)
	return lag
}

// proofs is what polls servers for their offsets.
type proofs struct {
	fresh *freshness.Service
	state *freshness.State
	view  *topology.View
}

func newProofs() proofs {
	fresh := freshness.New(1, time.Time{}, func() {})
	return proofs{fresh: fresh, state: freshness.NewState(fresh)}
}

// publish has a view come there, before the worker gets it.
func (p *proofs) publish(v *topology.View) {
	if v != nil && v != p.view {
		p.fresh.Publish(v)
		p.view = v
	}
}

// polls has servers polled that are due. Each reports the offset of its word, NODE:OFFSET, in the run run-NODE, or
// NODE:OFFSET:RUN; a server without a word does not answer.
func (p *player) polls(words []string) {
	answers := map[string]freshness.Answer{}
	for _, word := range words {
		parts := append(strings.Split(word, ":"), "run-"+word[:1])
		offset, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		answers[parts[0]] = freshness.Answer{RunID: parts[2], ReplID: "history", Offset: offset}
	}
	now, state := time.Time{}.Add(p.loop.Now), p.proofs.state
	for range 2 { // the primaries, then the replicas
		asks, _ := state.Next(now)
		var asked []string
		for _, ask := range append([]freshness.Ask(nil), asks...) {
			name := p.nodes[ask.Node].Addr[:1]
			a, answered := answers[name]
			if a.Role = topology.RoleReplica; p.view.LedBy(ask.Node) >= 0 {
				a.Role = topology.RolePrimary
			}
			if !answered {
				a.Outcome = freshness.Lost
			}
			asked = append(asked, name)
			state.Answered(ask, a, now)
		}
		if len(asked) > 0 {
			p.effect("polled: %s", strings.Join(asked, " "))
		}
	}
}

// reportReads reports why reads went to primaries since the last report.
func (p *player) reportReads() {
	s := p.loop.Worker.Snapshot()
	all := s.Counted()
	var why []string
	for i, n := range all.OnPrimary {
		if n -= p.reads[i]; n > 0 {
			why = append(why, fmt.Sprintf("%d %v", n, freshness.OnPrimary(i)))
		}
	}
	p.reads = all.OnPrimary
	p.effect("on the primary: %s", strings.Join(why, ", "))
}
