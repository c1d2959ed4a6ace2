package sim

import (
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/topology"
)

// gate is one worker of the gateway with the fake loop around it: its lanes, its clients, the view it has seen.
type gate struct {
	w      *world
	number int
	worker *worker.Worker
	view   *topology.View // as the worker has seen it
	lanes  []*lane        // by id: the gateway's side
	byID   []*client
	// stalledUntil: until then the thread of this worker gets no turn.
	stalledUntil time.Duration
}

func (w *world) makeGate(number int, outputMax int) *gate {
	g := &gate{w: w, number: number}
	hold := worker.Hold{Mode: worker.HoldFor, Window: w.holdMax()}
	env := worker.Env{
		View: func(int) *topology.View {
			g.view = w.published()
			return g.view
		},
		Report:  func(_ int, r topology.Report) { w.reported(r) },
		Settled: func(_ int, epoch uint64) { w.settled(g, epoch) },
		Acked:   func(_ int, node topology.NodeID, n int) { w.acked(node, n) },
		Admin:   func(admin.Request) {},
		ClientNumber: func() int64 {
			w.numbers++
			return w.numbers
		},
		Allowed:   func(int, []byte, []byte) bool { return true },
		WallClock: func() time.Time { return time.Unix(0, int64(w.now)) },
	}
	w.countListeners(&env)
	g.worker = worker.New(worker.Config{
		Services: []worker.Service{{Name: "main", Reads: w.o.Reads, Hold: hold, CloseOnGap: w.o.CloseOnGap}},
		Limits:   resp.DefaultLimits(), QueryBytesMax: 64 << 20, OutputBytesMax: outputMax,
		Seed: w.o.Seed + uint64(number),
	}, env)
	return g
}

// round is one turn of the fake loop: what came in, and what the worker wants done.
func (g *gate) round() {
	w := g.w
	if w.now < g.stalledUntil {
		return
	}
	g.worker.Tick(w.now)
	g.connect()
	for _, l := range g.lanes {
		if l != nil {
			g.serveLane(l)
		}
	}
	for _, c := range w.clients {
		if c.gate == g {
			g.serveClient(c)
		}
	}
	if w.drains() {
		g.worker.Drain()
	}
	g.obey(g.worker.Out())
	if err := g.worker.Check(); err != nil {
		w.ledger.fail("the state of a worker: %v", err)
	}
}

// connect opens the clients whose time has come and ends dials.
func (g *gate) connect() {
	w := g.w
	for _, c := range w.clients {
		if c.gate == g && !c.open && !c.gone && !c.hung && w.now >= c.nextAt && !w.drains() && g.view != nil {
			c.id = g.worker.ClientOpened(0, "client", "gateway")
			c.open = true
			for int(c.id) >= len(g.byID) {
				g.byID = append(g.byID, nil)
			}
			if other := g.byID[c.id]; other != nil && !other.gone {
				w.ledger.fail("client %d got the number of client %d, which is still connected", c.number, other.number)
			}
			g.byID[c.id] = c
			w.tracef("client %d connects as %d", c.number, c.id)
		}
	}
	for _, l := range g.lanes {
		if l == nil || l.open || l.gone || w.now < l.dialAt {
			continue
		}
		if !w.dialled(l) {
			w.tracef("lane %v cannot reach %s", l, l.node.addr)
			g.lanes[l.id], l.gone = nil, true
			g.worker.LaneClosed(l.id, worker.DialFailed)
			continue
		}
		if l.runID != "" && l.runID != l.node.runID && w.o.Bug != NoFence {
			w.tracef("lane %v meets another run of %s", l, l.node.addr)
			g.lanes[l.id], l.gone = nil, true
			g.worker.LaneClosed(l.id, worker.OtherRun)
			continue
		}
		if w.o.Bug != NoKill && l.killIn == l.node.runID {
			l.node.endClients(l.kill)
		}
		w.lastClient++
		l.client = w.lastClient
		l.open, l.served, l.openedAt = true, true, w.now
		w.sockets = append(w.sockets, l)
		w.tracef("lane %v open to %s", l, l.node.addr)
		g.worker.LaneOpened(l.id, worker.Met{Client: l.client, RunID: l.node.runID})
	}
}

// serveLane gives the worker what came from a node, and goes on writing.
func (g *gate) serveLane(l *lane) {
	w := g.w
	if !l.open {
		return
	}
	if l.stuck && !l.dead && l.toNode.size < l.room {
		g.writeLane(l)
	}
	if !l.quiet && w.rnd.IntN(4) > 0 && !w.cut(gateway, l.node.place()) {
		if b := l.toGate.take(w.now, w.piece()); len(b) > 0 {
			to := l.id
			if other := g.anyOpenLane(); w.o.Bug == WrongLane && w.rnd.IntN(50) == 0 && other != nil {
				to = other.id
			}
			l.read(len(b))
			g.worker.LaneWrote(l.id, l.unsaid)
			l.unsaid = 0
			g.worker.LaneRead(to, b)
		}
	}
	if l.dead && w.now >= l.deadAt && (l.toGate.size == 0 || w.rnd.IntN(3) == 0) && w.o.Bug != NoLaneClosed {
		w.tracef("lane %v is closed by %s", l, l.node.addr)
		g.endLane(l)
		g.worker.LaneClosed(l.id, worker.PeerClosed)
	}
}

func (g *gate) anyOpenLane() *lane {
	for _, l := range g.lanes {
		if l != nil && l.open && !l.dead && g.w.rnd.IntN(2) == 0 {
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
	l.open, l.gone = false, true
	l.toGate = pipe{}
}

// serveClient gives the worker what came from a client, and goes on writing.
func (g *gate) serveClient(c *client) {
	w := g.w
	if c.gone || !c.open && !c.hung {
		return
	}
	if c.stuck && c.open && c.toMe.size < w.clientSocket {
		g.writeClient(c)
	}
	if c.gone {
		return
	}
	if !c.quiet || c.shut { // the loop is told, and reads it to its end
		if b := c.toGate.take(w.now, w.piece()); len(b) > 0 {
			g.worker.ClientRead(c.id, b)
			return
		}
	}
	if c.shut && !c.told && !c.hung && c.toGate.size == 0 {
		c.told = true
		g.worker.ClientEnded(c.id)
	}
	if c.hung && (c.toGate.size == 0 || w.rnd.IntN(3) == 0) {
		w.tracef("the gateway sees that client %d left", c.number)
		c.gone = true
		g.worker.ClientClosed(c.id)
	}
}

// obey does what the worker wants, in the order that the worker asks for.
func (g *gate) obey(out *worker.Out) {
	w := g.w
	for _, id := range out.CloseLanes {
		if int(id) < len(g.lanes) && g.lanes[id] != nil {
			w.tracef("the gateway closes lane %v", g.lanes[id])
			g.endLane(g.lanes[id])
		}
	}
	for _, d := range out.Dials {
		g.dial(d)
	}
	for _, r := range out.Read {
		switch {
		case r.Lane && g.lanes[r.LaneID] != nil:
			g.lanes[r.LaneID].quiet = !r.On
		case !r.Lane:
			g.byID[r.Client].quiet = !r.On
		}
	}
	for _, id := range out.Lanes {
		if l := g.lanes[id]; l != nil && l.open && !l.stuck {
			g.writeLane(l)
		}
	}
	for _, id := range out.Clients {
		if c := g.byID[id]; !c.gone && !c.stuck {
			g.writeClient(c)
		}
	}
	for _, id := range out.CloseClients {
		c := g.byID[id] // it may have left in this round
		w.tracef("the gateway closes client %d", c.number)
		c.gone = true
	}
}

func (g *gate) dial(d worker.Dial) {
	w := g.w
	for int(d.Lane) >= len(g.lanes) {
		g.lanes = append(g.lanes, nil)
	}
	if g.lanes[d.Lane] != nil {
		w.ledger.fail("lane %d was dialled while it was there", d.Lane)
	}
	l := &lane{id: d.Lane, gate: g, proto: d.Proto, readOnly: d.ReadOnly, room: 10<<10 + w.rnd.IntN(100<<10),
		runID: d.RunID, kill: d.Kill, killIn: d.KillIn}
	if w.rnd.IntN(3) == 0 && !w.calm && !w.o.Planned {
		l.room = 1 + w.rnd.IntN(500)
	}
	for _, n := range w.nodes {
		if n.addr == d.Addr {
			l.node = n
		}
	}
	l.dialAt = w.now + w.between(0, 3*time.Millisecond)
	g.lanes[d.Lane] = l
	w.tracef("dial %s as lane %v, RESP%d, read only %v", d.Addr, l, d.Proto, d.ReadOnly)
}

// writeLane writes what the network has room for.
func (g *gate) writeLane(l *lane) {
	w := g.w
	b := g.worker.LaneBytes(l.id)
	if w.o.Bug == ResendSent && l.unsaid == len(b) && len(l.accepted) > 0 { // half a command is never answered
		g.worker.LaneWrote(l.id, l.unsaid)
		b, l.unsaid = g.worker.LaneBytes(l.id), 0
	}
	l.unsaid = min(l.unsaid, len(b)) // the worker took back what it thinks was not written
	b = b[l.unsaid:]
	if len(b) == 0 {
		l.stuck = l.unsaid > 0
		return
	}
	room := max(l.room-l.toNode.size, 0)
	if l.dead {
		room = len(b) // the kernel takes bytes for a connection whose end it does not know yet
	}
	n := min(len(b), room)
	l.stuck = n < len(b)
	if !l.dead {
		w.send(&l.toNode, b[:n])
		if w.o.Bug == WriteTwice && w.rnd.IntN(50) == 0 {
			w.send(&l.toNode, b[:n])
		}
	}
	l.accepted = frames(append(l.accepted, b[:n]...), func(args [][]byte) {
		if args == nil {
			w.ledger.fail("what lane %v was sent is no command", l)
		} else {
			l.handedOver(args)
			if w.judge != nil {
				w.judge.sent(g, l, args)
			}
		}
	})
	switch w.o.Bug {
	case ResendSent:
		l.unsaid += n
		l.stuck = true
	case WroteAll:
		g.worker.LaneWrote(l.id, len(b))
	default:
		g.worker.LaneWrote(l.id, n)
		if n == len(b) {
			l.stuck = true // there may be another block: ask again
		}
	}
}

// writeClient writes what the client's socket has room for.
func (g *gate) writeClient(c *client) {
	w := g.w
	b := g.worker.ClientBytes(c.id)
	n := min(len(b), max(w.clientSocket-c.toMe.size, 0))
	if c.hung {
		n = len(b)
	}
	c.stuck = n < len(b)
	to := c
	if w.o.Bug == WrongClient && w.rnd.IntN(50) == 0 {
		to = w.clients[w.rnd.IntN(len(w.clients))]
	}
	if n > 0 {
		w.send(&to.toMe, b[:n])
		g.worker.ClientWrote(c.id, n)
	}
}
