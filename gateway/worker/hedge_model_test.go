package worker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// TestHedgedReadsAreRight lets clients read and write a few keys at a primary and three replicas, which lag, answer
// late, in pieces or not at all, while reads are sent twice. Each reply names its key and the last write to it that the
// server had: so each client must get the replies to its own requests, in their order, and with the consistency
// "gateway" never miss a write that was acknowledged before, nor go back in time.
func TestHedgedReadsAreRight(t *testing.T) {
	var sum sessions.HedgeCounts
	for seed := range uint64(100) {
		m := newHedgeModel(t, seed)
		for range 1500 {
			m.step()
		}
		m.settle()
		s := m.Worker.Stats().Hedges
		sum.Add(&s)
		all := m.Worker.Snapshot()
		if all.Counted().Hedges != s {
			t.Errorf("seed %d: by service %+v, together %+v", seed, all.Counted().Hedges, s)
		}
		var conns upstream.ConnCounts
		for _, at := range all.Services[0].Nodes {
			conns.Add(&at.Counted)
		}
		together := upstream.ConnCounts{Opened: all.ConnsOpened, Silent: all.ConnsSilent, Lost: all.ConnsLost}
		if conns != together {
			t.Errorf("seed %d: connections by node %+v, together %+v", seed, conns, together)
		}
		if s.Sent != s.Won+s.Lost {
			t.Errorf("seed %d: at rest: %+v", seed, s)
		}
	}
	if sum.Won < 500 || sum.Lost < 500 {
		t.Errorf("too little to prove anything: %+v", sum)
	}
}

// hedgeModel is the Net of its loop.
type hedgeModel struct {
	*play.Loop
	t      *testing.T
	seed   uint64
	rnd    *rand.Rand
	proofs proofs
	epoch  uint64
	base   *topology.View
	// log are the keys of all writes at the primary, applied how many of them each server has.
	log     []string
	applied map[string]int
	version map[string]int // of a write, by its value
	acked   map[string]int // the newest version of a key that was acknowledged
	servers map[worker.ConnID]*modelServer
	clients map[uint32]*modelClient
	serial  int
}

type modelServer struct {
	name  string
	asked play.Requests
	out   []byte // replies that are not sent yet
}

type modelClient struct {
	replies resp.ReplyScanner
	b       []byte
	asked   []modelRequest
	seen    map[string]int
}

// modelRequest is a read of a key that must show at least the version least, or the write of a value.
type modelRequest struct {
	key, value string
	least      int
}

func newHedgeModel(t *testing.T, seed uint64) *hedgeModel {
	p := newPlayer(t)
	p.setView("plain", []string{"a", "b", "c", "d"})
	m := &hedgeModel{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), proofs: newProofs(), base: p.view,
		applied: map[string]int{}, version: map[string]int{}, acked: map[string]int{},
		servers: map[worker.ConnID]*modelServer{}, clients: map[uint32]*modelClient{}}
	for _, n := range m.base.Nodes {
		n.RunID = "run-" + n.Addr[:1]
	}
	reading := session.Reading{From: session.PreferReplica, Consistency: session.Gateway}
	m.Loop = play.New(worker.Config{
		Services: []worker.Service{{Name: "main", Reading: reading, Fresh: m.proofs.fresh,
			Hold: session.Hold{Mode: session.HoldFor, Window: time.Minute}, Hedge: session.Hedge{After: 2 * time.Millisecond}}},
		QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20, Seed: seed,
	}, worker.Env{View: func(int) *topology.View { return m.View }}, m, t.Fatalf)
	m.see()
	for range 5 {
		m.open()
	}
	return m
}

// see has the view come once more.
func (m *hedgeModel) see() {
	now := *m.base
	m.epoch++
	now.Epoch = m.epoch
	m.proofs.publish(&now)
	m.View = &now
	m.Tick(m.Now)
}

func (m *hedgeModel) open() { m.clients[m.Open(0).ID] = &modelClient{seen: map[string]int{}} }

func (m *hedgeModel) step() {
	switch n := m.rnd.IntN(100); {
	case n < 25:
		m.sends()
	case n < 50:
		m.answers()
	case n < 60:
		m.Tick(m.Now + time.Duration(m.rnd.IntN(3000))*time.Microsecond)
	case n < 70:
		name := [...]string{"b", "c", "d"}[m.rnd.IntN(3)]
		m.applied[name] += m.rnd.IntN(len(m.log) - m.applied[name] + 1)
	case n < 78:
		m.polls()
	case n < 79:
		m.disturb()
	default:
		m.Round()
		m.Tick(m.Now + time.Microsecond)
	}
}

// disturb does what happens rarely.
func (m *hedgeModel) disturb() {
	switch m.rnd.IntN(6) {
	case 0:
		m.see()
	case 1:
		if c := m.AnyConn(m.rnd.IntN(max(1, m.Conns())), true); c != nil {
			delete(m.servers, c.Conn)
			m.Lose(c.Conn, worker.PeerClosed)
		}
	case 2:
		if id := m.anyClient(); m.rnd.IntN(2) == 0 {
			delete(m.clients, id)
			m.Leave(id)
			m.open()
		}
	default: // more reads may be sent twice
		m.Tick(m.Now + 12*time.Second)
	}
}

func (m *hedgeModel) anyClient() uint32 {
	var ids []uint32
	for id := range m.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids[m.rnd.IntN(len(ids))]
}

// sends has a client send some requests.
func (m *hedgeModel) sends() {
	id := m.anyClient()
	c := m.clients[id]
	if len(c.asked) > 0 && m.rnd.IntN(4) > 0 {
		return
	}
	var b []byte
	for range 1 + m.rnd.IntN(4) {
		r := modelRequest{key: fmt.Sprint("k", m.rnd.IntN(6))}
		if m.rnd.IntN(25) == 0 {
			m.serial++
			r.value = fmt.Sprint(m.serial)
			b = resp.AppendCommandStrings(b, "SET", r.key, r.value)
		} else {
			r.least = m.acked[r.key]
			b = resp.AppendCommandStrings(b, "GET", r.key)
		}
		c.asked = append(c.asked, r)
	}
	m.FromClient(id, b)
}

// answers has a server execute some requests, and send some of its replies.
func (m *hedgeModel) answers() {
	if m.Conns() == 0 {
		return
	}
	c := m.AnyConn(m.rnd.IntN(m.Conns()), m.rnd.IntN(3) > 0)
	switch {
	case c == nil:
	case !c.Open:
		m.dialled(c)
	default:
		m.serve(c.Conn, m.rnd.IntN(4), m.servers[c.Conn].name == "a")
	}
}

func (m *hedgeModel) serve(id worker.ConnID, n int, all bool) {
	s := m.servers[id]
	for i := 0; (i < n || all) && s.asked.Front() != nil; i++ {
		s.out = append(s.out, m.execute(s.name, s.asked.Front())...)
		s.asked.Pop()
	}
	if size := len(s.out); size > 0 && !m.Conn(id).Stopped {
		if !all {
			size = m.rnd.IntN(size + 1)
			if m.rnd.IntN(2) == 0 {
				size = len(s.out)
			}
		}
		b := s.out[:size]
		s.out = s.out[size:]
		m.FromServer(id, b)
	}
}

// execute does what a server is asked.
func (m *hedgeModel) execute(name string, args [][]byte) []byte {
	if name == "a" {
		m.applied["a"] = len(m.log)
	}
	switch key := string(args[len(args)-1]); string(args[0]) {
	case "GET":
		if name != "a" && m.rnd.IntN(50) == 0 {
			return []byte("-LOADING Redis is loading the dataset in memory\r\n")
		}
		version := 0
		for i, written := range m.log[:m.applied[name]] {
			if written == key {
				version = i + 1
			}
		}
		return resp.AppendBulkString(nil, fmt.Sprint(key, "@", version))
	case "SET":
		if name != "a" {
			m.t.Fatalf("seed %d: a replica is asked to write", m.seed)
		}
		m.log = append(m.log, string(args[1]))
		m.version[string(args[2])] = len(m.log)
	}
	return resp.OK
}

// polls has servers polled that are due.
func (m *hedgeModel) polls() {
	now, state := time.Time{}.Add(m.Now), m.proofs.state
	for range 2 {
		asks, _ := state.Next(now)
		for _, ask := range slices.Clone(asks) {
			name := m.base.Node(ask.Node).Addr[:1]
			a := freshness.Answer{Role: topology.RoleReplica, RunID: "run-" + name, ReplID: "history",
				Offset: int64(m.applied[name])}
			if name == "a" {
				a.Role, a.Offset = topology.RolePrimary, int64(len(m.log))
			}
			state.Answered(ask, a, now)
		}
	}
}

// settle has all answer everything, until nobody waits.
func (m *hedgeModel) settle() {
	err := worker.CheckRest(m.Worker)
	for i := 0; i < 500 && (i < 5 || err != nil); i++ {
		for m.Round() {
			continue
		}
		for id := range worker.ConnID(m.Conns()) {
			switch c := m.Conn(id); {
			case c == nil:
			case !c.Open:
				m.dialled(c)
			default:
				m.serve(id, 0, true)
			}
		}
		err = worker.CheckRest(m.Worker)
		m.Tick(m.Now + 10*time.Millisecond)
	}
	for id, c := range m.clients {
		if len(c.asked) > 0 || err != nil {
			m.t.Fatalf("seed %d: client %d waits for %d replies: %v", m.seed, id, len(c.asked), err)
		}
	}
}

// dialled has a connection be accepted.
func (m *hedgeModel) dialled(c *play.Conn) {
	name := c.Addr[:1]
	m.servers[c.Conn] = &modelServer{name: name}
	m.serial++
	m.Connected(c.Conn, upstream.Greeting{Client: int64(m.serial), RunID: "run-" + name})
}

// Dial implements play.Net, as the next ones do.
func (m *hedgeModel) Dial(*play.Conn) {}

func (m *hedgeModel) ToServer(c *play.Conn, b []byte) int {
	m.servers[c.Conn].asked.Add(b)
	return len(b)
}

func (m *hedgeModel) ToClient(client *play.Client, b []byte) int {
	c := m.clients[client.ID]
	if c == nil {
		return len(b)
	}
	for rest := b; len(rest) > 0; {
		n, done, err := c.replies.Scan(rest)
		if err != nil {
			m.t.Fatalf("seed %d: client %d gets %q", m.seed, client.ID, rest)
		}
		c.b = append(c.b, rest[:n]...)
		rest = rest[n:]
		if done {
			m.replied(c, string(c.b))
			c.b = c.b[:0]
		}
	}
	return len(b)
}

// replied checks a reply to a client.
func (m *hedgeModel) replied(c *modelClient, reply string) {
	if len(c.asked) == 0 {
		m.t.Fatalf("seed %d: %q is no reply", m.seed, reply)
	}
	r := c.asked[0]
	c.asked = c.asked[1:]
	if r.value != "" {
		switch version := m.version[r.value]; {
		case reply == "+OK\r\n" && version > 0:
			m.acked[r.key], c.seen[r.key] = max(m.acked[r.key], version), max(c.seen[r.key], version)
		case !strings.HasPrefix(reply, "-UNCERTAIN"):
			m.t.Fatalf("seed %d: %q to a write", m.seed, reply)
		}
		return
	}
	if strings.HasPrefix(reply, "-TRYAGAIN") || strings.HasPrefix(reply, "-ERR evergate: the connection") {
		return // in a pipeline behind a write that was lost, or lost too often
	}
	lines := strings.Split(reply, "\r\n")
	key, text, _ := strings.Cut(lines[min(1, len(lines)-1)], "@")
	version, err := strconv.Atoi(text)
	if err != nil || key != r.key || version < max(r.least, c.seen[r.key]) {
		m.t.Fatalf("seed %d: %q to a read of %s, of which %d was acknowledged, and %d seen", m.seed, reply, r.key, r.least,
			c.seen[r.key])
	}
	c.seen[r.key] = version
}

func (m *hedgeModel) Reading(worker.Reading) {}

func (m *hedgeModel) Closed(id worker.ConnID, _ *play.Conn) { delete(m.servers, id) }

func (m *hedgeModel) ClientClosed(c *play.Client) {
	m.t.Fatalf("seed %d: a client is closed", m.seed)
}
