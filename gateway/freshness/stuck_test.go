package freshness

import (
	"testing"
	"time"

	"evergate/topology"
)

// run lets reads of a key want a proof each millisecond, and servers answer with these offsets; it returns how often
// the primary was polled.
func (p *pair) run(d time.Duration, key Cell, primary, replica int64) (polls uint64) {
	before := p.polls.Load()
	for end := p.now.Add(d); p.now.Before(end); p.now = p.now.Add(time.Millisecond) {
		p.may(key)
		p.answer(primary, replica)
	}
	return p.polls.Load() - before
}

// TestStuckReplicaCostsLittle: a replica answers and does not get further, while reads want to know.
func TestStuckReplicaCostsLittle(t *testing.T) {
	p := newPair()
	key := p.Cell([]byte("key"))
	p.run(time.Second, key, 100, 100)
	p.Begin(key)
	p.End(key)
	if polls := p.run(4*time.Second, key, 200, 150); polls < 10 || polls > 40 {
		t.Errorf("%d polls in the first seconds", polls)
	}
	if polls := p.run(time.Minute, key, 200, 150); polls < 50 || polls > 61 {
		t.Errorf("%d polls in the minute after them", polls)
	}
	p.run(pauseMax, key, 200, 200)
	if why := p.may(key); why != Fresh {
		t.Errorf("after it went on: %s", why)
	}
	p.Begin(key)
	p.End(key)
	p.now = p.now.Add(PollGap)
	p.may(key)
	if p.answer(300, 300); p.may(key) != Fresh {
		t.Errorf("the next write: %s", p.may(key))
	}
}

// TestLaggingReplicaIsPolledByItsLag: a replica that lags by 400 ms needs no poll each 5 ms.
func TestLaggingReplicaIsPolledByItsLag(t *testing.T) {
	p := newPair()
	key := p.Cell([]byte("key"))
	polls := uint64(0)
	for at := range int64(5000) {
		p.Begin(key)
		p.End(key)
		n := p.run(time.Millisecond, key, 1000+at, 600+at)
		if at >= 1000 {
			polls += n
		}
	}
	if polls < 30 || polls > 60 {
		t.Errorf("%d polls in 4 s", polls)
	}
}

// TestStuckReplicaDelaysNoOther has a second replica, which has everything at once.
func TestStuckReplicaDelaysNoOther(t *testing.T) {
	p := newPair()
	nodes := []*topology.Node{{ID: 0, Addr: "s0", RunID: "run0"}, {ID: 1, Addr: "s1", RunID: "run1"},
		{ID: 2, Addr: "s2", RunID: "run2"}}
	p.Publish(&topology.View{Epoch: 1, Nodes: nodes,
		Shards: []topology.Shard{{Primary: nodes[0], Replicas: nodes[1:]}}})
	key, healthy := p.Cell([]byte("key")), p.Open("run2")
	for at := range int64(1000) {
		p.Begin(key)
		p.End(key)
		for range 2 * PollGap / time.Millisecond {
			p.now = p.now.Add(time.Millisecond)
			p.may(key)
			p.May(&Read{Epoch: 1, Slot: -1, Cells: []Cell{key}}, 2, healthy)
			p.answer(100+at, 100)
		}
		if why := p.May(&Read{Epoch: 1, Slot: -1, Cells: []Cell{key}}, 2, healthy); why != Fresh {
			t.Fatalf("write %d: %s", at, why)
		}
	}
	if why := p.may(key); why != NotReached {
		t.Errorf("the stuck one: %s", why)
	}
}

// TestLostPollIsRepeatedSoon: the primary has not answered a poll for a replica that was stuck for long.
func TestLostPollIsRepeatedSoon(t *testing.T) {
	p := newPair()
	key := p.Cell([]byte("key"))
	p.run(time.Second, key, 100, 100)
	p.Begin(key)
	p.End(key)
	p.run(10*time.Second, key, 200, 150)
	p.may(key)
	p.now = p.now.Add(pauseMax)
	asks, _ := p.state.Next(p.now)
	if len(asks) != 1 {
		t.Fatalf("%d questions", len(asks))
	}
	p.state.Answered(asks[0], Answer{Outcome: Lost}, p.now)
	p.may(key)
	if asks, wait := p.state.Next(p.now); len(asks) != 0 || wait != lostGap {
		t.Errorf("%d questions, the next after %s", len(asks), wait)
	}
}
