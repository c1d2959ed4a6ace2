package fanout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func names(topics []*Topic) (all []string) {
	for _, t := range topics {
		all = append(all, t.Name)
	}
	return all
}

// A listener waits until all sources have acknowledged, each to what it was asked last.
func TestAcknowledgements(t *testing.T) {
	var h Hub
	var a, b Listener
	x, fresh := h.Want(&a, Channel, []byte("x"))
	if !fresh || x.On() || !a.Waits() || a.Any() {
		t.Fatalf("a fresh topic: %+v", x)
	}
	h.Place(x, []int32{1, 2})
	first := h.Asked(x, x.At(1))
	second := h.Asked(x, x.At(1))
	if h.Acked(Channel, []byte("x"), 1, first) != nil || h.Acked(Pattern, []byte("x"), 1, second) != nil ||
		h.Acked(Channel, []byte("x"), 2, second) != nil {
		t.Error("a wrong acknowledgement was taken")
	}
	if h.Acked(Channel, []byte("x"), 1, second) != x || x.On() || h.Pending() != 1 {
		t.Errorf("one of two: on %v, pending %d", x.On(), h.Pending())
	}
	h.Acked(Channel, []byte("x"), 2, h.Asked(x, x.At(2)))
	if !x.On() || h.Pending() != 0 || h.Uses(1) != 1 || len(x.Waiting()) != 1 {
		t.Errorf("both: on %v, pending %d, waiting %d", x.On(), h.Pending(), len(x.Waiting()))
	}
	h.Join(&a, x)
	h.Join(&a, x)
	if gone := h.Settle(&a); len(gone) != 0 || a.Waits() || a.Count(Channel) != 1 || len(x.Listeners()) != 1 {
		t.Errorf("joined: gone %v, %+v", gone, a)
	}
	if _, fresh := h.Want(&b, Channel, []byte("x")); fresh {
		t.Error("the second listener makes it fresh")
	}
	if lost := h.Lost(2); len(lost) != 1 || x.On() || h.Pending() != 1 {
		t.Errorf("lost: %v, pending %d", names(lost), h.Pending())
	}
	if h.Leave(&a, x) || h.Find(Channel, []byte("x")) != x {
		t.Error("it is gone while somebody waits")
	}
	if gone := h.Settle(&b); len(gone) != 1 || !h.Empty() || h.Pending() != 0 || h.Uses(1)+h.Uses(2) != 0 {
		t.Errorf("the last one left: %v, pending %d", names(gone), h.Pending())
	}
}

func TestRefusedAndEnded(t *testing.T) {
	var h Hub
	var a Listener
	x, _ := h.Want(&a, Shard, []byte("x"))
	h.Place(x, []int32{1})
	if h.Refused(Shard, []byte("x"), 1, h.Asked(x, x.At(1)), nil) != x || x.Refusal != nil || h.Pending() != 1 {
		t.Error("what may be asked again is refused for good")
	}
	if h.Ended(Shard, []byte("x"), 1) != nil {
		t.Error("ended before it began")
	}
	h.Acked(Shard, []byte("x"), 1, h.Asked(x, x.At(1)))
	if h.Ended(Shard, []byte("x"), 1) != x || x.On() {
		t.Error("not ended")
	}
	if gone := h.Place(x, []int32{2}); len(gone) != 1 || gone[0].Node != 1 || h.Uses(1) != 0 || h.Uses(2) != 1 {
		t.Errorf("placed anew: %+v", gone)
	}
	h.Refused(Shard, []byte("x"), 2, h.Asked(x, x.At(2)), []byte("-NO\r\n"))
	if string(x.Refusal) != "-NO\r\n" || h.Pending() != 0 || x.On() {
		t.Errorf("refused: %+v, pending %d", x, h.Pending())
	}
}

// TestHubModel compares the hub with plain sets under random calls, and the census with what the sets say.
func TestHubModel(t *testing.T) {
	for seed := range uint64(30) {
		m := newModel(seed)
		for range 400 {
			m.step(t)
		}
		for _, l := range m.people {
			clear(m.joined[l])
			m.ended(m.h.LeaveAll(l))
			if l.Any() || l.Waits() {
				t.Fatalf("seed %d: a listener is left with something", seed)
			}
		}
		if !m.h.Empty() || m.h.Pending() != 0 || !m.c.Empty() || len(m.h.uses) > 0 {
			t.Fatalf("seed %d: %d pending, census %+v, uses %v", seed, m.h.Pending(), m.c, m.h.uses)
		}
	}
}

type model struct {
	r      *rand.Rand
	h      Hub
	c      Census
	people []*Listener
	joined map[*Listener]map[*Topic]bool
}

func newModel(seed uint64) *model {
	m := &model{r: rand.New(rand.NewPCG(seed, 7)), joined: map[*Listener]map[*Topic]bool{}}
	m.h.Counted = m.c.Count
	for i := range uint32(5) {
		l := &Listener{Session: i}
		m.people = append(m.people, l)
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
	l := m.people[m.r.IntN(len(m.people))]
	kind := Kind(m.r.IntN(kinds))
	name := fmt.Append(nil, "t", m.r.IntN(4))
	topic := m.h.Find(kind, name)
	switch m.r.IntN(7) {
	case 0, 1:
		w, fresh := m.h.Want(l, kind, name)
		if fresh {
			m.h.Place(w, []int32{int32(m.r.IntN(3))})
		}
	case 2:
		if topic != nil {
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
			s := &topic.Sources[0]
			m.h.Acked(kind, name, s.Node, m.h.Asked(topic, s))
		}
	case 6:
		if m.r.IntN(4) == 0 {
			m.h.Lost(int32(m.r.IntN(3)))
		} else if topic != nil {
			m.h.Place(topic, []int32{int32(m.r.IntN(3)), Nowhere}[:1+m.r.IntN(2)])
		}
	}
	m.check(t)
}

func (m *model) check(t *testing.T) {
	pending := 0
	for _, topic := range m.h.All() {
		listeners, lanes := 0, 0
		for l, topics := range m.joined {
			if topics[topic] {
				listeners++
			}
			if topics[topic] != slices.Contains(topic.Listeners(), l) ||
				topics[topic] != slices.Contains(l.Topics(topic.Kind), topic) {
				t.Fatalf("the hub and a listener do not agree about %s", topic.Name)
			}
		}
		if !topic.On() {
			listeners = 0
		}
		for _, s := range topic.Sources {
			if s.State == On {
				lanes++
			} else {
				pending++
			}
			_, n := m.c.Of(topic.Kind, []byte(topic.Name), s.Node)
			if (n == 1) != (s.State == On) {
				t.Fatalf("%s at %d is %v, the census says %d", topic.Name, s.Node, s.State, n)
			}
		}
		if n, _ := m.c.Of(topic.Kind, []byte(topic.Name), Nowhere); n != listeners {
			t.Fatalf("%s has %d listeners, the census says %d", topic.Name, listeners, n)
		}
	}
	if pending != m.h.Pending() {
		t.Fatalf("%d pending, the hub says %d", pending, m.h.Pending())
	}
}

// Whoever leaves while the listeners are gone through from the end disturbs nobody.
func TestLeavingWhileHearing(t *testing.T) {
	var h Hub
	var all []*Listener
	var topic *Topic
	for i := range uint32(20) {
		l := &Listener{Session: i}
		topic, _ = h.Want(l, Channel, []byte("x"))
		h.Join(l, topic)
		h.Settle(l)
		all = append(all, l)
	}
	heard := map[uint32]int{}
	listeners := topic.Listeners()
	for i := len(listeners) - 1; i >= 0; i-- {
		l := listeners[i]
		heard[l.Session]++
		if l.Session%3 == 0 {
			h.LeaveAll(l)
		}
	}
	for _, l := range all {
		if heard[l.Session] != 1 {
			t.Errorf("listener %d heard it %d times", l.Session, heard[l.Session])
		}
	}
}

func TestCensus(t *testing.T) {
	var c Census
	for _, p := range []struct {
		kind             Kind
		name             string
		node             int32
		listeners, lanes int
	}{
		{Channel, "news", Nowhere, 5, 0}, {Channel, "news", 1, 0, 2}, {Pattern, "n*", Nowhere, 3, 0},
		{Pattern, "n*", 1, 0, 1},
		{Pattern, "x*", Nowhere, 1, 0}, {Pattern, "x*", 2, 0, 1}, {Shard, "news", Nowhere, 7, 0},
	} {
		c.Count(p.kind, p.name, p.node, p.listeners, p.lanes)
	}
	if listeners, lanes := c.Receivers([]byte("news"), 1); listeners != 8 || lanes != 3 {
		t.Errorf("receivers: %d, %d", listeners, lanes)
	}
	if listeners, lanes := c.Receivers([]byte("news"), 2); listeners != 8 || lanes != 0 {
		t.Errorf("receivers from elsewhere: %d, %d", listeners, lanes)
	}
	if listened, there := c.Patterns(1); listened != 2 || there != 1 {
		t.Errorf("patterns: %d, %d", listened, there)
	}
	if listeners, _ := c.Of(Shard, []byte("news"), 1); listeners != 7 {
		t.Errorf("of a shard: %d", listeners)
	}
}
