package worker

import (
	"slices"

	"evergate/gateway/fanout"
)

// topics looks that whoever listens is what the hubs say.
func (a *audit) topics() {
	for _, s := range a.w.services {
		a.listeners(s)
	}
}

// listeners looks that the listeners of topics are the sessions that listen.
func (a *audit) listeners(s *service) {
	seats, waits := map[*fanout.Topic]int{}, 0
	for _, c := range a.w.clients {
		if c == nil || c.svc != s || c.subs == nil {
			continue
		}
		if c.subs.Waits() {
			if waits++; !c.Waits() && !c.Awake() {
				a.wrong("client %d waits for an acknowledgement, and is not blocked", c.ref.ID)
			}
		}
		for k := range fanout.Shard + 1 {
			for _, t := range c.subs.Topics(k) {
				if seats[t]++; s.Find(k, []byte(t.Name)) != t || !slices.Contains(t.Listeners(), &c.subs.Listener) {
					a.wrong("client %d listens to %q, which knows nothing of it", c.ref.ID, t.Name)
				}
			}
		}
	}
	for _, t := range s.All() {
		if seats[t] != len(t.Listeners()) {
			a.wrong("%q has %d listeners, %d sessions say so", t.Name, len(t.Listeners()), seats[t])
		}
		for _, l := range slices.Concat(t.Listeners(), t.Waiting()) {
			if a.w.client(l.Ref) == nil {
				a.wrong("%q has a listener that has left", t.Name)
			}
		}
	}
}
