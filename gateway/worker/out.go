package worker

import (
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Out is what the loop must do at the end of a round, in the order CloseConns, Dials, Read, Conns, Clients,
// CloseClients. It is valid until the next call of Out.
type Out struct {
	upstream.Out
	sessions.ClientOut
	// Read switches reading on or off, in order: of connections, then of clients.
	Read []Reading
}

// Reading switches reading from a client or a connection on or off.
type Reading struct {
	Conn   bool // the id is a connection's
	Client uint32
	ConnID upstream.ConnID
	On     bool
}

// Out ends a round: sessions that can go on run first. What comes up while the loop carries it out is in the next one.
func (w *Worker) Out() *Out {
	for w.x.Evict() || !w.clock.Idle() || w.pool.Parting() || w.throttle.Next() {
		w.runReady()
		w.pool.Part()
	}
	w.x.Hedge()
	w.pool.AskReplicas()
	w.x.WriteGathered()
	w.shown.Out, w.shown.ClientOut, w.shown.Read = *w.pool.Turn(), *w.x.Turn(), w.shown.Read[:0]
	for _, r := range w.shown.ReadConns {
		w.shown.Read = append(w.shown.Read, Reading{Conn: true, ConnID: r.Conn, On: r.On})
	}
	for _, r := range w.shown.ReadClients {
		w.shown.Read = append(w.shown.Read, Reading{Client: r.Client, On: r.On})
	}
	return &w.shown
}

// ConnBytes returns the bytes to write to a server next; empty when there are none, or not yet: Out names the
// connection again then. They are valid until the next call of any method.
func (w *Worker) ConnBytes(id upstream.ConnID) []byte { return w.pool.Bytes(id) }

// ConnWrote records that the kernel took n bytes.
func (w *Worker) ConnWrote(id upstream.ConnID, n int) { w.pool.Wrote(id, n) }

// ConnOpened records that a connection was made and greeted.
func (w *Worker) ConnOpened(id upstream.ConnID, met upstream.Greeting) { w.pool.Opened(id, met) }

// ConnClosed records that a connection ended, or could not be made.
func (w *Worker) ConnClosed(id upstream.ConnID, why upstream.LostReason) { w.pool.Closed(id, why) }

// ClientBytes returns the bytes to write to a client next; empty when there are none. They are valid until the next
// call of any method.
func (w *Worker) ClientBytes(id uint32) []byte { return w.x.ClientBytes(id) }

// ClientWrote records that the kernel took n bytes, and that the loop keeps so many bytes that it has encrypted and the
// kernel has not taken.
func (w *Worker) ClientWrote(id uint32, n, sealed int) {
	w.x.Sealed(id, sealed)
	if n == 0 {
		return
	}
	if w.throttle.Limits(id) {
		w.throttle.Wrote(id, n)
	}
	w.x.ClientWrote(id, n)
}

// ClientClosed records that a client has left. What it sent and was not begun is forgotten.
func (w *Worker) ClientClosed(id uint32) { w.x.ClientClosed(id) }

// Clients is the number of connected clients.
func (w *Worker) Clients() int { return w.x.Clients() }

// runReady runs the sessions that were blocked and may go on. Those that become ready meanwhile run in the next pass.
func (w *Worker) runReady() {
	for _, who := range w.clock.Turn() {
		if c := w.x.Take(who); c != nil {
			w.resume(c)
		}
	}
}

// ConnID and the ends of a connection that a loop can see, so that a loop needs no other room.
type (
	ConnID     = upstream.ConnID
	LostReason = upstream.LostReason
)

const (
	PeerClosed = upstream.PeerClosed
	DialFailed = upstream.DialFailed
	OtherRun   = upstream.OtherRun
	// NotAuthenticated: the server rejects the credentials of the user that the connection was for.
	NotAuthenticated = upstream.NotAuthenticated
)
