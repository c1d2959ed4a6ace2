package pubsub

import (
	"fmt"
	"slices"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// Deadline is when rejected subscriptions are sent again; 0 without any. Tests call it.
func (s *Subscriptions) Deadline() time.Duration { return s.retryAt }

// Check returns what is wrong with the subscriptions, nil as a rule: what servers have acknowledged, and were asked, is
// what the hub has. Tests call it.
func (s *Subscriptions) Check() error {
	if err := s.hub.Check(); err != nil {
		return err
	}
	if s.gapSince > 0 && s.hub.Pending() == 0 {
		return fmt.Errorf("a gap is open since %v, and all topics are subscribed", s.gapSince)
	}
	for _, t := range s.hub.All() {
		if err := s.placed(t); err != nil {
			return err
		}
	}
	for l := range s.pubsub.Pool.All {
		if l.Key.Service == s.Index && l.Key.Purpose == upstream.Subscription && l.State == upstream.Open &&
			s.pubsub.Pool.First(l) == l {
			if err := s.inQuestion(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// placed checks that a topic is subscribed where it must be, or about to be, and nowhere else.
func (s *Subscriptions) placed(t *fanout.Topic) error {
	// A demoted primary is a source as long as a connection to it lasts, and none if another one is made.
	demoted := func(n topology.NodeID) bool { return s.View.Demoted(n) != nil }
	var wanted []topology.NodeID
	for i := range t.Sources {
		if at := &t.Sources[i]; at.Wanted && !demoted(at.Node) && at.Node != fanout.Nowhere {
			wanted = append(wanted, at.Node)
		}
		if err := s.checkSource(t, &t.Sources[i]); err != nil {
			return err
		}
	}
	should := slices.DeleteFunc(slices.Clone(s.sourcesOf(t)), func(n topology.NodeID) bool {
		return demoted(n) || n == fanout.Nowhere
	})
	slices.Sort(should)
	if s.closeOnGap && !t.On() && len(t.Listeners()) > 0 {
		return fmt.Errorf("%q is interrupted, and has %d listeners that were not closed", t.Name, len(t.Listeners()))
	}
	if slices.Sort(wanted); t.Wanted() && !slices.Equal(wanted, should) || !t.Wanted() && len(wanted) > 0 {
		return fmt.Errorf("%q is wanted at %v, and should be at %v", t.Name, wanted, should)
	}
	return nil
}

// checkSource checks that what is due at a source will be sent.
func (s *Subscriptions) checkSource(t *fanout.Topic, source *fanout.Source) error {
	open := s.OpenSubscription(source.Node)
	switch {
	case source.State != fanout.Unasked && source.State != fanout.Refused && open == nil:
		return fmt.Errorf("%q is in state %d at node %d, to which there is no connection", t.Name, source.State, source.Node)
	case source.Due() == fanout.Nothing || s.View.LedBy(source.Node) < 0:
	case open == nil && !s.HasSubscription(source.Node):
		return fmt.Errorf("%q is due at node %d, and nobody dials it", t.Name, source.Node)
	case open != nil && s.retryAt == 0:
		return fmt.Errorf("%q is due at node %d, and nobody asks for it", t.Name, source.Node)
	}
	return nil
}

// inQuestion checks that the commands that a server has not answered lead to what the hub has.
func (s *Subscriptions) inQuestion(l *upstream.Conn) error {
	last, start := map[string]bool{}, l.Queue.AnsweredTo()
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
			return fmt.Errorf("the server of connection %d is asked about %q: %t (to begin: %t), the hub says %+v", l.ID, t.Name,
				asked, begins, at)
		}
	}
	for key := range last {
		return fmt.Errorf("the server of connection %d is asked about %q, of which the hub knows nothing", l.ID, key)
	}
	return nil
}

// topicKey identifies a topic among those of all kinds.
func topicKey(kind fanout.Kind, name string) string { return beginVerbs[kind] + " " + name }
