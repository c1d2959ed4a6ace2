package pubsub

import (
	"evergate/gateway/fanout"
	"evergate/gateway/session"
)

// Want has a session wait for a topic, and has it subscribed where it is not.
func (s *Subscriptions) Want(l *fanout.Listener, kind fanout.Kind, name []byte) *fanout.Topic {
	t, fresh := s.hub.Want(l, kind, name)
	if fresh {
		s.place(t)
	}
	return t
}

// Join makes a session that wants a topic, which is subscribed, one of its listeners.
func (s *Subscriptions) Join(l *fanout.Listener, kind fanout.Kind, name []byte) {
	s.hub.Join(l, s.hub.Find(kind, name))
}

// LeaveTopic ends what a session has of a topic, leaveAll of all. Servers are told when nobody else listens.
func (s *Subscriptions) LeaveTopic(l *fanout.Listener, kind fanout.Kind, name []byte) {
	if t := s.hub.Find(kind, name); t != nil && s.hub.Leave(l, t) {
		s.unwanted(t)
	}
}

func (s *Subscriptions) LeaveAll(l *fanout.Listener) { s.unwanted(s.hub.LeaveAll(l)...) }

// GiveUp ends what a session wants and does not listen to.
func (s *Subscriptions) GiveUp(l *fanout.Listener) { s.unwanted(s.hub.Settle(l)...) }

// unwanted has servers end what nobody wants any more.
func (s *Subscriptions) unwanted(topics ...*fanout.Topic) {
	s.sendDue(topics...)
	s.gapMayEnd()
}

// All returns the topics.
func (s *Subscriptions) All() []*fanout.Topic { return s.hub.All() }

// Find returns a topic, or nil.
func (s *Subscriptions) Find(kind fanout.Kind, name []byte) *fanout.Topic {
	return s.hub.Find(kind, name)
}

// Count is how many topics of a kind there are.
func (s *Subscriptions) Count(kind fanout.Kind) int { return s.hub.Len(kind) }

// closeListeners closes the connections of all who listen to a topic.
func (p *PubSub) closeListeners(t *fanout.Topic, why session.CloseReason) {
	listeners := t.Listeners()
	for i := len(listeners) - 1; i >= 0; i-- {
		p.Listeners.Close(listeners[i].Ref, why)
	}
}

func (p *PubSub) wakeWaiting(t *fanout.Topic) {
	for _, who := range t.Waiting() {
		p.Listeners.Resume(who.Ref)
	}
}
