package freshness

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"evergate/testenv/servers"
	"evergate/topology"
)

// The model has servers with logs, workers that write and read, and a poller. Everything takes time, and happens in an
// order that a seed decides. What it checks is the promise of May: a replica that may serve a read has every write to
// its keys that was answered when May was asked, and what reads have returned before.

// mistake is one that somebody around the package could make, or an error in it whose effect is the same.
type mistake int

const (
	none mistake = iota
	// numberedLate: the answer is of a moment before the poll had its number.
	numberedLate
	// keptOverRestart: a replica's offset counts although it has restarted with less.
	keptOverRestart
	// movedWithProof: the gain of a slot is overlooked.
	movedWithProof
	// markedEarly: a write ends when it is sent.
	markedEarly
	// publishedLate: workers have a view before it is published; here each is published with the next one.
	publishedLate
	// unrecorded: it is not recorded which node executed a write.
	unrecorded
	// unidentified: a connection counts as one to the run that was polled.
	unidentified
	// staysLate: a write counts as sent when it is answered.
	staysLate
	mistakes
)

var mistakeNames = [mistakes]string{"none", "numbered late", "kept over a restart", "moved with its proof",
	"marked early", "published late", "execution unrecorded", "connection unidentified",
	"stays late"}

const (
	modelShards   = 2
	modelReplicas = 2
	modelSlots    = 4
	modelKeys     = 12
	modelWorkers  = 2
)

// change is an entry of a log: a key has a version, 0 if it is gone.
type change struct{ key, version int }

// server is a fake one. The replicas of a primary have a prefix of its log.
type server struct {
	id          topology.NodeID
	run, replID int
	primary     *server // nil: it is one
	log         []change
	shown       int // the offset at the last tick, for numberedLate
	highest     int // of all its runs, for keptOverRestart
}

// version returns the version that a server has of a key.
func (s *server) version(key int) int {
	for i := len(s.log) - 1; i >= 0; i-- {
		if s.log[i].key == key {
			return s.log[i].version
		}
	}
	return 0
}

func (s *server) runID() string { return fmt.Sprintf("run%d", s.run) }

// write is one that a worker has sent; it has a version when it is executed.
type write struct {
	key, version int
	to           *server
	executed     bool
	moves        uint32 // Service.Moves when it was sent
}

// query is a question to a server: it is put, then answered, then its answer arrives.
type query struct {
	ask    Ask
	answer *Answer
}

// read is one that May has permitted, on its way to a replica.
type modelRead struct {
	key, least int
	from       *server
	run        int
}

type modelWorker struct {
	view *topology.View
	// opened are its connections to replicas, by node, and on is the run at the other end; 0: none.
	opened map[topology.NodeID]Opened
	on     map[topology.NodeID]int
}

type model struct {
	t       *testing.T
	rng     *rand.Rand
	mistake mistake
	pace    pace
	service *Service
	state   *State
	now     time.Time

	servers  []*server
	owner    [modelSlots]*server // the truth
	back     [modelSlots]bool    // it came back to its owner in the view, and no view has shown that it was away
	view     *topology.View      // the newest, published
	epoch    uint64
	runs     int
	versions int
	acked    [modelKeys]int
	workers  [modelWorkers]*modelWorker
	writes   []*write
	queries  []*query
	reads    []*modelRead
	polled   map[topology.NodeID]time.Time

	asked [Reasons]int
	fault string
}

// slotOf is the number of the slot of a key among those of the model; slotAt is its number for topology.
func slotOf(key int) int  { return key % modelSlots }
func slotAt(slot int) int { return slot * topology.Slots / modelSlots }

func keyText(key int) []byte { return fmt.Appendf(nil, "key:%d", key) }

func newModel(t *testing.T, seed uint64, with mistake) *model {
	m := &model{t: t, rng: rand.New(rand.NewPCG(seed, 1)), mistake: with, now: time.Unix(1000, 0),
		polled: map[topology.NodeID]time.Time{}}
	m.pace = newPace(m.rng)
	m.service = New(seed, m.now, func() {})
	m.state = NewState(m.service)
	for range modelShards {
		p := m.start(nil)
		for range modelReplicas {
			m.start(p)
		}
	}
	for slot := range m.owner {
		m.owner[slot] = m.primaries()[slot%modelShards]
	}
	m.publish()
	for i := range m.workers {
		m.workers[i] = &modelWorker{view: m.view, opened: map[topology.NodeID]Opened{}, on: map[topology.NodeID]int{}}
	}
	return m
}

func (m *model) start(primary *server) *server {
	m.runs++
	s := &server{id: topology.NodeID(len(m.servers)), run: m.runs, replID: m.runs, primary: primary}
	if primary != nil {
		s.replID = primary.replID
	}
	m.servers = append(m.servers, s)
	return s
}

func (m *model) primaries() []*server {
	var list []*server
	for _, s := range m.servers {
		if s.primary == nil {
			list = append(list, s)
		}
	}
	return list
}

// publish makes the truth a view.
func (m *model) publish() { m.publishWith(nil) }

// publishWith is likewise; demoted is a primary that is gone, and has no successor yet.
func (m *model) publishWith(demoted *server) {
	m.epoch++
	v := &topology.View{Epoch: m.epoch, Sharded: true, Nodes: make([]*topology.Node, len(m.servers))}
	for _, s := range m.servers {
		v.Nodes[s.id] = &topology.Node{ID: s.id, Addr: fmt.Sprint("s", s.id), RunID: s.runID()}
	}
	primaries := m.primaries()
	for i, p := range primaries {
		shard := topology.Shard{Index: i, Primary: v.Nodes[p.id]}
		if p == demoted {
			shard.Primary, shard.Demoted = nil, v.Nodes[p.id]
		}
		for _, s := range m.servers {
			if s.primary == p {
				shard.Replicas = append(shard.Replicas, v.Nodes[s.id])
			}
		}
		v.Shards = append(v.Shards, shard)
	}
	for slot, owner := range m.owner {
		v.Give(slices.Index(primaries, owner), topology.SlotRange{First: slotAt(slot), Last: slotAt(slot+1) - 1})
	}
	before := m.view
	m.view = v
	switch {
	case m.mistake == movedWithProof:
		copied := *v
		copied.Sharded = false
		m.service.Publish(&copied)
	case m.mistake != publishedLate:
		m.service.Publish(v)
	case before != nil:
		m.service.Publish(before)
	}
}

// pace has how often each thing happens, out of 1000 for all; a seed decides.
type pace [10]int

func newPace(rng *rand.Rand) pace {
	return pace{15 + rng.IntN(40), 150, 150, 20 + 100*rng.IntN(2), 250, 250, 150, 300, 10 + 90*rng.IntN(2),
		2 + rng.IntN(20)}
}

// step lets one thing happen.
func (m *model) step() {
	m.now = m.now.Add(time.Duration(m.rng.IntN(2000)) * time.Microsecond)
	happen := [len(m.pace)]func(){
		m.beginWrite,
		m.executeWrite,
		m.endWrite,
		func() { m.replicate(m.servers[m.rng.IntN(len(m.servers))], 1+m.rng.IntN(8)) },
		func() { m.read(m.rng.IntN(modelKeys)) },
		m.executeRead,
		m.poll,
		m.query,
		func() { m.adopt(m.worker()) },
		m.trouble,
	}
	sum := 0
	for _, n := range m.pace {
		sum += n
	}
	at := m.rng.IntN(sum)
	for i, n := range m.pace {
		if at -= n; at < 0 {
			happen[i]()
			return
		}
	}
}

// trouble is what happens rarely.
func (m *model) trouble() {
	switch n := m.rng.IntN(10); {
	case n < 3:
		m.restart(m.servers[m.rng.IntN(len(m.servers))])
	case n < 7:
		m.move()
	case n < 8:
		m.failOver()
	default:
		for _, s := range m.servers {
			s.shown = len(s.log)
		}
	}
}

func (m *model) worker() *modelWorker { return m.workers[m.rng.IntN(modelWorkers)] }

func (m *model) shardOf(w *modelWorker, key int) *topology.Shard {
	return w.view.Shard(slotAt(slotOf(key)))
}

func (m *model) beginWrite() {
	key := m.rng.IntN(modelKeys)
	shard := m.shardOf(m.worker(), key)
	if shard.Primary == nil {
		return
	}
	m.service.Begin(m.service.Cell(keyText(key)))
	if m.mistake == markedEarly {
		m.service.End(m.service.Cell(keyText(key)))
	}
	m.writes = append(m.writes, &write{key: key, to: m.servers[shard.Primary.ID], moves: m.service.Moves()})
}

// executeWrite runs a write at its owner; a primary that is not redirects it. One that is a replica by now rejects it.
func (m *model) executeWrite() {
	if len(m.writes) == 0 {
		return
	}
	w := m.writes[m.rng.IntN(len(m.writes))]
	if w.executed {
		return
	}
	if owner := m.owner[slotOf(w.key)]; w.to != owner {
		w.to, w.moves = owner, m.service.Moves()
		return
	}
	m.versions++
	w.version, w.executed = m.versions, true
	w.to.log = append(w.to.log, change{w.key, w.version})
}

// endWrite answers one, or its connection is lost.
func (m *model) endWrite() {
	if len(m.writes) == 0 {
		return
	}
	i := m.rng.IntN(len(m.writes))
	w := m.writes[i]
	if lost := m.rng.IntN(10) == 0; !w.executed && !lost {
		return
	}
	m.writes = slices.Delete(m.writes, i, i+1)
	if w.executed && m.owner[slotOf(w.key)].version(w.key) >= w.version {
		m.acked[w.key] = max(m.acked[w.key], w.version)
	}
	if w.executed && m.owner[slotOf(w.key)] != w.to {
		m.back[slotOf(w.key)] = true
	}
	if w.executed && m.mistake != unrecorded {
		if m.mistake == staysLate {
			w.moves = m.service.Moves()
		}
		m.service.Stays(slotAt(slotOf(w.key)), w.to.id, w.moves)
		m.service.Executed(slotAt(slotOf(w.key)), w.to.id)
	}
	if m.mistake != markedEarly {
		m.service.End(m.service.Cell(keyText(w.key)))
	}
	if !w.executed {
		m.service.raise()
	}
}

func (m *model) replicate(s *server, n int) {
	if p := s.primary; p != nil {
		s.log = append(s.log, p.log[len(s.log):min(len(p.log), len(s.log)+n)]...)
		s.highest = max(s.highest, len(s.log))
	}
}

// read asks May for a replica, with a connection that is opened if there is none.
func (m *model) read(key int) Reason {
	w := m.worker()
	shard := m.shardOf(w, key)
	if len(shard.Replicas) == 0 {
		return Unproven
	}
	s := m.servers[shard.Replicas[m.rng.IntN(len(shard.Replicas))].ID]
	return m.readFrom(w, key, s)
}

func (m *model) readFrom(w *modelWorker, key int, s *server) Reason {
	if w.on[s.id] != s.run {
		w.on[s.id], w.opened[s.id] = s.run, m.service.Open(s.runID())
	}
	if r := m.service.current.Load(); m.mistake == unidentified && r != nil && r.replicas[s.id] != nil {
		w.opened[s.id] = Opened{run: uint32(r.replicas[s.id].proof.Load() >> pollBits)}
	}
	r := &Read{Epoch: w.view.Epoch, Slot: slotAt(slotOf(key)), Cells: []Cell{m.service.Cell(keyText(key))}}
	why := m.service.May(r, s.id, w.opened[s.id])
	m.asked[why]++
	if why == Fresh {
		m.reads = append(m.reads, &modelRead{key: key, least: m.acked[key], from: s, run: s.run})
	}
	return why
}

// executeRead runs one on its replica, unless its connection was lost. A replica of a shard that has given the slot
// away answers nil; then the primary is asked, so that is no answer.
func (m *model) executeRead() {
	if len(m.reads) == 0 {
		return
	}
	i := m.rng.IntN(len(m.reads))
	r := m.reads[i]
	m.reads = slices.Delete(m.reads, i, i+1)
	if r.run != r.from.run {
		return
	}
	if got := r.from.version(r.key); got < r.least && got > 0 && m.fault == "" {
		m.fault = fmt.Sprintf("key %d: version %d was read from s%d, %d was acknowledged", r.key, got, r.from.id, r.least)
	}
}

// poll lets the State decide; what it asks is on its way.
func (m *model) poll() {
	asks, _ := m.state.Next(m.now)
	for _, ask := range asks {
		if slices.ContainsFunc(m.queries, func(q *query) bool { return q.ask.Node == ask.Node }) {
			m.t.Fatalf("s%d is asked twice at once", ask.Node)
		}
		if ask.primary {
			if gap := m.now.Sub(m.polled[ask.Node]); gap < PollGap {
				m.t.Fatalf("s%d is polled %s after the last poll", ask.Node, gap)
			}
			m.polled[ask.Node] = m.now
		}
		m.queries = append(m.queries, &query{ask: ask})
	}
}

// query lets a server answer, or an answer arrive; sometimes one is lost.
func (m *model) query() {
	if len(m.queries) == 0 {
		return
	}
	i := m.rng.IntN(len(m.queries))
	q := m.queries[i]
	if q.answer == nil && m.rng.IntN(20) > 0 {
		q.answer = m.answer(m.servers[q.ask.Node], q.ask)
		return
	}
	m.queries = slices.Delete(m.queries, i, i+1)
	if q.answer == nil {
		q.answer = &Answer{Outcome: Lost}
	}
	m.state.Answered(q.ask, *q.answer, m.now)
}

func (m *model) answer(s *server, ask Ask) *Answer {
	a := &Answer{Role: topology.RolePrimary, RunID: s.runID(), ReplID: fmt.Sprint("history", s.replID),
		Offset: int64(len(s.log))}
	if s.primary != nil {
		a.Role = topology.RoleReplica
	}
	if m.mistake == numberedLate && ask.primary {
		a.Offset = int64(min(s.shown, len(s.log)))
	}
	if m.mistake == keptOverRestart && s.primary != nil {
		a.Offset = int64(max(s.highest, len(s.log)))
	}
	return a
}

// adopt lets a worker take the newest view.
func (m *model) adopt(w *modelWorker) {
	w.view = m.view
}

// restart starts a server again: a replica on an old file, a primary with all that it had, in another history.
func (m *model) restart(s *server) {
	m.runs++
	s.run = m.runs
	m.queries = slices.DeleteFunc(m.queries, func(q *query) bool {
		if q.ask.Node != s.id || q.answer != nil {
			return false
		}
		m.state.Answered(q.ask, Answer{Outcome: Lost}, m.now)
		return true
	})
	if s.primary != nil {
		s.log = slices.Clone(s.log[:max(0, len(s.log)-m.rng.IntN(30))])
		return
	}
	s.replID = s.run
	for _, r := range m.servers {
		if r.primary == s && m.rng.IntN(2) == 0 {
			r.replID, r.log = s.replID, slices.Clone(s.log)
		}
	}
	m.service.raise() // connections to it are new ones
	if m.rng.IntN(2) == 0 {
		m.publish()
	}
}

// move gives a slot to the other primary: at once, or at first only in truth. The old owner may delete its keys later.
func (m *model) move() {
	if m.rng.IntN(2) == 0 {
		m.publish()
		return
	}
	slot := m.rng.IntN(modelSlots)
	from := m.owner[slot]
	deleted := m.rng.IntN(2) == 0
	for _, p := range m.primaries() {
		if p != from {
			m.owner[slot] = p
			m.back[slot] = m.back[slot] || m.view.Shard(slotAt(slot)).Standing().ID == p.id
		}
	}
	for key := slot; key < modelKeys; key += modelSlots {
		m.owner[slot].log = append(m.owner[slot].log, change{key, from.version(key)})
		if deleted {
			from.log = append(from.log, change{key, 0})
		}
	}
	if m.rng.IntN(2) == 0 {
		m.publish()
	}
}

// failOver makes a replica the primary of its shard. What it lacks is lost.
func (m *model) failOver() {
	s := m.servers[m.rng.IntN(len(m.servers))]
	old := s.primary
	if old == nil {
		return
	}
	if m.rng.IntN(2) == 0 {
		m.publishWith(old)
	}
	m.runs++
	s.primary, s.replID = nil, m.runs
	for _, r := range m.servers {
		if r == old || r.primary == old {
			r.primary = s
			r.replID, r.log = s.replID, slices.Clone(s.log)
		}
	}
	m.writes = slices.DeleteFunc(m.writes, func(w *write) bool {
		if w.to != old {
			return false
		}
		if m.mistake != markedEarly {
			m.service.End(m.service.Cell(keyText(w.key)))
		}
		return true
	})
	for slot, owner := range m.owner {
		if owner == old {
			m.owner[slot] = s
		}
	}
	for key := range modelKeys {
		if m.owner[slotOf(key)] == s {
			m.acked[key] = min(m.acked[key], s.version(key))
		}
	}
	for _, r := range m.reads {
		r.least = min(r.least, m.acked[r.key])
		if r.from == s || r.from.primary == s { // its slot may have moved on, and what it lacks with it
			r.least = min(r.least, s.version(r.key))
		}
	}
	m.service.raise() // connections to it are new ones
	m.publish()
}

// settle lets everything end that has begun, without faults, until all replicas may serve all reads; it returns whether
// they do.
func (m *model) settle() bool {
	m.publish()
	for _, w := range m.workers {
		m.adopt(w)
	}
	for len(m.writes) > 0 {
		m.executeWrite()
		m.endWrite()
	}
	for range 1500 {
		m.now = m.now.Add(time.Millisecond)
		for _, s := range m.servers {
			if s.primary != nil && s.replID != s.primary.replID {
				s.replID, s.log = s.primary.replID, slices.Clone(s.primary.log)
			}
			m.replicate(s, 1000)
		}
		m.poll()
		for range len(m.queries) * 2 {
			m.query()
		}
		all := true
		for _, w := range m.workers {
			for key := range modelKeys {
				for _, n := range m.shardOf(w, key).Replicas {
					why := m.readFrom(w, key, m.servers[n.ID])
					all = all && (why == Fresh || why == SlotElsewhere && m.back[slotOf(key)])
				}
			}
		}
		if all {
			return true
		}
	}
	return false
}

func (m *model) play(steps int) {
	for range steps {
		m.step()
		if m.fault != "" {
			return
		}
	}
	for len(m.reads) > 0 {
		m.executeRead()
	}
}

func TestNoReplicaServesLessThanWasAcknowledged(t *testing.T) {
	var sum [Reasons]int
	seeds := uint64(60)
	if servers.RaceEnabled { // it finds nothing in what is one goroutine
		seeds = 5
	}
	for seed := range seeds {
		m := newModel(t, seed, none)
		m.play(3000)
		if m.fault != "" {
			t.Errorf("seed %d: %s", seed, m.fault)
			continue
		}
		for why, n := range m.asked {
			sum[why] += n
		}
		if !m.settle() {
			t.Fatalf("seed %d: replicas stay unproven: %v", seed, m.asked)
		}
		if n := m.service.InFlight(); n != 0 {
			t.Fatalf("seed %d: %d writes are in flight for ever", seed, n)
		}
	}
	for why, n := range sum {
		if reason := Reason(why); n < 100 && !servers.RaceEnabled &&
			reason != AllInFlight && reason != TooOld && reason != TooFarBehind {
			t.Errorf("only %d reads ended as %q", n, reason)
		}
	}
}

// mistakeFrom are the seeds at which the search for rare ones begins, to save time.
var mistakeFrom = [mistakes]uint64{movedWithProof: 1700, publishedLate: 200, staysLate: 12900}

func TestMistakesAreFound(t *testing.T) {
	if servers.RaceEnabled {
		t.Skip("played without the race detector")
	}
	for with := none + 1; with < mistakes; with++ {
		t.Run(mistakeNames[with], func(t *testing.T) {
			for seed := mistakeFrom[with]; seed < mistakeFrom[with]+400; seed++ {
				m := newModel(t, seed, with)
				m.play(3000)
				if m.fault != "" {
					t.Logf("seed %d: %s", seed, m.fault)
					return
				}
			}
			t.Error("was not found")
		})
	}
}
