package worker_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/admin"
	"evergate/gateway/freshness"
	"evergate/gateway/maintenance"
	"evergate/gateway/ratelimit"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// FuzzWorker lets clients, servers and views do anything in any order: nothing panics, the worker keeps its side of the
// bargain with the loop (package play), its state is right after each step (Worker.Check), and when all is calm nobody
// waits for anything.
func FuzzWorker(f *testing.F) {
	for _, g := range garbage {
		f.Add(append([]byte{0, 8, 1, byte(len(g))}, g...))
	}
	for i := range uint64(100) {
		random := rand.New(rand.NewPCG(i, 1))
		b := make([]byte, 40*(i+1))
		for at := range b {
			b[at] = byte(random.Uint32())
		}
		f.Add(b)
	}
	for i := range uint64(400) {
		f.Add(subscribers(i))
	}
	for i := range uint64(slowSeeds) {
		f.Add(slowServers(i))
	}
	for i := range uint64(hedgeSeeds) {
		f.Add(lateServers(i))
	}
	views := fuzzViews(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4<<10 {
			return
		}
		z := newFuzzed(t, views, in)
		for len(z.in) > 0 {
			z.act(z.byte())
		}
		z.settle()
	})
}

const (
	fuzzOutput  = 1 << 20
	fuzzQuery   = 256 << 10
	fuzzMemory  = 512 << 10
	fuzzPrivate = 3
	// scriptAfter is how often a worker looks for the end of a long script.
	scriptAfter = 20 * time.Millisecond
)

// fuzzed is a worker in the hands of the fuzzer. It is the Net of its loop.
type fuzzed struct {
	*play.Loop
	t       *testing.T
	in      []byte
	epoch   uint64
	views   []*topology.View
	clients []uint32
	servers map[worker.ConnID]*fuzzServer
	all     []*fuzzServer // those of connections that have ended, too
	settled [3]uint64     // by service
	acked   int
	counts  counts
	long    [3]int // scripts that are told of, by service
	part    part   // how much of what is to be written is taken
	// deaf clients read nothing, tunnels carry what is no reply; replies follow what each client reads.
	deaf, tunnels map[uint32]bool
	replies       map[uint32]*resp.ReplyScanner
	serial        int64 // of the last connection, as servers count them
	// users are those of all services but that of the emulated Sentinel, which has but a password.
	users, ofSentinel *access.Users
	fewer             bool // those of fuzzFewer have taken their place
	proofs            proofs
}

// fuzzServer is a server's end of a connection: what it was asked and has not answered, and what it has subscribed.
type fuzzServer struct {
	asked play.Server
	feed  play.Subscriptions
	lies  bool // it has said what no server says
	sent  play.Requests
	waits fuzzWaits
}

// fuzzViews are the views that come in turn, and behind them the same with one more replica of the first shard.
func fuzzViews(f testing.TB) []*topology.View {
	return append(viewsWith(f), viewsWith(f, "d")...)
}

func viewsWith(f testing.TB, more ...string) (views []*topology.View) {
	p := newPlayer(f)
	for _, v := range [][]string{
		{"plain", "a", "b"}, {"plain", "b", "a"}, {"plain", "-", "a"}, {"cluster", "a:0-8191,b", "b:8192-16383"},
		{"cluster", "b:0-100", "a:101-16383"}, {"cluster", "a:0-8191", "-:8192-16383"},
		{"plain", "-a", "b"}, {"plain", "-a>b"}, {"plain", "b+", "a"}, {"plain", "-b", "a"},
		{"cluster", "-a>b:0-8191", "c:8192-16383"}, {"cluster", "b+:0-8191", "-c:8192-16383"},
		{"plain", "a*", "b"},
	} {
		if v[0] == "plain" {
			v = append(v, more...)
		}
		p.setView(v[0], v[1:])
		for _, n := range p.view.Nodes {
			n.RunID = "run " + n.Addr
		}
		views = append(views, p.view)
	}
	return views
}

func newFuzzed(t *testing.T, views []*topology.View, in []byte) *fuzzed {
	z := &fuzzed{t: t, in: in, views: views[:len(views)/2], servers: map[worker.ConnID]*fuzzServer{}, counts: counts{},
		deaf: map[uint32]bool{}, tunnels: map[uint32]bool{}, replies: map[uint32]*resp.ReplyScanner{}}
	closeOnGap := len(in)%2 == 0
	mode := z.byte()
	hold := [...]session.Hold{{}, {Mode: session.HoldFor, Window: time.Second}, {Mode: session.HoldOff},
		{Mode: session.HoldDryRun}}[mode>>4&3]
	z.users = fuzzUsers[int(mode>>3&1)+2*(len(in)/2%2)]
	z.ofSentinel = fuzzUsers[mode>>3&1]
	reading := session.Reading{From: session.Reads(mode % 3)}
	if reading.From == session.PreferReplica {
		reading.Consistency = session.Consistency(len(in) / 8 % 3)
		reading.Lag.Time = time.Second
	}
	hedge := session.Hedge{}
	if reading.From != session.FromPrimary && len(in)%3 > 0 {
		hedge, z.views = fuzzHedge[len(in)%3-1], views[len(views)/2:]
	}
	z.proofs = newProofs()
	fresh := z.proofs.fresh
	z.Loop = play.New(worker.Config{
		Services: []worker.Service{{Name: "main", Reading: reading, Hold: hold, Fresh: fresh,
			BlockingLost: sessions.BlockingLost(mode >> 6 % 3), Allowed: map[string]bool{"debug": true, "psync": true},
			CloseOnGap: closeOnGap, Hedge: hedge, Acks: fuzzAcks[len(in)/8%len(fuzzAcks)]},
			{Name: "other", CloseOnGap: !closeOnGap, Fresh: fresh}, {Name: "main", Fresh: fresh}},
		Listeners: []worker.Listener{
			{Hold: session.Hold{Mode: session.HoldFor, Window: 100 * time.Millisecond}},
			{Hold: hold, Role: faceSetting("cluster")},
			{Hold: hold, Role: faceSetting("replica"), Acks: fuzzAcks[1]},
			{Service: 2, Role: faceSetting("sentinel")},
		},
		QueryBytesMax: fuzzQuery, OutputBytesMax: fuzzOutput, AuthMax: 5 * time.Second,
		HoldSessionsMax: 8, HoldBytesMax: 128 << 10, DedicatedMax: fuzzPrivate, GatherFrom: 2,
		OutputSoft:   sessions.SoftLimit{Bytes: 32 << 10, For: 2 * time.Second},
		PushSoft:     sessions.SoftLimit{Bytes: 8 << 10, For: time.Second},
		ClientMemory: account.Bound{Max: fuzzMemory},
	}, worker.Env{
		View:    z.viewOf,
		Users:   z.usersOf,
		Settled: z.settledAt,
		Counted: z.counts.count,
		Count:   noCount,
		LongScripts: func(service, add int) int {
			z.long[service] += add
			return z.long[service]
		},
		Acked:   func(_ int, node topology.NodeID, n int) { z.acked += n },
		Unblock: func(int, string, int64) {}, // servers answer blocking commands at any time, or never
		Rates:   z.rates(len(in)/4%3, mode>>7 == 1),
	}, z, t.Fatalf)
	z.TLS = true
	z.Tick(z.Now)
	return z
}

// rates are none, those of users, or those of users and addresses.
func (z *fuzzed) rates(kinds int, refuses bool) (r worker.Rates) {
	if kinds == 0 {
		return r
	}
	rate := ratelimit.Rate{Commands: 1000, Refuses: refuses}
	users, address := map[string]*ratelimit.Account{}, ratelimit.NewAccount("address", rate, 1)
	held := map[*ratelimit.Account]int{}
	enter := func(a *ratelimit.Account) *ratelimit.Account {
		held[a]++
		return a
	}
	return worker.Rates{
		RateOfUser: func(_ int, user string, _ bool) (*ratelimit.Account, bool) {
			if users[user] == nil {
				users[user] = ratelimit.NewAccount(user, rate, 1)
			}
			return enter(users[user]), true
		},
		RateOfAddress: func(string) *ratelimit.Account {
			if kinds == 1 {
				return nil
			}
			return enter(address)
		},
		RateLeft: func(a *ratelimit.Account, _ time.Duration) {
			if held[a]--; held[a] < 0 {
				z.t.Fatalf("more clients have left %s than there were", a.Name)
			}
		},
		RateExceeded: func(int, *ratelimit.Account, bool, uint64) {},
	}
}

func (z *fuzzed) byte() byte {
	if len(z.in) == 0 {
		return 0
	}
	b := z.in[0]
	z.in = z.in[1:]
	return b
}

// bytes takes raw bytes of the input.
func (z *fuzzed) bytes() []byte {
	n := min(int(z.byte()), len(z.in))
	b := z.in[:n]
	z.in = z.in[n:]
	return b
}

func (z *fuzzed) anyClient() (uint32, bool) {
	if len(z.clients) == 0 {
		return 0, false
	}
	return z.clients[int(z.byte())%len(z.clients)], true
}

func (z *fuzzed) act(op byte) {
	switch op % 16 {
	case 0:
		if len(z.clients) < 20 {
			listener := [...]int{0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 3, 3, 1, 1, 1}[op>>4]
			id := z.Open(listener).ID
			z.clients = append(z.clients, id)
			delete(z.deaf, id)
			delete(z.tunnels, id)
			z.replies[id] = &resp.ReplyScanner{}
		}
	case 1, 2, 3:
		if id, ok := z.anyClient(); ok && z.reads(id) {
			b := []byte(sentences[int(z.byte())%len(sentences)])
			if op%16 == 1 {
				b = z.bytes()
			}
			z.tunnels[id] = z.tunnels[id] || bytes.Contains(bytes.ToLower(b), []byte("sync"))
			z.FromClient(id, b)
		}
	case 4:
		z.leaves(op%32 < 16)
	case 5, 6:
		if c := z.AnyConn(int(z.byte()), false); c != nil {
			z.dialled(c, [...]worker.LostReason{worker.PeerClosed, worker.PeerClosed, worker.OtherRun,
				worker.DialFailed}[op>>4&3])
		}
	case 7:
		// It may end in the very round in which the worker has given it up.
		if c := z.AnyConn(int(z.byte()), true); c != nil && z.byte()%4 == 0 {
			z.Lose(c.Conn, worker.PeerClosed)
		}
	case 8:
		z.View = nil
		if i := int(z.byte()) % (len(z.views) + 1); i < len(z.views) {
			z.see(z.views[i])
		}
	case 9:
		if op>>4 == 15 {
			if id, ok := z.anyClient(); ok {
				z.deaf[id] = !z.deaf[id]
			}
			break
		}
		z.Now += time.Duration(z.byte()) * 10 * time.Millisecond
	case 10, 11, 12:
		z.serverSends(op)
	case 13:
		switch z.doAdmin(); {
		case op>>4 > 11:
			z.fewer = !z.fewer
		case op>>4 > 8 && op>>4 < 11:
			z.polls(z.byte())
		case op>>4 > 10:
			worker.Notify(z.Worker, int(z.byte())%3, maintenance.Notice{Kind: maintenance.Moving, Seq: 1 << 40, In: time.Second})
		}
	default:
		z.round(partOf(op))
	}
}

// see has a view come.
func (z *fuzzed) see(v *topology.View) {
	now := *v
	z.epoch++
	now.Epoch = z.epoch
	z.proofs.publish(&now)
	z.View = &now
}

// polls has servers polled that are due. Most have what the primaries have.
func (z *fuzzed) polls(lag byte) {
	now := time.Time{}.Add(z.Now)
	for range 2 {
		asks, _ := z.proofs.state.Next(now)
		for _, ask := range slices.Clone(asks) {
			a := freshness.Answer{Role: topology.RolePrimary, ReplID: "history", Offset: int64(ask.Poll)}
			if z.View == nil || z.View.LedBy(ask.Node) < 0 {
				a.Role, a.Offset = topology.RoleReplica, a.Offset-int64(lag/128)
			}
			if n := z.proofs.view.Node(ask.Node); n != nil {
				a.RunID = n.RunID
			}
			z.proofs.state.Answered(ask, a, now)
		}
	}
}

// viewOf is what a service is shown: those behind the emulated Sentinel have no servers.
func (z *fuzzed) viewOf(service int) *topology.View {
	if service == 2 {
		return nil
	}
	return z.View
}

// reads reports whether the loop reads from a client.
func (z *fuzzed) reads(id uint32) bool {
	c := z.Client(id)
	return c != nil && !c.Stopped && !c.HalfClosed
}

// leaves has a client close its half of the connection, so that it stays until all is done that it sent, or all of it.
func (z *fuzzed) leaves(half bool) {
	id, ok := z.anyClient()
	switch {
	case !ok:
	case half:
		z.HalfClose(id)
	default:
		z.Leave(id)
		z.forget(id)
	}
}

// doAdmin does what was asked for so far. Half of the servers say nothing to CLIENT UNBLOCK.
func (z *fuzzed) doAdmin() {
	asked := z.Asked
	z.Asked = nil
	for i := range asked {
		var reply []byte
		if asked[i].Kind == admin.Info {
			reply = []byte("$6\r\n# text\r\n")
		}
		z.Answer(&asked[i], z.epoch%2 == 1, reply)
	}
}

// dialled ends a dial: for this reason, or well where that is that a server closes.
func (z *fuzzed) dialled(c *play.Conn, why worker.LostReason) {
	if why != worker.PeerClosed {
		z.Lose(c.Conn, why)
		return
	}
	z.servers[c.Conn] = &fuzzServer{}
	z.all = append(z.all, z.servers[c.Conn])
	z.serial++
	z.Connected(c.Conn, upstream.Greeting{Client: z.serial, RunID: c.RunID, OwnOffset: z.serial%2 == 0})
}

func (z *fuzzed) serverSends(op byte) {
	c := z.AnyConn(int(z.byte()), true)
	if c == nil || c.Stopped {
		return
	}
	server := z.servers[c.Conn]
	if c.Proto == 3 && !c.Dedicated && (server.feed.Has != nil || listens(server.feed.Front())) {
		z.subscriptionSends(c.Conn)
		return
	}
	if op%64 == 12 {
		z.serve(c.Conn)
		return
	}
	b := []byte(replies[int(z.byte())%len(replies)])
	switch {
	case op%64 == 10:
		b = z.bytes()
	case op%64 == 11:
		b = bytes.Repeat([]byte("x"), 1<<uint(z.byte()%20))
	}
	server.lies = true
	z.FromServer(c.Conn, b)
}

func (z *fuzzed) forget(id uint32) {
	for i, other := range z.clients {
		if other == id {
			z.clients = append(z.clients[:i], z.clients[i+1:]...)
			return
		}
	}
}

// part is how much of what is written the other ends take.
type part uint8

const (
	takesAll part = iota
	takesHalf
	takesNone
)

// partOf returns that of a round.
func partOf(op byte) part {
	switch {
	case op >= 240:
		return takesNone
	case op%32 >= 16:
		return takesHalf
	}
	return takesAll
}

// round ends a round, of which the other ends take a part of what is written, and begins the next.
func (z *fuzzed) round(taken part) {
	z.part = taken
	if taken == takesAll {
		z.flush()
	}
	z.Round()
	z.Tick(z.Now + time.Microsecond)
}

// flush has all take what they had no room for.
func (z *fuzzed) flush() {
	for id := range worker.ConnID(z.Conns()) {
		if c := z.Conn(id); c != nil {
			z.Loop.Flush(c)
		}
	}
	for _, id := range z.clients {
		if c := z.Client(id); c != nil {
			z.FlushClient(c)
		}
	}
}

// Dial implements play.Net, as the next ones do.
func (z *fuzzed) Dial(*play.Conn) {}

func (z *fuzzed) ToServer(c *play.Conn, b []byte) int {
	n := z.takes(b)
	z.servers[c.Conn].asked.Add(b[:n])
	z.servers[c.Conn].feed.Add(b[:n])
	z.servers[c.Conn].waits.add(b[:n], z.servers[c.Conn].asked.Answered())
	z.permitted(z.servers[c.Conn], b[:n])
	return n
}

// ToClient looks that what a client is sent are replies and messages, one whole after the other.
func (z *fuzzed) ToClient(c *play.Client, b []byte) int {
	if z.deaf[c.ID] {
		return 0
	}
	b = b[:z.takes(b)]
	for rest := b; len(rest) > 0 && !z.tunnels[c.ID]; {
		n, _, err := z.replies[c.ID].Scan(rest)
		if err != nil {
			z.t.Fatalf("client %d is sent what is no reply: %q", c.ID, rest[:min(len(rest), 200)])
		}
		rest = rest[n:]
	}
	return len(b)
}

func (z *fuzzed) takes(b []byte) int {
	switch z.part {
	case takesHalf:
		return len(b) / 2
	case takesNone:
		return 0
	}
	return len(b)
}

func (z *fuzzed) Reading(worker.Reading) {}

func (z *fuzzed) Closed(worker.ConnID, *play.Conn) {}

func (z *fuzzed) ClientClosed(c *play.Client) { z.forget(c.ID) }

// settle makes all well and has every server answer, until nobody has to wait.
func (z *fuzzed) settle() {
	z.see(z.views[0])
	clear(z.deaf)
	z.round(takesAll)
	for id := range worker.ConnID(z.Conns()) {
		if c := z.Conn(id); c != nil && c.Open {
			z.Lose(id, worker.PeerClosed)
		}
	}
	done, expired := uint64(0), z.Worker.Stats().HoldExpired
	var err error
	for i := 0; i < 200 && (i < 5 || err != nil); i++ {
		if n := z.Worker.Stats().Commands(); n > done {
			i, done = min(i, 5), n // a client may do its requests one a round: while it gets on, it is not stuck
		}
		z.round(takesAll)
		for id := range worker.ConnID(z.Conns()) {
			z.serve(id)
		}
		z.doAdmin()
		pause := 20 * time.Millisecond
		if i > 100 { // only those wait that need a connection of their own while others watch keys on all there may be
			pause = time.Second
			z.crowded(expired)
		}
		z.Tick(z.Now + pause)
		err = worker.CheckRest(z.Worker)
	}
	if err != nil {
		z.t.Fatal(err)
	}
	z.atRest()
}

// crowded fails the test unless as many connections to one server belong to single sessions as may.
func (z *fuzzed) crowded(expired uint64) {
	s := z.Worker.Snapshot()
	if s.Dedicated < fuzzPrivate && (s.Waiting > 0 || s.HoldExpired > expired) {
		z.t.Fatalf("%d wait in vain: %v", s.Waiting, worker.CheckRest(z.Worker))
	}
}

// atRest looks at the sums when nobody waits any more.
func (z *fuzzed) atRest() {
	if z.settled != [3]uint64{z.View.Epoch, z.View.Epoch} {
		z.t.Fatalf("view %d was never left behind, only %d", z.View.Epoch, z.settled)
	}
	s := z.Worker.Snapshot()
	may := 0
	for _, server := range z.all {
		if may += server.waits.mayBeAcked(); server.lies {
			may += server.waits.asked
		}
	}
	if z.acked > may {
		z.t.Fatalf("%d writes are acknowledged, of at most %d that replicas have confirmed, or need not", z.acked, may)
	}
	sent := s.Requests[upstream.Primary] + s.Requests[upstream.Dedicated] + s.Requests[upstream.Acked]
	if z.acked > int(sent) {
		z.t.Fatalf("%d writes are acknowledged of %d requests", z.acked, sent)
	}
	answered := uint64(0)
	sent = 0
	for i := range s.Services {
		for _, at := range s.Services[i].Nodes {
			answered += at.Requests
		}
	}
	for _, n := range s.Requests {
		sent += n
	}
	if answered > sent+s.Hedges.Sent || answered == 0 && z.acked > 0 {
		z.t.Fatalf("servers have answered %d of %d requests, %d of them writes", answered, sent, z.acked)
	}
	z.sameSubscriptions()
	if z.Tick(z.Now + scriptAfter); z.long != [3]int{} {
		z.t.Fatalf("scripts are told of that are over: %d", z.long)
	}
	if z.Drain(true); z.Drain(true) != 0 {
		z.t.Fatalf("%d clients are left after a drain", z.Worker.Clients())
	}
	z.round(takesAll)
	for topic, n := range z.counts {
		if !topic.conns {
			z.t.Fatalf("everybody has left, and %d listen to %+v", n, topic)
		}
	}
}

// settledAt takes the worker's word that it has left the demoted primaries of a view.
func (z *fuzzed) settledAt(service int, epoch uint64) {
	if epoch > z.epoch || epoch <= z.settled[service] {
		z.t.Fatalf("settled %d after %d", epoch, z.settled[service])
	}
	z.settled[service] = epoch
}

// serve has a server answer all that it was sent.
func (z *fuzzed) serve(id worker.ConnID) {
	if c := z.Conn(id); c != nil && !c.Open {
		z.dialled(c, worker.PeerClosed)
	}
	server := z.servers[id]
	for z.Conn(id) != nil && server.asked.Owes() > 0 {
		if listens(server.feed.Front()) {
			z.acks(id, 1)
			continue
		}
		server.feed.Refuse()
		reply := server.waits.reply(server.asked.Answered(), z.serial%4 == 3)
		server.asked.Replied(reply)
		z.FromServer(id, reply)
	}
}
