// Package fanout has channels and their listeners: one subscription at a server serves many listeners. It does no I/O,
// and knows neither servers nor sessions, only their numbers.
//
//	t, fresh := hub.Want(listener, fanout.Channel, name)  // the listener waits until t.On()
//	hub.Place(t, nodes)                                   // where it must be subscribed
//	source.Due(); hub.Sending(t, source)                  // the next command for a server; it is being sent
//	hub.Acked(kind, name, node, ask)                      // the server has acknowledged it
//	hub.Join(listener, t)                                 // from now on the listener receives messages
//	gone := hub.Leave(listener, t)                        // the last one has left: the topic is due to end
//
// A listener joins only when every server has acknowledged that must, so that it receives each message that is
// published after its own acknowledgement. A waiting listener keeps the topic alive.
//
// Only Hub changes topics: which are wanted, and which commands were sent to servers. It keeps a topic until no server
// has it any more. A topic without listeners is wanted nowhere, even while a caller holds it; so listeners may leave
// during an iteration over topics.
package fanout

import (
	"cmp"
	"maps"
	"slices"

	"evergate/gateway/session"
	"evergate/topology"
)

// Kind of a topic. Names of different kinds are unrelated.
type Kind uint8

const (
	// Channel is a name for SUBSCRIBE.
	Channel Kind = iota
	// Pattern is a name for PSUBSCRIBE.
	Pattern
	// Shard is a channel that belongs to a slot as a key does: SSUBSCRIBE.
	Shard

	kinds = 3
)

// Nowhere is the node of a Source while there is no node for it.
const Nowhere = topology.NodeID(-1)

// Topic is one channel or pattern. Only Hub changes it.
type Topic struct {
	Kind Kind
	Name string
	// Events: keyspace events may come under this name.
	Events bool
	// Sources are the nodes where it is subscribed or must be. When Hub removes one, the later ones move up.
	Sources []Source
	// Refusal is the error reply of the server that rejected it; nil for none.
	Refusal []byte

	listeners []*Listener
	waiting   []*Listener
	serial    uint32
	reported  int // listeners that were passed to Counted
}

// Listeners are those that receive its messages. They may leave while the slice is iterated from its end.
func (t *Topic) Listeners() []*Listener { return t.listeners }

// Waiting are the listeners that wait for the acknowledgement.
func (t *Topic) Waiting() []*Listener { return t.waiting }

// Wanted reports whether it has a listener, present or waiting.
func (t *Topic) Wanted() bool { return len(t.listeners)+len(t.waiting) > 0 }

// On reports whether every source that is wanted has acknowledged.
func (t *Topic) On() bool {
	on := false
	for i := range t.Sources {
		if s := &t.Sources[i]; s.Wanted {
			if s.State != On {
				return false
			}
			on = true
		}
	}
	return on
}

// At returns the source at a node, or nil.
func (t *Topic) At(node topology.NodeID) *Source {
	for i := range t.Sources {
		if t.Sources[i].Node == node {
			return &t.Sources[i]
		}
	}
	return nil
}

// Listener has the subscriptions of one session. Ref belongs to its owner.
type Listener struct {
	Ref session.Ref

	seats map[*Topic]seat
	count [kinds]int
	waits map[*Topic]int32 // its index among those that wait for a topic
	bytes int              // see Memory
}

// topicBytes is about what a topic takes for a listener, besides its name.
const topicBytes = 256

// Memory is about how many bytes the listener's topics take, those that it waits for included.
func (l *Listener) Memory() int { return l.bytes }

// Memory is about how many bytes the topic takes for a listener.
func (t *Topic) Memory() int { return len(t.Name) + topicBytes }

// seat is a listener's index among those of a topic, and when it joined.
type seat struct {
	at     int32
	serial uint32
}

// Count is the number of its topics of a kind.
func (l *Listener) Count(k Kind) int { return l.count[k] }

// Any reports whether it has any topic.
func (l *Listener) Any() bool { return len(l.seats) > 0 }

// Waits reports whether it waits for an acknowledgement.
func (l *Listener) Waits() bool { return len(l.waits) > 0 }

// All returns all its topics, in no order: twice those that it has and waits for.
func (l *Listener) All() []*Topic {
	return slices.AppendSeq(slices.Collect(maps.Keys(l.seats)), maps.Keys(l.waits))
}

// Topics returns its topics of a kind, oldest first.
func (l *Listener) Topics(k Kind) []*Topic {
	topics := make([]*Topic, 0, l.count[k])
	for t := range l.seats {
		if t.Kind == k {
			topics = append(topics, t)
		}
	}
	slices.SortFunc(topics, func(a, b *Topic) int { return cmp.Compare(l.seats[a].serial, l.seats[b].serial) })
	return topics
}

// Hub holds all topics. The zero value is ready.
type Hub struct {
	// Counted is called when listeners of topics that are On, or connections (sources that may be subscribed), come and
	// go; nil for no calls. For listeners node is Nowhere.
	Counted func(k Kind, name string, node topology.NodeID, listeners, conns int)

	topics  [kinds]map[string]*Topic
	uses    map[topology.NodeID]int // sources that are wanted, by node
	pending int                     // of those: neither On nor Refused
	serial  uint32
}

// Find returns a topic, or nil.
func (h *Hub) Find(k Kind, name []byte) *Topic { return h.topics[k][string(name)] }

// Len is how many topics of a kind there are.
func (h *Hub) Len(k Kind) int { return len(h.topics[k]) }

// Empty reports whether there are no topics at all.
func (h *Hub) Empty() bool {
	return len(h.topics[Channel])+len(h.topics[Pattern])+len(h.topics[Shard]) == 0
}

// All lists the topics, oldest first.
func (h *Hub) All() []*Topic {
	var all []*Topic
	for _, topics := range h.topics {
		for _, t := range topics {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, older)
	return all
}

func older(a, b *Topic) int { return cmp.Compare(a.serial, b.serial) }

// Want records that a listener wants a topic, and that it waits unless it has joined and the topic is acknowledged.
// fresh: no listener wanted it before, so it must be placed.
func (h *Hub) Want(l *Listener, k Kind, name []byte) (t *Topic, fresh bool) {
	t = h.topics[k][string(name)]
	if t == nil {
		if h.topics[k] == nil {
			h.topics[k] = map[string]*Topic{}
		}
		h.serial++
		t = &Topic{Kind: k, Name: string(name), serial: h.serial, Events: mayBeEvents(k, name)}
		h.topics[k][t.Name] = t
	}
	if fresh = !t.Wanted(); fresh {
		t.Refusal = nil
	}
	_, joined := l.seats[t]
	if _, waits := l.waits[t]; !waits && !(joined && t.On()) {
		if l.waits == nil {
			l.waits = map[*Topic]int32{}
		}
		l.waits[t] = int32(len(t.waiting))
		l.bytes += t.Memory()
		t.waiting = append(t.waiting, l)
	}
	return t, fresh
}

// Settle ends all waiting of a listener. It returns the topics that no listener wants any more: they are due to end
// where they are subscribed.
func (h *Hub) Settle(l *Listener) (gone []*Topic) {
	for t, at := range l.waits {
		l.bytes -= t.Memory()
		last := len(t.waiting) - 1
		if moved := t.waiting[last]; moved != l {
			t.waiting[at] = moved
			moved.waits[t] = at
		}
		t.waiting[last] = nil
		t.waiting = t.waiting[:last]
		if !t.Wanted() {
			gone = append(gone, t)
		}
	}
	l.waits = nil
	slices.SortFunc(gone, older)
	for _, t := range gone {
		h.Place(t, nil)
	}
	return gone
}

// Join makes a listener one of a topic. It does nothing if it is one already.
func (h *Hub) Join(l *Listener, t *Topic) {
	if _, joined := l.seats[t]; joined {
		return
	}
	if l.seats == nil {
		l.seats = map[*Topic]seat{}
	}
	h.serial++
	l.seats[t] = seat{int32(len(t.listeners)), h.serial}
	t.listeners = append(t.listeners, l)
	l.count[t.Kind]++
	l.bytes += t.Memory()
	h.report(t)
}

// Leave removes a listener from a topic, if it has joined. gone: no listener wants the topic any more, as with Settle.
func (h *Hub) Leave(l *Listener, t *Topic) (gone bool) {
	s, joined := l.seats[t]
	if !joined {
		return false
	}
	delete(l.seats, t)
	l.count[t.Kind]--
	l.bytes -= t.Memory()
	last := len(t.listeners) - 1
	if moved := t.listeners[last]; moved != l {
		t.listeners[s.at] = moved
		moved.seats[t] = seat{s.at, moved.seats[t].serial}
	}
	t.listeners[last] = nil
	t.listeners = t.listeners[:last]
	if !t.Wanted() {
		h.Place(t, nil)
		return true
	}
	h.report(t)
	return false
}

// LeaveAll removes a listener from all that it has joined and waits for. It returns the same as Settle.
func (h *Hub) LeaveAll(l *Listener) (gone []*Topic) {
	gone = h.Settle(l)
	for k := range Kind(kinds) {
		for _, t := range l.Topics(k) {
			if h.Leave(l, t) {
				gone = append(gone, t)
			}
		}
	}
	return gone
}

// report counts the listeners of a topic that is On; those of another topic receive nothing.
func (h *Hub) report(t *Topic) {
	n := 0
	if t.On() {
		n = len(t.listeners)
	}
	if n != t.reported {
		h.counted(t, Nowhere, n-t.reported, 0)
		t.reported = n
	}
}

func (h *Hub) counted(t *Topic, node topology.NodeID, listeners, conns int) {
	if h.Counted != nil {
		h.Counted(t.Kind, t.Name, node, listeners, conns)
	}
}
