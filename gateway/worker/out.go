package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/upstream"
)

// Out is what the loop must do at the end of a round, in the order CloseLanes, Dials, Read, Lanes, Clients,
// CloseClients. It is valid until the next call of Out.
type Out struct {
	upstream.Out
	exchange.ClientOut
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

// Out ends a round: sessions that can go on run first. What comes up while the loop does what it says is in the next.
func (w *Worker) Out() *Out {
	for !w.clock.Idle() || w.pool.Parting() {
		w.runReady()
		w.pool.Part()
	}
	w.x.WriteGathered()
	w.shown.Out, w.shown.ClientOut, w.shown.Read = *w.pool.Turn(), *w.x.Turn(), w.shown.Read[:0]
	for _, r := range w.shown.ReadConns {
		w.shown.Read = append(w.shown.Read, Reading{Lane: true, LaneID: r.Conn, On: r.On})
	}
	for _, r := range w.shown.ReadClients {
		w.shown.Read = append(w.shown.Read, Reading{Client: r.Client, On: r.On})
	}
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

// ClientBytes returns the bytes to write to a client next; empty when there are none. They are valid until the next
// call of any method.
func (w *Worker) ClientBytes(id uint32) []byte { return w.x.ClientBytes(id) }

// ClientWrote says that the kernel took n bytes.
func (w *Worker) ClientWrote(id uint32, n int) { w.x.ClientWrote(id, n) }

// ClientClosed says that a client has left. What it sent and was not begun is forgotten.
func (w *Worker) ClientClosed(id uint32) { w.x.ClientClosed(id) }

// Clients is the number of connected clients.
func (w *Worker) Clients() int { return w.x.Clients() }

// runReady runs the sessions that were waiting and may now go on. Those that become ready meanwhile have their turn in
// the next pass.
func (w *Worker) runReady() {
	for _, who := range w.clock.Turn() {
		if c := w.x.Take(who); c != nil {
			w.resume(c)
		}
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
