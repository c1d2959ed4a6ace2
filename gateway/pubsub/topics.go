package pubsub

import (
	"evergate/gateway/fanout"
	"evergate/gateway/session"
)

// Want makes a session wait for a topic, which is subscribed if needed.
func (s *Subscriptions) Want(l *fanout.Listener, kind fanout.Kind, name []byte) *fanout.Topic {
	t, fresh := s.hub.Want(l, kind, name)
	if fresh {
		s.place(t)
	}
	return t
}

// Join makes a session that wants a topic one of its listeners. The topic must be subscribed.
func (s *Subscriptions) Join(l *fanout.Listener, kind fanout.Kind, name []byte) {
	s.hub.Join(l, s.hub.Find(kind, name))
}

// LeaveTopic ends a session's subscription to a topic. It is ended at servers when no other session has one.
func (s *Subscriptions) LeaveTopic(l *fanout.Listener, kind fanout.Kind, name []byte) {
	if t := s.hub.Find(kind, name); t != nil && s.hub.Leave(l, t) {
		s.unwanted(t)
	}
}

// LeaveAll ends all subscriptions of a session.
func (s *Subscriptions) LeaveAll(l *fanout.Listener) { s.unwanted(s.hub.LeaveAll(l)...) }

// GiveUp ends what a session wants and does not yet listen to.
func (s *Subscriptions) GiveUp(l *fanout.Listener) { s.unwanted(s.hub.Settle(l)...) }

// unwanted ends the subscriptions to these topics at servers, where no session wants them any more.
func (s *Subscriptions) unwanted(topics ...*fanout.Topic) {
	s.sendDue(topics...)
	s.gapMayEnd()
}

// All returns all topics.
func (s *Subscriptions) All() []*fanout.Topic { return s.hub.All() }

// Find returns a topic, or nil.
func (s *Subscriptions) Find(kind fanout.Kind, name []byte) *fanout.Topic {
	return s.hub.Find(kind, name)
}

// Count is the number of topics of a kind.
func (s *Subscriptions) Count(kind fanout.Kind) int { return s.hub.Len(kind) }

// closeListeners closes all listeners of a topic.
func (p *PubSub) closeListeners(t *fanout.Topic, why session.CloseReason) {
	listeners := t.Listeners()
	for i := len(listeners) - 1; i >= 0; i-- {
		p.Listeners.Close(listeners[i].Ref, why)
	}
}

// wakeWaiting resumes the sessions that wait for a topic.
func (p *PubSub) wakeWaiting(t *fanout.Topic) {
	for _, listener := range t.Waiting() {
		p.Listeners.Resume(listener.Ref)
	}
}
