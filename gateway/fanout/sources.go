package fanout

import (
	"slices"

	"evergate/topology"
)

// State of a source is what its server was told last, and what it said to that.
type State uint8

const (
	// Unasked: it has not been told, or has lost it.
	Unasked State = iota
	// Asking: it was told to begin and has not acknowledged.
	Asking
	// On: it has acknowledged.
	On
	// Ending: it was told to end and has not acknowledged.
	Ending
	// Refused: it will not.
	Refused
)

// Source is one node at which a topic is subscribed or must be. Only Hub changes it.
type Source struct {
	Node  topology.NodeID
	State State
	// Wanted: it must be subscribed there. One that is not stays until the server has ended it.
	Wanted bool
	ask    uint32 // number of what the server was told last
}

// Due is what a server is to be told.
type Due uint8

const (
	// Nothing: it has been told.
	Nothing Due = iota
	// Begin the subscription.
	Begin
	// End it.
	End
)

// Due says what the server is to be told next.
func (s *Source) Due() Due {
	switch {
	case s.Wanted && (s.State == Unasked || s.State == Ending):
		return Begin
	case !s.Wanted && (s.State == Asking || s.State == On):
		return End
	}
	return Nothing
}

// counts says that the server may count the subscription.
func (s *Source) counts() bool { return s.State == Asking || s.State == On || s.State == Ending }

// pends says that it is waited for.
func (s *Source) pends() bool { return s.Wanted && s.State != On && s.State != Refused }

// Pending is how many sources have not acknowledged yet that must, those included that are Nowhere.
func (h *Hub) Pending() int { return h.pending }

// Uses is how many topics must be subscribed at a node.
func (h *Hub) Uses(node topology.NodeID) int { return h.uses[node] }

// Place says at which nodes a topic must be subscribed from now on; one that nobody wants is subscribed nowhere. What
// is due is to be told them, and those where it must be no more. left are the nodes that had acknowledged and that it
// has left.
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

// forget takes sources out of the books that are wanted no more and that no server has, and the topic with the last.
func (h *Hub) forget(t *Topic) {
	t.Sources = slices.DeleteFunc(t.Sources, func(s Source) bool { return !s.Wanted && !s.counts() })
	if !t.Wanted() && len(t.Sources) == 0 && h.topics[t.Kind][t.Name] == t {
		delete(h.topics[t.Kind], t.Name)
	}
}

// Telling says that a server is being told what is due, and returns the number of that. Only the answer to what it was
// told last counts.
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

// Acked says that a node has acknowledged what it was told. It returns the topic when it is subscribed there now.
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

// Refused says that a node has refused what it was told, with its error reply; nil when it may be asked again. It
// returns the topic when it must be subscribed there and is not.
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

// answered finds what a server has answered; nil when it has been told something else since.
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

// Ended says that a node has ended a subscription by itself. It returns the topic when it must be subscribed there.
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

// Lost says that the connection to a node has ended, and with it all subscriptions there. It returns the topics that
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

// enter changes a source, and the books with it.
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
