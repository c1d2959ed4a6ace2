package worker

import (
	"slices"

	"evergate/gateway/fanout"
)

// topics looks that whoever listens is what the hubs say.
func (a *look) topics() {
	for s := range a.w.services.All {
		a.listeners(s)
	}
}

// listeners looks that the listeners of topics are the sessions that listen.
func (a *look) listeners(s *service) {
	seats, waits := map[*fanout.Topic]int{}, 0
	for c := range a.w.x.All {
		if c.Service != s.Service || c.Subs == nil {
			continue
		}
		if c.Subs.Waits() {
			if waits++; !c.Waits() && !c.Awake() {
				a.wrong("client %d waits for an acknowledgement, and is not blocked", c.Ref.ID)
			}
		}
		for k := range fanout.Shard + 1 {
			for _, t := range c.Subs.Topics(k) {
				if seats[t]++; s.Find(k, []byte(t.Name)) != t || !slices.Contains(t.Listeners(), &c.Subs.Listener) {
					a.wrong("client %d listens to %q, which knows nothing of it", c.Ref.ID, t.Name)
				}
			}
		}
	}
	for _, t := range s.All() {
		if seats[t] != len(t.Listeners()) {
			a.wrong("%q has %d listeners, %d sessions say so", t.Name, len(t.Listeners()), seats[t])
		}
		for _, l := range slices.Concat(t.Listeners(), t.Waiting()) {
			if a.w.x.Session(l.Ref) == nil {
				a.wrong("%q has a listener that has left", t.Name)
			}
		}
	}
}

// topicsRest looks that nobody waits for a topic.
func (a *look) topicsRest() {
	for s := range a.w.services.All {
		for _, t := range s.All() {
			if !t.Wanted() || !t.On() {
				a.wrong("topic %q: %d listen, %d wait, %+v", t.Name, len(t.Listeners()), len(t.Waiting()), t.Sources)
			}
		}
	}
}
