package fanout

import (
	"slices"

	"evergate/topology"
)

// State of a source is the last command to its server, with the reply.
type State uint8

const (
	// Unasked: no command was sent, or its effect is lost.
	Unasked State = iota
	// Asking: SUBSCRIBE was sent and is not acknowledged.
	Asking
	// On: it has acknowledged.
	On
	// Ending: UNSUBSCRIBE was sent and is not acknowledged.
	Ending
	// Refused: the server rejects it.
	Refused
)

// Source is one node at which a topic is subscribed or must be. Only Hub changes it.
type Source struct {
	Node  topology.NodeID
	State State
	// Wanted: it must be subscribed there. A source that is not wanted stays until the server has ended it.
	Wanted bool
	ask    uint32 // number of the last command to the server
}

// Due is the next command for a server.
type Due uint8

const (
	// Nothing is due.
	Nothing Due = iota
	// Begin the subscription.
	Begin
	// End it.
	End
)

// Due returns the next command for the server.
func (s *Source) Due() Due {
	switch {
	case s.Wanted && (s.State == Unasked || s.State == Ending):
		return Begin
	case !s.Wanted && (s.State == Asking || s.State == On):
		return End
	}
	return Nothing
}

// counts reports whether the server may count the subscription.
func (s *Source) counts() bool { return s.State == Asking || s.State == On || s.State == Ending }

// pends reports whether its acknowledgement is pending.
func (s *Source) pends() bool { return s.Wanted && s.State != On && s.State != Refused }

// Pending is the number of wanted sources without an acknowledgement, including those that are Nowhere.
func (h *Hub) Pending() int { return h.pending }

// Uses is the number of topics that must be subscribed at a node.
func (h *Hub) Uses(node topology.NodeID) int { return h.uses[node] }

// Place sets the nodes at which a topic must be subscribed from now on; none for a topic without listeners. Those
// nodes, and the ones where it must not be subscribed any more, become due. left are the nodes that had acknowledged
// and that it has left.
func (h *Hub) Place(t *Topic, nodes []topology.NodeID) (left []topology.NodeID) {
	if !t.Wanted() {
		nodes = nil
	}
	for _, node := range nodes {
		if t.At(node) == nil {
			t.Sources = append(t.Sources, Source{Node: node})
		}
	}
	for i := range t.Sources {
		s := &t.Sources[i]
		wanted := slices.Contains(nodes, s.Node)
		if s.Wanted && !wanted && s.State == On {
			left = append(left, s.Node)
		}
		h.enter(t, s, s.State, wanted)
	}
	h.forget(t)
	h.report(t)
	return left
}

// forget removes sources that are not wanted and that no server has, and the topic with the last one.
func (h *Hub) forget(t *Topic) {
	t.Sources = slices.DeleteFunc(t.Sources, func(s Source) bool { return !s.Wanted && !s.counts() })
	if !t.Wanted() && len(t.Sources) == 0 && h.topics[t.Kind][t.Name] == t {
		delete(h.topics[t.Kind], t.Name)
	}
}

// Sending records that the due command is being sent to a server, and returns its number. Only the reply to the last
// command counts.
func (h *Hub) Sending(t *Topic, s *Source) (ask uint32) {
	h.serial++
	switch s.Due() {
	case Begin:
		h.enter(t, s, Asking, true)
	case End:
		h.enter(t, s, Ending, false)
	case Nothing:
	}
	s.ask = h.serial
	h.report(t)
	return s.ask
}

// Acked records that a node has acknowledged a command. It returns the topic if it is subscribed there now.
func (h *Hub) Acked(k Kind, name []byte, node topology.NodeID, ask uint32) *Topic {
	t, s := h.answered(k, name, node, ask)
	switch {
	case s == nil:
		return nil
	case s.State == Asking:
		h.enter(t, s, On, s.Wanted)
		h.report(t)
		return t
	default:
		h.enter(t, s, Unasked, s.Wanted)
		h.forget(t)
		return nil
	}
}

// Refused records that a node has rejected a command, with its error reply; nil if it may be retried. It returns the
// topic if it must be subscribed there and is not.
func (h *Hub) Refused(k Kind, name []byte, node topology.NodeID, ask uint32, reply []byte) *Topic {
	t, s := h.answered(k, name, node, ask)
	switch {
	case s == nil:
		return nil
	case s.Wanted && reply != nil:
		t.Refusal = reply
		h.enter(t, s, Refused, true)
	default:
		h.enter(t, s, Unasked, s.Wanted)
	}
	wanted := s.Wanted
	h.forget(t)
	h.report(t)
	if !wanted {
		return nil
	}
	return t
}

// answered finds the source of a reply; nil if another command was sent since.
func (h *Hub) answered(k Kind, name []byte, node topology.NodeID, ask uint32) (*Topic, *Source) {
	t := h.Find(k, name)
	if t == nil {
		return nil, nil
	}
	s := t.At(node)
	if s == nil || s.State != Asking && s.State != Ending || s.ask != ask {
		return nil, nil
	}
	return t, s
}

// Ended records that a node has ended a subscription by itself. It returns the topic if it must be subscribed there.
func (h *Hub) Ended(k Kind, name []byte, node topology.NodeID) *Topic {
	t := h.Find(k, name)
	if t == nil {
		return nil
	}
	s := t.At(node)
	if s == nil || s.State != On {
		return nil
	}
	wanted := s.Wanted
	h.enter(t, s, Unasked, wanted)
	h.forget(t)
	h.report(t)
	if !wanted {
		return nil
	}
	return t
}

// Lost records that the connection to a node has ended, and with it all subscriptions there. It returns the topics that
// were On there and must be.
func (h *Hub) Lost(node topology.NodeID) (lost []*Topic) {
	for _, t := range h.All() {
		s := t.At(node)
		if s == nil {
			continue
		}
		if s.Wanted && s.State == On {
			lost = append(lost, t)
		}
		h.enter(t, s, Unasked, s.Wanted)
		h.forget(t)
		h.report(t)
	}
	return lost
}

// enter changes a source, and the counts with it.
func (h *Hub) enter(t *Topic, s *Source, state State, wanted bool) {
	was := *s
	s.State, s.Wanted = state, wanted
	switch {
	case was.counts() && !s.counts():
		h.counted(t, s.Node, 0, -1)
	case !was.counts() && s.counts():
		h.counted(t, s.Node, 0, 1)
	}
	switch {
	case was.pends() && !s.pends():
		h.pending--
	case !was.pends() && s.pends():
		h.pending++
	}
	if was.Wanted == wanted {
		return
	}
	if h.uses == nil {
		h.uses = map[topology.NodeID]int{}
	}
	if wanted {
		h.uses[s.Node]++
	} else if h.uses[s.Node]--; h.uses[s.Node] == 0 {
		delete(h.uses, s.Node)
	}
}
