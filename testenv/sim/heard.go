package sim

import (
	"fmt"
	"maps"

	"evergate/gateway/fanout"
	"evergate/gateway/worker"
	"evergate/topology"
)

// misplacedTopics says what servers have that nobody listens to, or lack; each worker has a topic once.
func (w *world) misplacedTopics() string {
	if waits := w.clients.Unacknowledged(); waits != "" {
		return waits
	}
	has, want := w.Topics(), map[string]int{}
	for _, g := range w.gates {
		for topic := range w.clients.TopicsOf(g.number) {
			want[topic]++
		}
	}
	if !maps.Equal(has, want) {
		return fmt.Sprintf("the servers have %v, clients listen to %v", has, want)
	}
	return ""
}

// checkListeners plays on until all that listeners were promised holds.
func (w *world) checkListeners() {
	checks := []func() string{w.misplacedTopics, w.clients.AskEverybody(), w.clients.Unheard}
	if w.Options.CloseOnGap && w.Options.RealState() { // the oracle's views may have two primaries at once
		checks = append(checks, w.clients.Missed)
	}
	for _, check := range checks {
		problem := ""
		for end := w.Now + quietMax; w.Now < end && w.Ledger.Fault == ""; w.round() {
			if problem = check(); problem == "" {
				break
			}
		}
		if problem != "" {
			w.Ledger.Fail("after quiet: %s", problem)
		}
	}
}

// countListeners has workers share what they know of how many listen.
func (w *world) countListeners(env *worker.Env) {
	env.Counted = func(_ int, k fanout.Kind, name string, node topology.NodeID, listeners, lanes int) {
		w.census.Count(k, name, node, listeners, lanes)
	}
	env.Count = func(_ int, q fanout.Count) (listeners, lanes int) { return q.Of(&w.census) }
}
