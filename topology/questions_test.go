package topology

import (
	"testing"
)

// TestQuestionsToNoView: before the first View nothing is known, and no query fails.
func TestQuestionsToNoView(t *testing.T) {
	var v *View
	if v.IsSharded() || v.Node(0) != nil || v.Primary(0) != nil || v.LedBy(0) != -1 || v.ShardOf(0) != -1 ||
		v.IsReplica(0) || v.Demoted(0) != nil || v.EvictsUnread() != nil || v.EvictionKnown() ||
		v.Judge(nil, 0, "", -1) != StillOpen {
		t.Error("a view that is not there knows something")
	}
}

func TestEvictsUnread(t *testing.T) {
	for policy, want := range map[string]bool{"": false, "noeviction": false, "allkeys-lru": true, "volatile-lru": true,
		"allkeys-lfu": true, "volatile-lfu": true, "allkeys-random": false, "volatile-ttl": false, "allkeys-lrm": false} {
		n := &Node{ID: 1, Eviction: policy}
		v := &View{Shards: []Shard{{Primary: &Node{ID: 0, Eviction: "noeviction"}, Replicas: []*Node{{ID: 2,
			Eviction: "allkeys-lru"}}}, {Index: 1}, {Index: 2, Primary: n}}}
		if got := v.EvictsUnread(); (got == n) != want || (got != nil) != want {
			t.Errorf("%q: %v", policy, got)
		}
	}
}

func TestEvictionKnown(t *testing.T) {
	known, unknown := &Node{Eviction: "noeviction"}, &Node{}
	for _, c := range []struct {
		primaries []*Node
		want      bool
	}{{[]*Node{known, known}, true}, {[]*Node{known, unknown}, false}, {[]*Node{nil, known}, false}} {
		v := &View{}
		for _, p := range c.primaries {
			v.Shards = append(v.Shards, Shard{Primary: p})
		}
		if got := v.EvictionKnown(); got != c.want {
			t.Errorf("%v: %v", c.primaries, got)
		}
	}
}

func TestQuestions(t *testing.T) {
	a, b, c, d := &Node{ID: 0, RunID: "ra"}, &Node{ID: 1}, &Node{ID: 2}, &Node{ID: 3}
	v := &View{Sharded: true, Nodes: []*Node{a, b, c, d}, slots: new([Slots]int16), Shards: []Shard{
		{Index: 0, Primary: a, Replicas: []*Node{b}},
		{Index: 1, Demoted: c, Successor: d},
	}}
	for id, want := range []struct{ led, of int }{{0, 0}, {-1, 0}, {-1, -1}, {-1, -1}} {
		if led, of := v.LedBy(NodeID(id)), v.ShardOf(NodeID(id)); led != want.led || of != want.of {
			t.Errorf("node %d leads %d and is of %d, want %+v", id, led, of, want)
		}
	}
	if v.Node(3) != d || v.Node(4) != nil || v.Node(-1) != nil || v.Primary(0) != a || v.Primary(1) != nil ||
		v.Primary(-1) != nil || v.Primary(2) != nil {
		t.Error("nodes and primaries are others")
	}
	if !v.IsReplica(1) || v.IsReplica(0) || v.Demoted(2) != &v.Shards[1] || v.Demoted(0) != nil {
		t.Error("roles are others")
	}
	promoted := &View{Sharded: true, Nodes: v.Nodes, slots: v.slots, Shards: []Shard{
		{Index: 0, Primary: a}, {Index: 1, Primary: d, Covers: c}}}
	other := &View{Sharded: true, Nodes: v.Nodes, slots: v.slots, Shards: []Shard{
		{Index: 0, Primary: a}, {Index: 1, Primary: d}}}
	for name, c := range map[string]struct {
		now  *View
		id   NodeID
		run  string
		want Verdict
	}{
		"same run":          {v, 0, "ra", KeptRole},
		"run not known":     {v, 0, "", KeptRole},
		"another run":       {v, 0, "rb", Restarted},
		"being left":        {v, 2, "", StillOpen},
		"covered":           {promoted, 2, "", Covered},
		"not covered":       {other, 2, "", MayBeLost},
		"of no shard known": {other, 1, "", MayBeLost},
	} {
		if got := c.now.Judge(v, c.id, c.run, -1); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
