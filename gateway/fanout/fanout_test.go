package fanout

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"evergate/gateway/session"
	"evergate/topology"
)

func names(topics []*Topic) (all []string) {
	for _, t := range topics {
		all = append(all, t.Name)
	}
	return all
}

// send sends the due command to a node.
func send(t *testing.T, h *Hub, x *Topic, node topology.NodeID, due Due) (ask uint32) {
	t.Helper()
	if got := x.At(node).Due(); got != due {
		t.Fatalf("due at %d: %v, want %v", node, got, due)
	}
	return h.Sending(x, x.At(node))
}

// TestAcknowledgements: a listener waits until all sources have acknowledged their last command.
func TestAcknowledgements(t *testing.T) {
	var h Hub
	var a, b Listener
	name := []byte("x")
	x, fresh := h.Want(&a, Channel, name)
	if !fresh || x.On() || !a.Waits() || a.Any() {
		t.Fatalf("a fresh topic: %+v", x)
	}
	h.Place(x, []topology.NodeID{1, 2})
	first := send(t, &h, x, 1, Begin)
	h.Lost(1)
	second := send(t, &h, x, 1, Begin)
	if h.Acked(Channel, name, 1, first) != nil || h.Acked(Pattern, name, 1, second) != nil ||
		h.Acked(Channel, name, 2, second) != nil {
		t.Error("a wrong acknowledgement was taken")
	}
	if h.Acked(Channel, name, 1, second) != x || x.On() || h.Pending() != 1 {
		t.Errorf("one of two: on %v, pending %d", x.On(), h.Pending())
	}
	h.Acked(Channel, name, 2, send(t, &h, x, 2, Begin))
	if !x.On() || h.Pending() != 0 || h.Uses(1) != 1 || len(x.Waiting()) != 1 {
		t.Errorf("both: on %v, pending %d, waiting %d", x.On(), h.Pending(), len(x.Waiting()))
	}
	h.Join(&a, x)
	h.Join(&a, x)
	if gone := h.Settle(&a); len(gone) != 0 || a.Waits() || a.Count(Channel) != 1 || len(x.Listeners()) != 1 {
		t.Errorf("joined: gone %v, %+v", gone, a)
	}
	if _, fresh := h.Want(&b, Channel, name); fresh {
		t.Error("the second listener makes it fresh")
	}
	if lost := h.Lost(2); len(lost) != 1 || x.On() || h.Pending() != 1 {
		t.Errorf("lost: %v, pending %d", names(lost), h.Pending())
	}
	if h.Leave(&a, x) || h.Find(Channel, name) != x {
		t.Error("it is gone while somebody waits")
	}
	if gone := h.Settle(&b); len(gone) != 1 || h.Pending() != 0 || h.Uses(1)+h.Uses(2) != 0 || x.At(2) != nil {
		t.Errorf("the last one left: %v, pending %d", names(gone), h.Pending())
	}
	if h.Acked(Channel, name, 1, send(t, &h, x, 1, End)); !h.Empty() || len(x.Sources) > 0 {
		t.Errorf("ended everywhere: %+v", x)
	}
}

// TestWantedOnceMore: if a topic is wanted again before a server has ended its subscription, it is subscribed again
// after that.
func TestWantedOnceMore(t *testing.T) {
	var h Hub
	var a Listener
	name := []byte("x")
	x, _ := h.Want(&a, Channel, name)
	h.Place(x, []topology.NodeID{1})
	h.Acked(Channel, name, 1, send(t, &h, x, 1, Begin))
	h.Settle(&a)
	if y, fresh := h.Want(&a, Channel, name); y != x || !fresh {
		t.Fatalf("another topic: %+v", y)
	}
	if h.Place(x, []topology.NodeID{1}); !x.On() {
		t.Error("what no server was told to end is not on")
	}
	h.Settle(&a)
	end := send(t, &h, x, 1, End)
	h.Want(&a, Channel, name)
	h.Place(x, []topology.NodeID{1})
	begin := send(t, &h, x, 1, Begin)
	if h.Acked(Channel, name, 1, end) != nil || x.On() || h.Pending() != 1 {
		t.Errorf("the end was taken for the beginning: %+v", x)
	}
	if h.Acked(Channel, name, 1, begin) != x || !x.On() || h.Pending() != 0 {
		t.Errorf("not begun again: %+v", x)
	}
}

// TestPlacedForNobody: a topic without listeners is wanted nowhere, even while a caller holds it.
func TestPlacedForNobody(t *testing.T) {
	var h Hub
	var a Listener
	x, _ := h.Want(&a, Channel, []byte("x"))
	h.LeaveAll(&a)
	y, _ := h.Want(&a, Channel, []byte("x"))
	h.Place(y, []topology.NodeID{1})
	if h.Place(x, []topology.NodeID{1, 2}); x == y || len(x.Sources) > 0 || h.Uses(1) != 1 || h.Uses(2) != 0 ||
		h.Pending() != 1 {
		t.Errorf("placed: %+v, pending %d", x, h.Pending())
	}
	if h.Find(Channel, []byte("x")) != y {
		t.Error("the one took the other with it")
	}
}

func TestRefusedAndEnded(t *testing.T) {
	var h Hub
	var a Listener
	name := []byte("x")
	x, _ := h.Want(&a, Shard, name)
	h.Place(x, []topology.NodeID{1})
	if h.Refused(Shard, name, 1, send(t, &h, x, 1, Begin), nil) != x || x.Refusal != nil || h.Pending() != 1 {
		t.Error("what may be asked again is refused for good")
	}
	if h.Ended(Shard, name, 1) != nil {
		t.Error("ended before it began")
	}
	h.Acked(Shard, name, 1, send(t, &h, x, 1, Begin))
	if h.Ended(Shard, name, 1) != x || x.On() {
		t.Error("not ended")
	}
	h.Acked(Shard, name, 1, send(t, &h, x, 1, Begin))
	if left := h.Place(x, []topology.NodeID{2}); !slices.Equal(left, []topology.NodeID{1}) || h.Uses(1) != 0 ||
		h.Uses(2) != 1 {
		t.Errorf("placed anew: %+v", left)
	}
	if h.Ended(Shard, name, 1) != nil || x.At(1) != nil {
		t.Error("what was left and has ended is still there")
	}
	h.Refused(Shard, name, 2, send(t, &h, x, 2, Begin), []byte("-NO\r\n"))
	if string(x.Refusal) != "-NO\r\n" || h.Pending() != 0 || x.On() || x.At(2).Due() != Nothing {
		t.Errorf("refused: %+v, pending %d", x, h.Pending())
	}
	if h.LeaveAll(&a); !h.Empty() {
		t.Error("what was refused is still there")
	}
}

// TestHubModel compares the hub and the census with plain sets, under random calls.
func TestHubModel(t *testing.T) {
	for seed := range uint64(100) {
		m := newModel(seed)
		for range 400 {
			m.step(t)
		}
		for _, l := range m.listeners {
			clear(m.joined[l])
			m.ended(m.h.LeaveAll(l))
			if l.Any() || l.Waits() {
				t.Fatalf("seed %d: a listener is left with something", seed)
			}
		}
		m.check(t)
		for node := range topology.NodeID(3) {
			m.h.Lost(node)
		}
		if !m.h.Empty() || m.h.Pending() != 0 || !m.c.Empty() || len(m.h.uses) > 0 {
			t.Fatalf("seed %d: %d pending, census %+v, uses %v", seed, m.h.Pending(), m.c, m.h.uses)
		}
	}
}

type model struct {
	r         *rand.Rand
	h         Hub
	c         Census
	listeners []*Listener
	joined    map[*Listener]map[*Topic]bool
	seen      []*Topic
}

func newModel(seed uint64) *model {
	m := &model{r: rand.New(rand.NewPCG(seed, 7)), joined: map[*Listener]map[*Topic]bool{}}
	m.h.Counted = m.c.Count
	for i := range uint32(5) {
		l := &Listener{Ref: session.Ref{ID: i}}
		m.listeners = append(m.listeners, l)
		m.joined[l] = map[*Topic]bool{}
	}
	return m
}

func (m *model) ended(gone []*Topic) {
	for _, t := range gone {
		for _, topics := range m.joined {
			if topics[t] {
				panic("a topic is gone that somebody listens to")
			}
		}
	}
}

func (m *model) step(t *testing.T) {
	l := m.listeners[m.r.IntN(len(m.listeners))]
	kind := Kind(m.r.IntN(kinds))
	name := fmt.Append(nil, "t", m.r.IntN(4))
	topic := m.h.Find(kind, name)
	nodes := []topology.NodeID{topology.NodeID(m.r.IntN(3)), Nowhere}[:1+m.r.IntN(2)]
	switch m.r.IntN(8) {
	case 0, 1:
		w, fresh := m.h.Want(l, kind, name)
		if fresh {
			m.h.Place(w, nodes)
		}
		m.seen = append(m.seen, w)
	case 2:
		if topic != nil && topic.Wanted() {
			m.h.Join(l, topic)
			m.joined[l][topic] = true
		}
	case 3:
		if topic != nil {
			delete(m.joined[l], topic)
			if m.h.Leave(l, topic) {
				m.ended([]*Topic{topic})
			}
		}
	case 4:
		m.ended(m.h.Settle(l))
	case 5:
		if topic != nil {
			m.reported(topic)
		}
	case 6:
		if m.r.IntN(4) == 0 {
			m.h.Lost(topology.NodeID(m.r.IntN(3)))
		} else if topic != nil {
			m.h.Ended(kind, name, nodes[0])
		}
	case 7:
		if len(m.seen) > 0 { // it may have gone since
			m.h.Place(m.seen[m.r.IntN(len(m.seen))], nodes)
		}
	}
	m.check(t)
}

// reported sends the due command to one server of a topic, which acknowledges it, rejects it, or stays silent.
func (m *model) reported(topic *Topic) {
	s := &topic.Sources[m.r.IntN(len(topic.Sources))]
	if s.Due() == Nothing || s.Node == Nowhere {
		return
	}
	node, ask := s.Node, m.h.Sending(topic, s)
	switch m.r.IntN(4) {
	case 0:
		m.h.Refused(topic.Kind, []byte(topic.Name), node, ask, nil)
	case 1:
		m.h.Refused(topic.Kind, []byte(topic.Name), node, ask, []byte("-NO\r\n"))
	case 2:
		m.h.Acked(topic.Kind, []byte(topic.Name), node, ask)
	}
}

func (m *model) check(t *testing.T) {
	pending, uses, census := 0, map[topology.NodeID]int{}, Census{}
	for _, topic := range m.h.All() {
		listeners := 0
		for l, topics := range m.joined {
			if topics[topic] {
				listeners++
			}
			if topics[topic] != slices.Contains(topic.Listeners(), l) ||
				topics[topic] != slices.Contains(l.Topics(topic.Kind), topic) {
				t.Fatalf("the hub and a listener do not agree about %s", topic.Name)
			}
		}
		if topic.On() && listeners > 0 {
			census.Count(topic.Kind, topic.Name, Nowhere, listeners, 0)
		}
		if len(topic.Sources) == 0 {
			t.Fatalf("%s is nowhere", topic.Name)
		}
		for _, s := range topic.Sources {
			if s.State == Asking || s.State == On || s.State == Ending {
				census.Count(topic.Kind, topic.Name, s.Node, 0, 1)
			} else if !s.Wanted {
				t.Fatalf("%s at %d is %v, and not wanted", topic.Name, s.Node, s.State)
			}
			if s.Wanted && s.State != On && s.State != Refused {
				pending++
			}
			if s.Wanted {
				uses[s.Node]++
			}
			if s.Wanted && !topic.Wanted() {
				t.Fatalf("%s is wanted at %d and by nobody", topic.Name, s.Node)
			}
		}
	}
	if pending != m.h.Pending() || !maps.Equal(uses, m.h.uses) {
		t.Fatalf("%d pending, uses %v, the hub says %d, %v", pending, uses, m.h.Pending(), m.h.uses)
	}
	for k := range m.c.topics {
		if !maps.EqualFunc(m.c.topics[k], census.topics[k], func(a, b *tally) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("the census says %+v, the topics %+v", m.c, census)
		}
	}
}

// TestUnsubscribingWhileDelivering: a listener may leave during an iteration over the listeners from the end.
func TestUnsubscribingWhileDelivering(t *testing.T) {
	var h Hub
	var all []*Listener
	var topic *Topic
	for i := range uint32(20) {
		l := &Listener{Ref: session.Ref{ID: i}}
		topic, _ = h.Want(l, Channel, []byte("x"))
		h.Join(l, topic)
		h.Settle(l)
		all = append(all, l)
	}
	heard := map[uint32]int{}
	listeners := topic.Listeners()
	for i := len(listeners) - 1; i >= 0; i-- {
		l := listeners[i]
		heard[l.Ref.ID]++
		if l.Ref.ID%3 == 0 {
			h.LeaveAll(l)
		}
	}
	for _, l := range all {
		if heard[l.Ref.ID] != 1 {
			t.Errorf("listener %d heard it %d times", l.Ref.ID, heard[l.Ref.ID])
		}
	}
}

func TestCensus(t *testing.T) {
	var c Census
	for _, p := range []struct {
		kind             Kind
		name             string
		node             topology.NodeID
		listeners, conns int
	}{
		{Channel, "news", Nowhere, 5, 0}, {Channel, "news", 1, 0, 2}, {Pattern, "n*", Nowhere, 3, 0},
		{Pattern, "n*", 1, 0, 1},
		{Pattern, "x*", Nowhere, 1, 0}, {Pattern, "x*", 2, 0, 1}, {Shard, "news", Nowhere, 7, 0},
	} {
		c.Count(p.kind, p.name, p.node, p.listeners, p.conns)
	}
	if listeners, conns := c.Receivers([]byte("news"), 1); listeners != 8 || conns != 3 {
		t.Errorf("receivers: %d, %d", listeners, conns)
	}
	if listeners, conns := c.Receivers([]byte("news"), 2); listeners != 8 || conns != 0 {
		t.Errorf("receivers from elsewhere: %d, %d", listeners, conns)
	}
	if listened, there := c.Patterns(1); listened != 2 || there != 1 {
		t.Errorf("patterns: %d, %d", listened, there)
	}
	if listeners, _ := c.Of(Shard, []byte("news"), 1); listeners != 7 {
		t.Errorf("of a shard: %d", listeners)
	}
}
