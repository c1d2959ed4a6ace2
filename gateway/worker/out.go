package worker

import (
	"errors"

	"evergate/gateway/backend"
	"evergate/gateway/wait"
)

// Out is what the loop must do at the end of a round, in the order CloseLanes, Dials, Read, Lanes, Clients,
// CloseClients. It is valid until the next call of Out.
type Out struct {
	// Lanes and Clients have bytes to write: ask LaneBytes and ClientBytes, say LaneWrote and ClientWrote.
	Lanes   []backend.LaneID
	Clients []uint32
	// Dials are connections to make; the answer is LaneOpened or LaneClosed.
	Dials []Dial
	// CloseLanes and CloseClients are to be closed now; nothing more is said of them.
	CloseLanes   []backend.LaneID
	CloseClients []uint32
	// Read switches reading on or off, in order.
	Read []Reading
}

// Dial is a connection to make.
type Dial struct {
	Lane    backend.LaneID
	Service int
	Addr    string
	Proto   uint8
	DB      int32
	// ReadOnly: say READONLY first, it is a replica of a cluster.
	ReadOnly bool
	// RunID is the run id that the server must have, or the dial fails with ErrOtherRun. Empty: any, or it does not tell.
	RunID string
	// Private: it is for one session, and may wait until others of its kind have been made.
	Private bool
	// Urgent: the server may be busy with a script, and answers nothing but what makes it stop. It is not asked who it is.
	Urgent bool
	// Kill are client ids to end there (CLIENT KILL ID) before anything else is said, if the server's run is KillIn.
	Kill   []int64
	KillIn string
}

// ErrOtherRun says that a dialled server has another run id than Dial.RunID: it restarted, or is another one.
var ErrOtherRun = errors.New("the server has another run id than the topology knows")

// Met is what a dial found out.
type Met struct {
	Client int64  // what the server calls the connection (CLIENT ID); 0 when it does not say
	RunID  string // the run of the server; empty when it does not say
	// OwnOffset: WAIT there counts only what its connection has written.
	OwnOffset bool
}

// Reading switches reading from a client or a lane on or off.
type Reading struct {
	Lane   bool // the id is a lane's
	Client uint32
	LaneID backend.LaneID
	On     bool
}

func (o *Out) empty() bool {
	return len(o.Lanes)+len(o.Clients)+len(o.Dials)+len(o.CloseLanes)+len(o.CloseClients)+len(o.Read) == 0
}

func (o *Out) reset() {
	o.Lanes, o.Clients, o.Dials = o.Lanes[:0], o.Clients[:0], o.Dials[:0]
	o.CloseLanes, o.CloseClients, o.Read = o.CloseLanes[:0], o.CloseClients[:0], o.Read[:0]
}

// Out ends a round: sessions that can go on run first. What comes up while the loop does what it says is in the next.
func (w *Worker) Out() *Out {
	for !w.clock.Idle() || len(w.parting) > 0 {
		w.runReady()
		w.part()
	}
	w.writeGathered()
	w.out, w.shown = w.shown, w.out
	w.out.reset()
	// The number of a client that left, or of a lane, is free when the loop has closed the connection: until then an
	// event of the old one must not be taken for one of the new.
	w.free = append(w.free, w.freed[1]...)
	w.freed[0], w.freed[1] = w.freed[1][:0], w.freed[0]
	w.freeLane = append(w.freeLane, w.freedLane[1]...)
	w.freedLane[0], w.freedLane[1] = w.freedLane[1][:0], w.freedLane[0]
	return &w.shown
}

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

// LaneBytes returns the bytes to write to a lane next; empty when there are none, or not yet: Out names the lane again
// then. They are valid until the next call of any method.
func (w *Worker) LaneBytes(id backend.LaneID) []byte {
	l := w.lanes[id]
	if l == nil {
		return nil
	}
	l.Dirty = false
	if l.State != backend.Open || l.Retiring { // not one byte goes to a node that lost its role
		return nil
	}
	if l.Slicing() {
		return w.slice(l)
	}
	if l.Coalesces(w.clock.Now) {
		w.clock.At(l.WriteAt) // each time: a timer that rings earlier forgets it
		return nil
	}
	return l.Queue.Unsent()
}

// LaneWrote says that the kernel took n bytes.
func (w *Worker) LaneWrote(id backend.LaneID, n int) {
	l := w.lanes[id]
	if l == nil || l.State != backend.Open {
		return
	}
	busy, owed := l.Busy(), l.Awaits()
	if l.Slicing() {
		l.SlicedAt = w.clock.Now
	}
	l.Queue.Wrote(n)
	if l.Tunnel {
		l.Queue.Passed()
	}
	if n > 0 {
		l.WriteAt = 0
	}
	if !owed && l.Awaits() {
		l.WaitsFrom, l.Slow, l.Doubted, l.SentOn = w.clock.Now, false, false, false
		w.clock.At(w.clock.Now + min(slowAfter, w.services[l.Key.Service].silent[l.Key.Purpose]))
	}
	if busy && !l.Busy() {
		w.notBusy(l)
	}
	w.stats.UpstreamOutBytes += uint64(n)
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
	c.Output.Wrote(&w.blocks, n)
	c.tookAt = w.clock.Now
	w.stats.ClientOutBytes += uint64(n)
	w.drained(c)
}

// drained goes on with what waited for a client to read: its own requests, a lane that was stopped for it, its end.
func (w *Worker) drained(c *client) {
	if c.Output.Len() < streamLow {
		for i := range c.flights {
			if l := c.flights[i].lane; w.streamsTo(l, c) {
				w.readLane(l, true)
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

func (w *Worker) dirtyLane(l *backend.Lane) {
	if !l.Dirty {
		l.Dirty = true
		w.out.Lanes = append(w.out.Lanes, l.ID)
	}
}

// pause stops or resumes reading from a client.
func (w *Worker) pause(c *client, stop bool) {
	if c.paused != stop && !c.HalfClosed {
		c.paused = stop
		w.out.Read = append(w.out.Read, Reading{Client: c.ref.ID, On: !stop})
	}
}

// readLane stops or resumes reading from a lane.
func (w *Worker) readLane(l *backend.Lane, on bool) {
	if l.Paused == on {
		l.Paused = !on
		l.WaitsFrom = w.clock.Now
		w.out.Read = append(w.out.Read, Reading{Lane: true, LaneID: l.ID, On: on})
	}
}

// LaneID and the ends of a connection that a loop can see, so that loops need know no other room.
type (
	LaneID     = backend.LaneID
	LostReason = backend.LostReason
)

const (
	PeerClosed = backend.PeerClosed
	DialFailed = backend.DialFailed
	OtherRun   = backend.OtherRun
)
