package worker

import (
	"slices"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// topics looks that whoever listens, and what servers were told, is what the hubs say.
func (a *audit) topics() {
	for _, s := range a.w.services {
		a.listeners(s)
		for _, t := range s.hub.All() {
			a.placed(s, t)
		}
		if s.gapSince > 0 && s.hub.Pending() == 0 {
			a.wrong("service %d: a gap is open since %v, and all topics are subscribed", s.Index, s.gapSince)
		}
	}
	for l := range a.w.pool.All {
		if l.Key.Purpose == upstream.Subscription && l.State == upstream.Open && a.w.pool.First(l) == l {
			a.inQuestion(l)
		}
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
		for k := range fanout.Kind(len(beginVerbs)) {
			for _, t := range c.subs.Topics(k) {
				if seats[t]++; s.hub.Find(k, []byte(t.Name)) != t || !slices.Contains(t.Listeners(), &c.subs.Listener) {
					a.wrong("client %d listens to %q, which knows nothing of it", c.ref.ID, t.Name)
				}
			}
		}
	}
	for _, t := range s.hub.All() {
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

// placed looks that a topic is subscribed where it must be, or is about to be, and nowhere else.
func (a *audit) placed(s *service, t *fanout.Topic) {
	// A demoted primary is a source as long as a connection to it lasts, and none if another one is made.
	demoted := func(n topology.NodeID) bool { return s.View.Demoted(n) != nil }
	var wanted []topology.NodeID
	for i := range t.Sources {
		if at := &t.Sources[i]; at.Wanted && !demoted(at.Node) && at.Node != fanout.Nowhere {
			wanted = append(wanted, at.Node)
		}
		a.source(s, t, &t.Sources[i])
	}
	should := slices.DeleteFunc(slices.Clone(a.w.sourcesOf(s, t)), func(n topology.NodeID) bool {
		return demoted(n) || n == fanout.Nowhere
	})
	slices.Sort(should)
	if s.CloseOnGap && !t.On() && len(t.Listeners()) > 0 {
		a.wrong("%q is interrupted, and has %d listeners that were not closed", t.Name, len(t.Listeners()))
	}
	if slices.Sort(wanted); t.Wanted() && !slices.Equal(wanted, should) || !t.Wanted() && len(wanted) > 0 {
		a.wrong("%q is wanted at %v, and should be at %v", t.Name, wanted, should)
	}
}

// source looks that somebody sees to what is due.
func (a *audit) source(s *service, t *fanout.Topic, source *fanout.Source) {
	open := s.OpenSubscription(source.Node)
	switch {
	case source.State != fanout.Unasked && source.State != fanout.Refused && open == nil:
		a.wrong("%q is in state %d at node %d, to which there is no connection", t.Name, source.State, source.Node)
	case source.Due() == fanout.Nothing || s.View.LedBy(source.Node) < 0:
	case open == nil && !s.HasSubscription(source.Node):
		a.wrong("%q is due at node %d, and nobody dials it", t.Name, source.Node)
	case open != nil && s.feedAt == 0:
		a.wrong("%q is due at node %d, and nobody asks for it", t.Name, source.Node)
	}
}

// inQuestion looks that what a server was asked and has not answered leads to what the hub believes.
func (a *audit) inQuestion(l *upstream.Conn) {
	s, last, start := a.w.services[l.Key.Service], map[string]bool{}, l.Queue.AnsweredTo()
	for request := range l.Inflight.All {
		if words := resp.Args(l.Queue.Frame(start, request.End), nil); len(words) == 2 {
			kind := kindOf(words[0])
			last[topicKey(kind, string(words[1]))] = string(words[0]) == beginVerbs[kind]
		}
		start = request.End
	}
	for _, t := range s.hub.All() {
		at, key := t.At(l.Key.Node), topicKey(t.Kind, t.Name)
		begins, asked := last[key]
		delete(last, key)
		switch {
		case at == nil && !asked:
		case at == nil, asked != (at.State == fanout.Asking || at.State == fanout.Ending),
			asked && begins != (at.State == fanout.Asking):
			a.wrong("the server of connection %d is asked about %q: %t (to begin: %t), the hub says %+v", l.ID, t.Name,
				asked, begins, at)
		}
	}
	for key := range last {
		a.wrong("the server of connection %d is asked about %q, of which the hub knows nothing", l.ID, key)
	}
}

func topicKey(kind fanout.Kind, name string) string { return beginVerbs[kind] + " " + name }
