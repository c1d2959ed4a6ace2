package worker

import (
	"slices"

	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Out is what the loop must do at the end of a round, in the order CloseLanes, Dials, Read, Lanes, Clients,
// CloseClients. It is valid until the next call of Out.
type Out struct {
	upstream.Out
	// Clients have bytes to write: ask ClientBytes, say ClientWrote.
	Clients []uint32
	// CloseClients are to be closed now; nothing more is said of them.
	CloseClients []uint32
	// Read switches reading on or off, in order: of lanes, then of clients.
	Read []Reading
}

// Reading switches reading from a client or a lane on or off.
type Reading struct {
	Lane   bool // the id is a lane's
	Client uint32
	LaneID upstream.ConnID
	On     bool
}

func (o *Out) empty() bool {
	return o.Out.Empty() && len(o.Clients)+len(o.CloseClients)+len(o.Read) == 0
}

func (o *Out) reset() {
	o.Out = upstream.Out{}
	o.Clients, o.CloseClients, o.Read = o.Clients[:0], o.CloseClients[:0], o.Read[:0]
}

// Out ends a round: sessions that can go on run first. What comes up while the loop does what it says is in the next.
func (w *Worker) Out() *Out {
	for !w.clock.Idle() || w.pool.Parting() {
		w.runReady()
		w.pool.Part()
	}
	w.writeGathered()
	w.out, w.shown = w.shown, w.out
	w.out.reset()
	w.shown.Out = *w.pool.Turn()
	for i, r := range w.shown.ReadConns {
		w.shown.Read = slices.Insert(w.shown.Read, i, Reading{Lane: true, LaneID: r.Conn, On: r.On})
	}
	// The number of a client that left is free when the loop has closed the connection: until then an event of the old
	// one must not be taken for one of the new.
	w.free = append(w.free, w.freed[1]...)
	w.freed[0], w.freed[1] = w.freed[1][:0], w.freed[0]
	return &w.shown
}

// LaneBytes returns the bytes to write to a server next; empty when there are none, or not yet: Out names the
// connection again then. They are valid until the next call of any method.
func (w *Worker) LaneBytes(id upstream.ConnID) []byte { return w.pool.Bytes(id) }

// LaneWrote says that the kernel took n bytes.
func (w *Worker) LaneWrote(id upstream.ConnID, n int) { w.pool.Wrote(id, n) }

// LaneOpened says that a connection was made and greeted.
func (w *Worker) LaneOpened(id upstream.ConnID, met upstream.Greeting) { w.pool.Opened(id, met) }

// LaneClosed says that a connection ended, or could not be made.
func (w *Worker) LaneClosed(id upstream.ConnID, why upstream.LostReason) { w.pool.Closed(id, why) }

// runReady runs the sessions that were waiting and may now go on. Those that become ready meanwhile have their turn in
// the next pass.
func (w *Worker) runReady() {
	for _, who := range w.clock.Turn() {
		c := w.client(who)
		if c == nil || !c.Take() {
			continue
		}
		w.unpark(c)
		w.resume(c)
	}
}

// ClientBytes returns the bytes to write to a client next; empty when there are none. They are valid until the next
// call of any method.
func (w *Worker) ClientBytes(id uint32) []byte {
	c := w.clients[id]
	if c == nil {
		return nil
	}
	c.due = notDue
	return c.Output.Bytes()
}

// ClientWrote says that the kernel took n bytes.
func (w *Worker) ClientWrote(id uint32, n int) {
	c := w.clients[id]
	if c == nil {
		return
	}
	c.Output.Wrote(w.blocks, n)
	c.tookAt = w.clock.Now
	w.stats.ClientOutBytes += uint64(n)
	w.drained(c)
}

// drained goes on with what waited for a client to read: its own requests, a lane that was stopped for it, its end.
func (w *Worker) drained(c *client) {
	if c.Output.Len() < streamLow {
		for i := range c.flights {
			if l := c.flights[i].lane; w.streamsTo(l, c) {
				w.pool.Read(l, true)
				l.StoppedAt = 0
			}
		}
	}
	w.tunnelDrained(c)
	if c.Reason == wait.OwedTooMuch && w.owesLittle(c) {
		w.wake(c)
	}
	w.finished(c)
}

func (w *Worker) dirtyClient(c *client) {
	if c.due != dueNow {
		c.due = dueNow
		w.out.Clients = append(w.out.Clients, c.ref.ID)
	}
}

// pause stops or resumes reading from a client.
func (w *Worker) pause(c *client, stop bool) {
	if c.paused != stop && !c.HalfClosed {
		c.paused = stop
		w.out.Read = append(w.out.Read, Reading{Client: c.ref.ID, On: !stop})
	}
}

// LaneID and the ends of a connection that a loop can see, so that loops need know no other room.
type (
	LaneID     = upstream.ConnID
	LostReason = upstream.LostReason
)

const (
	PeerClosed = upstream.PeerClosed
	DialFailed = upstream.DialFailed
	OtherRun   = upstream.OtherRun
)
