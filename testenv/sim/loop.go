package sim

import (
	"time"

	"evergate/gateway/worker"
)

// round is one turn of the fake loop: what came in, what the worker wants done, and everybody else's turn.
func (w *world) round() {
	w.advance()
	w.publish()
	w.w.Tick(w.now)
	w.connect()
	for _, l := range w.lanes {
		if l != nil {
			w.serveLane(l)
		}
	}
	for _, c := range w.clients {
		w.serveClient(c)
	}
	if w.drains() {
		w.w.Drain()
	}
	w.obey(w.w.Out())
	for _, n := range w.nodes {
		n.replicate()
	}
	w.serveSockets()
	for _, c := range w.clients {
		c.play()
	}
}

// advance moves the clock: usually a little, when it is calm to what happens next.
func (w *world) advance() {
	switch w.rnd.IntN(20) {
	case 0:
		w.now += w.between(0, 80*time.Millisecond)
	case 1, 2, 3:
		w.now += w.between(0, 5*time.Millisecond)
	default:
		w.now += w.between(0, 400*time.Microsecond)
	}
	if w.calm {
		w.now += time.Millisecond
	}
}

// connect opens the clients whose time has come and ends dials.
func (w *world) connect() {
	for _, c := range w.clients {
		if !c.open && !c.gone && !c.hung && w.now >= c.nextAt && !w.drains() {
			c.id = w.w.ClientOpened(0, "client", "gateway")
			c.open = true
			for int(c.id) >= len(w.byID) {
				w.byID = append(w.byID, nil)
			}
			if other := w.byID[c.id]; other != nil && !other.gone {
				w.ledger.fail("client %d got the number of client %d, which is still connected", c.number, other.number)
			}
			w.byID[c.id] = c
			w.tracef("client %d connects as %d", c.number, c.id)
		}
	}
	for _, l := range w.lanes {
		if l == nil || l.open || l.gone || w.now < l.dialAt {
			continue
		}
		if !l.node.alive || w.now < l.node.frozenUntil && w.rnd.IntN(2) == 0 {
			w.tracef("lane %d cannot reach %s", l.id, l.node.addr)
			w.lanes[l.id], l.gone = nil, true
			w.w.LaneClosed(l.id, worker.DialFailed)
			continue
		}
		l.open, l.served = true, true
		w.sockets = append(w.sockets, l)
		w.tracef("lane %d open to %s", l.id, l.node.addr)
		w.w.LaneOpened(l.id)
	}
}

// serveLane gives the worker what came from a node, and goes on writing.
func (w *world) serveLane(l *lane) {
	if !l.open {
		return
	}
	if l.stuck && !l.dead && l.toNode.size < l.room {
		w.writeLane(l)
	}
	if !l.quiet && w.rnd.IntN(4) > 0 {
		if b := l.toGate.take(w.now, w.piece()); len(b) > 0 {
			to := l.id
			if other := w.anyOpenLane(); w.o.Bug == WrongLane && w.rnd.IntN(50) == 0 && other != nil {
				to = other.id
			}
			w.w.LaneRead(to, b)
		}
	}
	if l.dead && w.now >= l.deadAt && (l.toGate.size == 0 || w.rnd.IntN(3) == 0) && w.o.Bug != NoLaneClosed {
		w.tracef("lane %d is closed by %s", l.id, l.node.addr)
		w.endLane(l)
		w.w.LaneClosed(l.id, worker.PeerClosed)
	}
}

// piece is how much one read returns: mostly all, sometimes a few bytes.
func (w *world) piece() int {
	switch w.rnd.IntN(6) {
	case 0:
		return 1 + w.rnd.IntN(8)
	case 1:
		return 1 + w.rnd.IntN(300)
	}
	return 64 << 10
}

func (w *world) anyOpenLane() *lane {
	for _, l := range w.lanes {
		if l != nil && l.open && !l.dead && w.rnd.IntN(2) == 0 {
			return l
		}
	}
	return nil
}

// endLane closes the gateway's side.
func (w *world) endLane(l *lane) {
	if w.lanes[l.id] == l {
		w.lanes[l.id] = nil
	}
	l.open, l.gone = false, true
	l.toGate = pipe{}
}

// serveClient gives the worker what came from a client, and goes on writing.
func (w *world) serveClient(c *client) {
	if c.gone || !c.open && !c.hung {
		return
	}
	if c.stuck && c.open && c.toMe.size < w.clientSocket {
		w.writeClient(c)
	}
	if c.gone {
		return
	}
	if !c.quiet {
		if b := c.toGate.take(w.now, w.piece()); len(b) > 0 {
			w.w.ClientRead(c.id, b)
			return
		}
	}
	if c.hung && (c.toGate.size == 0 || w.rnd.IntN(3) == 0) {
		w.tracef("the gateway sees that client %d left", c.number)
		c.gone = true
		w.w.ClientClosed(c.id)
	}
}

// obey does what the worker wants, in the order that the worker asks for.
func (w *world) obey(out *worker.Out) {
	for _, id := range out.CloseLanes {
		if int(id) < len(w.lanes) && w.lanes[id] != nil {
			w.tracef("the gateway closes lane %d", id)
			w.endLane(w.lanes[id])
		}
	}
	for _, d := range out.Dials {
		w.dial(d)
	}
	for _, r := range out.Read {
		switch {
		case r.Lane && w.lanes[r.LaneID] != nil:
			w.lanes[r.LaneID].quiet = !r.On
		case !r.Lane:
			w.byID[r.Client].quiet = !r.On
		}
	}
	for _, id := range out.Lanes {
		if l := w.lanes[id]; l != nil && l.open && !l.stuck {
			w.writeLane(l)
		}
	}
	for _, id := range out.Clients {
		if c := w.byID[id]; !c.gone && !c.stuck {
			w.writeClient(c)
		}
	}
	for _, id := range out.CloseClients {
		c := w.byID[id] // it may have left in this round
		w.tracef("the gateway closes client %d", c.number)
		c.gone = true
	}
}

func (w *world) dial(d worker.Dial) {
	for int(d.Lane) >= len(w.lanes) {
		w.lanes = append(w.lanes, nil)
	}
	if w.lanes[d.Lane] != nil {
		w.ledger.fail("lane %d was dialled while it was there", d.Lane)
	}
	l := &lane{id: d.Lane, proto: d.Proto, readOnly: d.ReadOnly, room: 10<<10 + w.rnd.IntN(100<<10)}
	if w.rnd.IntN(3) == 0 && !w.calm {
		l.room = 1 + w.rnd.IntN(500)
	}
	for _, n := range w.nodes {
		if n.addr == d.Addr {
			l.node = n
		}
	}
	l.dialAt = w.now + w.between(0, 3*time.Millisecond)
	w.lanes[d.Lane] = l
	w.tracef("dial %s as lane %d, RESP%d, read only %v", d.Addr, d.Lane, d.Proto, d.ReadOnly)
}

// writeLane writes what the network has room for.
func (w *world) writeLane(l *lane) {
	if w.o.Bug == LateWrote {
		w.w.LaneWrote(l.id, l.unsaid)
		l.unsaid = 0
	}
	b := w.w.LaneBytes(l.id)
	if len(b) == 0 {
		l.stuck = false
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
			w.ledger.fail("what lane %d was sent is no command", l.id)
		} else {
			w.ledger.handed(args)
		}
	})
	switch w.o.Bug {
	case LateWrote:
		l.unsaid = n
		l.stuck = true
	case WroteAll:
		w.w.LaneWrote(l.id, len(b))
	default:
		w.w.LaneWrote(l.id, n)
		if n == len(b) {
			l.stuck = true // there may be another block: ask again
		}
	}
}

// writeClient writes what the client's socket has room for.
func (w *world) writeClient(c *client) {
	b := w.w.ClientBytes(c.id)
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
		w.w.ClientWrote(c.id, n)
	}
}

// serveSockets lets the nodes work on their connections.
func (w *world) serveSockets() {
	kept := w.sockets[:0]
	for _, l := range w.sockets {
		n := l.node
		if l.served && n.alive && w.now >= n.frozenUntil {
			n.serve(l)
		}
		if l.gone && l.toNode.size == 0 { // the node reads the end
			l.served = false
		}
		if l.served || !l.gone {
			kept = append(kept, l)
		}
	}
	clear(w.sockets[len(kept):])
	w.sockets = kept
}
