package sim

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/admin"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/testenv/sim/clients"
	"evergate/testenv/sim/control"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// gate is one worker of the gateway, in its loop of package play: its lanes, its clients, the view it has seen. It is
// the Net of that loop.
type gate struct {
	*play.Loop
	w       *world
	number  int
	view    *topology.View // as the worker has seen it
	lanes   []*lane        // by id
	peers   []*peer        // of its clients
	met     int            // how many of all clients were looked at: some are this worker's peers
	byID    []*peer
	settled []uint64 // by service: the view of which it has left the demoted primaries
	// conf is the newest configuration; nil before the first change. memory is the bound of all clients.
	conf   *worker.Config
	acks   []acksFrom
	memory account.Bound
	// users are those that the worker knows, free the same with all rights.
	users, free *access.Users
	// stalledUntil: until then the thread of this worker gets no turn.
	stalledUntil time.Duration
}

// peer is the gateway's side of a client's connection.
type peer struct {
	*clients.Client
	conn *play.Client // nil before it has connected
	// What a faulty loop knows of it: what was not passed on, how often it has authenticated, whether it is in MULTI.
	sent   play.Requests
	auths  int
	queues bool
}

// makeGate makes one of several.
func (w *world) makeGate(number, of int) *gate {
	g := &gate{w: w, number: number}
	w.makeUsers(g)
	env := worker.Env{
		View: func(int) *topology.View {
			g.view = w.control.Shown()
			return g.view
		},
		Users:   func(int) *access.Users { return g.users },
		Config:  g.newest,
		Report:  func(_ int, r topology.Report) { w.reported(r) },
		Settled: g.settledAt,
		Acked:   func(_ int, node topology.NodeID, n int) { w.control.Acked(node, n) },
		Admin:   func(admin.Request) {},
		Held:    w.hold,
		Unblock: func(_ int, addr string, client int64) { w.Unblock(addr, client) },
		ClientNumber: func() int64 {
			w.numbers++
			return w.numbers
		},
		WallClock: func() time.Time { return control.Wall(w.Now) },
	}
	if w.Options.Bug == scenario.TrustCursor {
		env.Print = func(uint64, int) uint32 { return 1 }
	}
	w.countListeners(&env)
	g.memory = w.memoryBound(number, of)
	conf := g.configuration(w.initial())
	g.acks = []acksFrom{{level: w.Options.Acks.Level}}
	g.settled = make([]uint64, len(conf.Services))
	g.Loop = play.New(*conf, env, g, func(format string, args ...any) {
		w.Ledger.Fail("worker %d: %s", number, fmt.Sprintf(format, args...))
	})
	g.Now, g.TLS = 0, true
	return g
}

// round is one turn of the loop: what came in, and what the worker wants done.
func (g *gate) round() {
	w := g.w
	if w.Now < g.stalledUntil {
		return
	}
	g.Tick(w.Now)
	g.meet()
	g.connect()
	for _, l := range g.lanes {
		if l != nil {
			g.serveLane(l)
		}
	}
	for _, c := range g.peers {
		g.serveClient(c)
	}
	if w.drains() {
		g.drain()
	}
	g.Round()
}

// settledAt tells the control plane when all services have left the demoted primaries of a view.
func (g *gate) settledAt(service int, epoch uint64) {
	g.settled[service] = epoch
	if slices.Min(g.settled) == epoch {
		g.w.control.Settled(g.number, epoch)
	}
}

// meet takes on the clients that have come since, of which some are this worker's.
func (g *gate) meet() {
	for ; g.met < len(g.w.clients.Clients); g.met++ {
		if c := g.w.clients.Clients[g.met]; c.Worker == g.number {
			g.peers = append(g.peers, &peer{Client: c})
		}
	}
}

// stall keeps the thread of this worker from running for d.
func (g *gate) stall(d time.Duration) {
	g.stalledUntil = g.w.Now + d
	g.w.Tracef("worker %d stalls until %v", g.number, g.stalledUntil)
}

// heal ends what is wrong with the thread and with the sockets of this worker.
func (g *gate) heal() {
	g.stalledUntil = 0
	for _, l := range g.lanes {
		if l != nil {
			l.room = 100 << 10
		}
	}
}

// overLimits is how many clients this worker has closed since they were over a limit.
func (g *gate) overLimits() uint64 {
	closed := g.Worker.Stats().ClientsClosed
	return closed[session.HalfReply] + closed[session.OutputLimit] + closed[session.QueryLimit] +
		closed[session.MemoryLimit]
}

// connect opens the clients whose time has come and ends dials.
func (g *gate) connect() {
	w := g.w
	for _, c := range g.peers {
		if c.WantsIn() && g.view != nil {
			c.conn = g.Open(g.listener(c))
			c.Connected()
			for int(c.conn.ID) >= len(g.byID) {
				g.byID = append(g.byID, nil)
			}
			g.byID[c.conn.ID] = c
			w.Tracef("client %d connects as %d", c.Number, c.conn.ID)
		}
	}
	for _, l := range g.lanes {
		if l == nil || l.open || l.Gone || w.Now < l.dialAt {
			continue
		}
		if !l.Reached() {
			w.Tracef("lane %v cannot reach %s", l, l.Node.Addr)
			g.endLane(l)
			g.Lose(l.id, worker.DialFailed)
			continue
		}
		if l.runID != "" && l.runID != l.Node.RunID && w.Options.Bug != scenario.NoFence {
			w.Tracef("lane %v meets another run of %s", l, l.Node.Addr)
			g.endLane(l)
			g.Lose(l.id, worker.OtherRun)
			continue
		}
		if w.Options.Bug != scenario.NoKill && l.killIn == l.Node.RunID {
			l.Node.EndClients(l.kill)
		}
		l.open = true
		l.Accept()
		w.Tracef("lane %v open to %s", l, l.Node.Addr)
		g.Connected(l.id, upstream.Greeting{Client: l.Client, RunID: l.Node.RunID, OwnOffset: !w.OldWait()})
	}
}

// epoch is that of the view that the worker has; 0 for none.
func (g *gate) epoch() uint64 {
	if g.view == nil {
		return 0
	}
	return g.view.Epoch
}

// serveLane gives the worker what came from a node, and goes on writing.
func (g *gate) serveLane(l *lane) {
	w := g.w
	if !l.open {
		return
	}
	if c := g.Conn(l.id); c.Full() && !l.Dead && l.ToNode.Size < l.room {
		g.Flush(c)
	}
	if !g.Conn(l.id).Stopped && w.Rnd.IntN(4) > 0 && !w.Cut(network.Gateway, l.Node.Place()) {
		if b := l.Take(w.Piece(), g.epoch()); len(b) > 0 {
			to := l.id
			if other := g.anyOpenLane(); w.Options.Bug == scenario.WrongLane && w.Rnd.IntN(50) == 0 && other != nil {
				to = other.id
			}
			if l.blocking && w.Options.Bug == scenario.RetryAnswered && bytes.HasPrefix(b, []byte("*2")) {
				g.endLane(l)
				g.Lose(l.id, worker.PeerClosed)
				return
			}
			if l.unsaid > 0 { // only a faulty loop has not told of it
				g.Worker.ConnWrote(l.id, l.unsaid)
				l.unsaid = 0
			}
			g.FromServer(to, b)
		}
	}
	ends := l.Dead && w.Now >= l.DeadAt && (l.ToGate.Size == 0 || w.Rnd.IntN(3) == 0)
	if ends && w.Options.Bug != scenario.NoLaneClosed {
		w.Tracef("lane %v is closed by %s", l, l.Node.Addr)
		g.endLane(l)
		g.Lose(l.id, worker.PeerClosed)
	}
}

func (g *gate) anyOpenLane() *lane {
	for _, l := range g.lanes {
		if l != nil && l.open && !l.Dead && g.w.Rnd.IntN(2) == 0 {
			return l
		}
	}
	return nil
}

// endLane closes the gateway's side.
func (g *gate) endLane(l *lane) {
	if g.lanes[l.id] == l {
		g.lanes[l.id] = nil
	}
	l.open = false
	l.Close()
}

// serveClient gives the worker what came from a client, and goes on writing.
func (g *gate) serveClient(c *peer) {
	w := g.w
	if c.Gone || !c.Open && !c.Hung {
		return
	}
	if c.conn.Full() && c.Open && c.ToMe.Size < w.clientSocket {
		g.FlushClient(c.conn)
	}
	unread := c.conn.Full() && w.Options.Bug == scenario.StopUnread
	if !unread && (!c.conn.Stopped || c.Shut) { // the loop is told, and reads it to its end
		if b := c.ToGate.Take(w.Now, w.Piece()); len(b) > 0 {
			g.read(c, b)
			return
		}
	}
	if c.Shut && !c.conn.HalfClosed && !c.Hung && c.ToGate.Size == 0 {
		if w.Options.Bug == scenario.LeaveHalfClosed {
			c.Closed()
			g.Leave(c.conn.ID)
			return
		}
		g.HalfClose(c.conn.ID)
	}
	if c.Hung && (c.ToGate.Size == 0 || w.Rnd.IntN(3) == 0) {
		w.Tracef("the gateway sees that client %d left", c.Number)
		c.Closed()
		g.Leave(c.conn.ID)
	}
}

// Closed closes a lane that the worker has given up.
func (g *gate) Closed(_ worker.ConnID, c *play.Conn) {
	if c != nil {
		l := g.lanes[c.Conn]
		g.w.Tracef("the gateway closes lane %v", l)
		g.endLane(l)
	}
}

// ClientClosed closes the connection of a client.
func (g *gate) ClientClosed(c *play.Client) {
	g.w.Tracef("the gateway closes client %d", g.byID[c.ID].Number)
	g.byID[c.ID].Closed()
}

// Reading is of no matter: the loop knows what is not to be read.
func (g *gate) Reading(worker.Reading) {}

// Dial begins to connect.
func (g *gate) Dial(c *play.Conn) {
	w, d := g.w, &c.Dial
	for int(d.Conn) >= len(g.lanes) {
		g.lanes = append(g.lanes, nil)
	}
	conn := w.Dial(d.Addr, fmt.Sprintf("%d.%d", g.number, d.Conn), d.Proto, d.ReadOnly)
	if w.Options.Bug != scenario.WrongDatabase {
		conn.DB = d.DB
	}
	l := &lane{id: d.Conn, Conn: conn,
		room: 10<<10 + w.Rnd.IntN(100<<10), runID: d.RunID, kill: d.Kill, killIn: d.KillIn}
	if w.Rnd.IntN(3) == 0 && !w.Calm && !w.Options.Planned {
		l.room = 1 + w.Rnd.IntN(500)
	}
	l.dialAt = w.Now + w.Between(0, 3*time.Millisecond)
	g.lanes[d.Conn] = l
	w.Tracef("dial %s as lane %v, RESP%d, read only %v", d.Addr, l, d.Proto, d.ReadOnly)
}

// ToServer takes what the network has room for.
func (g *gate) ToServer(c *play.Conn, b []byte) int {
	w, l := g.w, g.lanes[c.Conn]
	if w.Options.Bug == scenario.ResendSent && l.unsaid == len(b) && len(l.accepted) > 0 {
		l.unsaid = 0 // half a command is never answered
		return len(b)
	}
	l.unsaid = min(l.unsaid, len(b)) // the worker took back what it thinks was not written
	all := len(b)
	b = b[l.unsaid:]
	room := max(l.room-l.ToNode.Size, 0)
	if l.Dead {
		room = len(b) // the kernel takes bytes for a connection whose end it does not know yet
	}
	n := min(len(b), room)
	if !l.Dead && n > 0 {
		w.Send(&l.ToNode, b[:n])
		if w.Options.Bug == scenario.WriteTwice && w.Rnd.IntN(50) == 0 {
			w.Send(&l.ToNode, b[:n])
		}
	}
	l.accepted = frames(append(l.accepted, b[:n]...), func(args [][]byte) {
		if args == nil {
			w.Ledger.Fail("what lane %v was sent is no command", l)
		} else {
			l.handedOver(w.Ledger, args)
			if w.judge != nil {
				w.judge.Sent(g.number, g.view, l.Conn, args)
			}
		}
	})
	switch w.Options.Bug {
	case scenario.ResendSent:
		l.unsaid += n
		return 0
	case scenario.WroteAll:
		return all
	}
	return n
}

// ToClient takes what the client's socket has room for.
func (g *gate) ToClient(conn *play.Client, b []byte) int {
	w, c := g.w, g.byID[conn.ID]
	n := min(len(b), max(w.clientSocket-c.ToMe.Size, 0))
	if c.Hung {
		n = len(b)
	}
	c.Wrote(n)
	switch {
	case n == 0:
	case w.Options.Bug == scenario.WrongClient && w.Rnd.IntN(50) == 0:
		w.Send(&w.clients.Clients[w.Rnd.IntN(len(w.clients.Clients))].ToMe, b[:n])
	default:
		g.misnotify(c, b[:n])
	}
	return n
}

// clientsOf is CLIENT LIST.
func clientsOf(w *worker.Worker) []byte {
	r := &admin.Request{Kind: admin.ListClients, Services: []int{0}}
	return r.Reply([]admin.Partial{w.Admin(r)})
}
