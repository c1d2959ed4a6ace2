package fanout

import "slices"

// Pending is how many sources have not acknowledged yet, those included that are Nowhere.
func (h *Hub) Pending() int { return h.pending }

// Uses is how many topics have a source at a node.
func (h *Hub) Uses(node int32) int { return h.uses[node] }

// Place says at which nodes a topic must be subscribed from now on; those where it is already stay as they are. It
// returns the sources that are no more, where it may have to be ended.
func (h *Hub) Place(t *Topic, nodes []int32) (gone []Source) {
	kept := t.Sources[:0]
	for i := range t.Sources {
		s := t.Sources[i]
		if slices.Contains(nodes, s.Node) {
			kept = append(kept, s)
		} else {
			h.unuse(t, &s)
			gone = append(gone, s)
		}
	}
	t.Sources = kept
	for _, node := range nodes {
		if t.At(node) != nil {
			continue
		}
		t.Sources = append(t.Sources, Source{Node: node})
		if h.uses == nil {
			h.uses = map[int32]int{}
		}
		h.uses[node]++
		h.pending++
	}
	h.tell(t)
	return gone
}

// unuse takes a source out of the books.
func (h *Hub) unuse(t *Topic, s *Source) {
	if h.uses[s.Node]--; h.uses[s.Node] == 0 {
		delete(h.uses, s.Node)
	}
	switch s.State {
	case On:
		h.counted(t, s.Node, 0, -1)
	case Unasked, Asking:
		h.pending--
	case Refused:
	}
}

// Asked says that a source is being told, and returns the number of the asking. Only the answer to the last one counts.
func (h *Hub) Asked(t *Topic, s *Source) (ask uint32) {
	h.serial++
	h.enter(t, s, Asking)
	s.ask = h.serial
	return s.ask
}

// Acked says that a node has acknowledged an asking. It returns the topic, or nil when that is of no use any more.
func (h *Hub) Acked(k Kind, name []byte, node int32, ask uint32) *Topic {
	return h.answered(k, name, node, ask, On)
}

// Refused says that a node has refused an asking, with its error reply; nil when it may be asked again. It returns the
// topic, as Acked does.
func (h *Hub) Refused(k Kind, name []byte, node int32, ask uint32, reply []byte) *Topic {
	if reply == nil {
		return h.answered(k, name, node, ask, Unasked)
	}
	t := h.answered(k, name, node, ask, Refused)
	if t != nil {
		t.Refusal = reply
	}
	return t
}

func (h *Hub) answered(k Kind, name []byte, node int32, ask uint32, state State) *Topic {
	t := h.Find(k, name)
	if t == nil {
		return nil
	}
	s := t.At(node)
	if s == nil || s.State != Asking || s.ask != ask {
		return nil
	}
	h.enter(t, s, state)
	return t
}

// Ended says that a node has ended a subscription by itself. It returns the topic when it was one.
func (h *Hub) Ended(k Kind, name []byte, node int32) *Topic {
	t := h.Find(k, name)
	if t == nil {
		return nil
	}
	s := t.At(node)
	if s == nil || s.State != On {
		return nil
	}
	h.enter(t, s, Unasked)
	return t
}

// Lost says that the connection to a node has ended, and with it all subscriptions there. It returns the topics that
// were On there.
func (h *Hub) Lost(node int32) (lost []*Topic) {
	for _, t := range h.All() {
		s := t.At(node)
		if s == nil {
			continue
		}
		if s.State == On {
			lost = append(lost, t)
		}
		h.enter(t, s, Unasked)
	}
	return lost
}

// enter changes the state of a source, and the books with it.
func (h *Hub) enter(t *Topic, s *Source, state State) {
	was := s.State
	s.State = state
	s.ask = 0
	if was == On && state != On {
		h.counted(t, s.Node, 0, -1)
	} else if was != On && state == On {
		h.counted(t, s.Node, 0, 1)
	}
	open := func(state State) bool { return state == Unasked || state == Asking }
	switch {
	case open(was) && !open(state):
		h.pending--
	case !open(was) && open(state):
		h.pending++
	}
	h.tell(t)
}
