package freshness

import (
	"sync/atomic"
	"testing"
	"time"

	"evergate/topology"
)

// pair is a service with a primary and a replica, s0 and s1, and a connection to the replica.
type pair struct {
	*Service
	state  *State
	now    time.Time
	woken  atomic.Int32
	opened Opened
}

func newPair() *pair {
	p := &pair{now: time.Unix(1000, 0)}
	p.Service = New(1, p.now, func() { p.woken.Add(1) })
	p.state = NewState(p.Service)
	primary := &topology.Node{ID: 0, Addr: "s0", RunID: "run0"}
	replica := &topology.Node{ID: 1, Addr: "s1", RunID: "run1"}
	p.Publish(&topology.View{Epoch: 1, Nodes: []*topology.Node{primary, replica},
		Shards: []topology.Shard{{Primary: primary, Replicas: []*topology.Node{replica}}}})
	p.opened = p.Open("run1")
	return p
}

// answer answers what is asked at this time: with these offsets, a second replica with that of the primary. It returns
// how many questions there were.
func (p *pair) answer(primary, replica int64) int {
	n := 0
	for {
		asks, _ := p.state.Next(p.now)
		if len(asks) == 0 {
			return n
		}
		for _, ask := range asks {
			n++
			a := Answer{Role: topology.RolePrimary, RunID: "run0", ReplID: "history", Offset: primary}
			switch ask.Node {
			case 1:
				a = Answer{Role: topology.RoleReplica, RunID: "run1", ReplID: "history", Offset: replica}
			case 2:
				a = Answer{Role: topology.RoleReplica, RunID: "run2", ReplID: "history", Offset: primary}
			}
			p.state.Answered(ask, a, p.now)
		}
	}
}

func (p *pair) may(cells ...Cell) Reason {
	return p.May(&Read{Epoch: 1, Slot: -1, Cells: cells}, 1, p.opened)
}

func TestOwnWriteOfOneKey(t *testing.T) {
	p := newPair()
	key, other := p.Cell([]byte("key")), p.Cell([]byte("other"))
	expect := func(step string, c Cell, want Reason) {
		t.Helper()
		if got := p.may(c); got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	expect("before the first poll", key, Unproven)
	if n := p.answer(100, 100); n != 2 {
		t.Errorf("%d questions were asked of two servers", n)
	}
	expect("after it", key, Fresh)
	p.Begin(key)
	expect("while it is written", key, InFlight)
	expect("another key meanwhile", other, Fresh)
	p.End(key)
	expect("when it is answered", key, NotReached)
	p.now = p.now.Add(PollGap)
	p.answer(150, 149)
	expect("when the replica lacks a byte", key, NotReached)
	expect("another key then", other, Fresh)
	p.now = p.now.Add(PollGap)
	p.answer(180, 150)
	expect("when it has the write, and not what came later", key, Fresh)
	p.Begin(AllKeys)
	expect("while all keys are written", other, AllInFlight)
	p.End(AllKeys)
	expect("when that is answered", other, NotReached)
	if why := p.May(&Read{Epoch: 2, Slot: -1}, 1, p.opened); why != OtherView {
		t.Errorf("under another view: %s", why)
	}
}

// TestDemotedPrimaryHasItsOwnWrites: a primary that is fenced serves reads, in the same run, until there is another.
func TestDemotedPrimaryHasItsOwnWrites(t *testing.T) {
	p := newPair()
	key := p.Cell([]byte("key"))
	demoted := &topology.Node{ID: 0, Addr: "s0", RunID: "run0"}
	p.Publish(&topology.View{Epoch: 2, Nodes: []*topology.Node{demoted},
		Shards: []topology.Shard{{Demoted: demoted, Replicas: []*topology.Node{demoted}}}})
	p.Begin(key)
	read := &Read{Epoch: 2, Slot: -1, Cells: []Cell{key}}
	for run, want := range map[string]Reason{"run0": Fresh, "run9": Unproven, "": Unproven} {
		if got := p.May(read, 0, p.Open(run)); got != want {
			t.Errorf("a connection to %q: %s, want %s", run, got, want)
		}
	}
	on := p.Open("run0")
	if got := p.Within(Bound{Age: time.Second}, read, 0, on, p.now); got != Fresh {
		t.Errorf("with a bound: %s", got)
	}
	promoted := &topology.Node{ID: 1, Addr: "s1", RunID: "run1"}
	p.Publish(&topology.View{Epoch: 3, Nodes: []*topology.Node{demoted, promoted},
		Shards: []topology.Shard{{Primary: promoted, Replicas: []*topology.Node{demoted}}}})
	read.Epoch = 3
	if got := p.May(read, 0, on); got != InFlight {
		t.Errorf("as a replica: %s", got)
	}
}

func TestNothingIsAskedWithoutNeed(t *testing.T) {
	p := newPair()
	if n := p.answer(0, 0); n != 0 {
		t.Errorf("%d questions without a read", n)
	}
	p.woken.Store(0)
	for range 100 {
		p.may()
	}
	if n := p.woken.Load(); n != 1 {
		t.Errorf("100 reads woke the poller %d times", n)
	}
	if n := p.answer(100, 100); n != 2 {
		t.Errorf("%d questions for the first reads", n)
	}
	for range 10 {
		p.now = p.now.Add(time.Second)
		if n := p.answer(100, 100); n != 0 {
			t.Errorf("%d questions while nothing is written", n)
		}
	}
	key := p.Cell([]byte("key"))
	p.woken.Store(0)
	p.Begin(key)
	p.End(key)
	p.Begin(key)
	p.End(key)
	if n := p.woken.Load(); n != 1 {
		t.Errorf("two writes woke the poller %d times", n)
	}
	if n := p.answer(200, 200); n != 2 {
		t.Errorf("%d questions after a write", n)
	}
	p.Begin(key)
	p.End(key)
	if asks, wait := p.state.Next(p.now); len(asks) != 0 || wait != IdleGap {
		t.Errorf("%d questions at once, the next after %s", len(asks), wait)
	}
	p.may(key)
	if asks, wait := p.state.Next(p.now); len(asks) != 0 || wait != PollGap {
		t.Errorf("with a read: %d questions at once, the next after %s", len(asks), wait)
	}
}

// TestWritesWakeThePollerOnce: a gateway whose clients only write does not pay for each write.
func TestWritesWakeThePollerOnce(t *testing.T) {
	p := newPair()
	key := p.Cell([]byte("key"))
	p.woken.Store(0)
	for range 10 {
		p.Begin(key)
		p.End(key)
		if asks, _ := p.state.Next(p.now); len(asks) > 0 {
			t.Error("a write alone had servers asked")
		}
	}
	if n := p.woken.Load(); n != 1 {
		t.Errorf("10 writes woke the poller %d times", n)
	}
}

func TestRefusedServersAreLeftAlone(t *testing.T) {
	p := newPair()
	p.may()
	asks, _ := p.state.Next(p.now)
	p.state.Answered(asks[0], Answer{Outcome: Refused}, p.now)
	p.may()
	if asks, wait := p.state.Next(p.now); len(asks) != 0 || wait != RefusedGap {
		t.Errorf("%d questions, the next after %s", len(asks), wait)
	}
	p.now = p.now.Add(RefusedGap)
	if n := p.answer(100, 100); n != 2 || p.may() != Fresh {
		t.Errorf("%d questions, then %s", n, p.may())
	}
}

func TestBoundByTime(t *testing.T) {
	p := newPair()
	bound := Bound{Age: 300 * time.Millisecond}
	within := func(at time.Duration) Reason {
		return p.Within(bound, &Read{Epoch: 1, Slot: -1}, 1, p.opened, p.now.Add(at))
	}
	if why := within(0); why != Unproven {
		t.Errorf("before the first poll: %s", why)
	}
	p.answer(100, 100)
	if why := within(bound.Age); why != Fresh {
		t.Errorf("within the bound: %s", why)
	}
	if why := within(bound.Age + 1); why != TooOld {
		t.Errorf("past the bound: %s", why)
	}
	p.now = p.now.Add(PollGap)
	p.answer(200, 199)
	if why := within(bound.Age - PollGap); why != Fresh {
		t.Errorf("a byte behind, and the poll before is new enough: %s", why)
	}
	if why := within(bound.Age); why != TooOld {
		t.Errorf("a byte behind, and the poll before is too old: %s", why)
	}
}

func TestBoundByTimePollsAhead(t *testing.T) {
	p := newPair()
	bound := Bound{Age: 300 * time.Millisecond}
	read := func() { p.Within(bound, &Read{Epoch: 1, Slot: -1}, 1, p.opened, p.now) }
	read()
	p.answer(100, 100)
	read()
	if asks, wait := p.state.Next(p.now); len(asks) != 0 || wait != bound.Age/3 {
		t.Errorf("%d questions, the next after %s", len(asks), wait)
	}
	p.now = p.now.Add(bound.Age / 3)
	if n := p.answer(100, 100); n != 2 {
		t.Errorf("%d questions a third of the bound later", n)
	}
	p.now = p.now.Add(time.Hour)
	if n := p.answer(100, 100); n != 0 {
		t.Errorf("%d questions without another read", n)
	}
}

func TestBoundByBytes(t *testing.T) {
	p := newPair()
	within := func(bytes int64, at time.Duration) Reason {
		return p.Within(Bound{Bytes: bytes}, &Read{Epoch: 1, Slot: -1}, 1, p.opened, p.now.Add(at))
	}
	within(50, 0)
	p.answer(100, 100)
	within(50, 0)
	p.now = p.now.Add(BytesAge)
	p.answer(200, 150)
	for _, c := range []struct {
		bytes int64
		at    time.Duration
		want  Reason
	}{{50, 0, Fresh}, {49, 0, TooFarBehind}, {50, BytesAge, Fresh}, {50, BytesAge + 1, TooOld}} {
		if why := within(c.bytes, c.at); why != c.want {
			t.Errorf("%d bytes, %s later: %s, want %s", c.bytes, c.at, why, c.want)
		}
	}
	want := Lag{Node: 1, Proven: true, Bytes: 50, Polls: 1, Age: time.Second, Time: BytesAge}
	if lags := p.Lags(p.now.Add(time.Second)); len(lags) != 1 || lags[0] != want {
		t.Errorf("lags: %+v", lags)
	}
}

func TestEndWithoutBegin(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a write ended that had not begun")
		}
	}()
	New(1, time.Unix(0, 0), func() {}).End(7)
}

func TestNoAllocations(t *testing.T) {
	p := newPair()
	p.may()
	p.answer(100, 100)
	key := []byte("key")
	read := &Read{Epoch: 1, Slot: -1, Cells: make([]Cell, 1)}
	if n := testing.AllocsPerRun(100, func() {
		c := p.Cell(key)
		p.Begin(c)
		p.End(c)
		read.Cells[0] = c
		p.May(read, 1, p.opened)
		p.Within(Bound{Age: time.Second}, read, 1, p.opened, p.now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWriteAndRead(b *testing.B) {
	p := newPair()
	p.may()
	p.answer(100, 100)
	key, read := []byte("key:123456"), &Read{Epoch: 1, Slot: -1, Cells: make([]Cell, 1)}
	b.Run("write", func(b *testing.B) {
		for range b.N {
			c := p.Cell(key)
			p.Begin(c)
			p.End(c)
		}
	})
	b.Run("read", func(b *testing.B) {
		for range b.N {
			read.Cells[0] = p.Cell(key)
			p.May(read, 1, p.opened)
		}
	})
}

func TestKeysHaveCellsOfTheirOwn(t *testing.T) {
	s := New(1, time.Unix(0, 0), func() {})
	seen := map[Cell]bool{}
	for i := range 1000 {
		seen[s.Cell(keyText(i))] = true
	}
	if len(seen) < 980 {
		t.Errorf("1000 keys are in %d cells", len(seen))
	}
}

// TestSlotThatStays: a write of a slot was redirected, and the slot stays where it was. A write that its primary has
// executed later ends that.
func TestSlotThatStays(t *testing.T) {
	p := newPair()
	v := &topology.View{Epoch: 2, Sharded: true, Nodes: []*topology.Node{{ID: 0, Addr: "s0", RunID: "run0"},
		{ID: 1, Addr: "s1", RunID: "run1"}}}
	v.Shards = []topology.Shard{{Primary: v.Nodes[0], Replicas: v.Nodes[1:]}}
	v.Give(0, topology.SlotRange{First: 0, Last: topology.Slots - 1})
	p.Publish(v)
	expect := func(step string, want Reason) {
		t.Helper()
		p.May(&Read{Epoch: 2, Slot: 7}, 1, p.opened)
		p.now = p.now.Add(PollGap)
		p.answer(100, 100)
		if got := p.May(&Read{Epoch: 2, Slot: 7}, 1, p.opened); got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	expect("at first", Fresh)
	early := p.Moves()
	p.Executed(7, 5)
	expect("after a redirected write", SlotElsewhere)
	p.Stays(7, 0, early)
	expect("after a write that was sent before it", SlotElsewhere)
	late := p.Moves()
	p.Stays(7, 5, late)
	expect("after one at another node", SlotElsewhere)
	p.Stays(7, 0, late)
	if got := p.May(&Read{Epoch: 2, Slot: 7}, 1, p.opened); got != NotReached {
		t.Errorf("before the next poll: %s", got)
	}
	expect("after a write that was sent later", Fresh)
	p.Executed(7, 5)
	p.Stays(7, 0, late)
	expect("after another redirected write", SlotElsewhere)
}
