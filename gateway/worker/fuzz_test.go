package worker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/backend"
	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/topology"
)

// FuzzWorker lets clients, servers and views do anything in any order: nothing panics, no cap is passed, nothing that
// Out says contradicts what it said before, and when all is calm nobody waits for anything.
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
	views := fuzzViews(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4<<10 {
			return
		}
		z := newFuzzed(t, views, in)
		for len(z.in) > 0 {
			z.act(z.byte())
			z.checkFeeds()
		}
		z.settle()
	})
}

const (
	fuzzOutput = 1 << 20
	fuzzQuery  = 256 << 10
)

// fuzzed is a worker in the hands of the fuzzer, and a loop that keeps the rules.
type fuzzed struct {
	t       *testing.T
	in      []byte
	w       *Worker
	now     time.Duration
	view    *topology.View
	epoch   uint64
	views   []*topology.View
	clients []uint32
	open    map[backend.LaneID]bool // what the loop has: false while it dials
	asked   []admin.Request         // of all workers
	settled [2]uint64               // by service
	acked   int
	scripts map[string][]byte
	counts  counts
	long    [2]int // scripts that are told of, by service
	feeds   map[backend.LaneID]*fed
}

// fuzzViews are the views that come in turn.
func fuzzViews(f *testing.F) (views []*topology.View) {
	p := newPlayer(f)
	for _, v := range [][]string{
		{"plain", "a", "b"}, {"plain", "b", "a"}, {"plain", "-", "a"}, {"cluster", "a:0-8191,b", "b:8192-16383"},
		{"cluster", "b:0-100", "a:101-16383"}, {"cluster", "a:0-8191", "-:8192-16383"},
		{"plain", "-a", "b"}, {"plain", "-a>b"}, {"plain", "b+", "a"}, {"plain", "-b", "a"},
		{"cluster", "-a>b:0-8191", "c:8192-16383"}, {"cluster", "b+:0-8191", "-c:8192-16383"},
		{"plain", "a*", "b"},
	} {
		p.setView(v[0], v[1:])
		views = append(views, p.view)
	}
	return views
}

func newFuzzed(t *testing.T, views []*topology.View, in []byte) *fuzzed {
	z := &fuzzed{
		t: t, scripts: map[string][]byte{}, in: in, views: views, now: time.Second, open: map[backend.LaneID]bool{},
		counts: counts{}, feeds: map[backend.LaneID]*fed{},
	}
	closeOnGap := len(in)%2 == 0
	mode := z.byte()
	hold := [...]Hold{{}, {HoldFor, time.Second}, {HoldOff, 0}, {HoldDryRun, 0}}[mode>>4&3]
	z.w = New(Config{
		Services: []Service{{Name: "main", Reads: Reads(mode % 3), AsksPassword: mode&8 != 0, Hold: hold,
			BlockingLost: BlockingLost(mode >> 6 % 3), Allowed: map[string]bool{"debug": true, "psync": true},
			CloseOnGap: closeOnGap}, {Name: "other", CloseOnGap: !closeOnGap}},
		Doors:  []Door{{Service: 0, Hold: Hold{HoldFor, 100 * time.Millisecond}}},
		Limits: resp.DefaultLimits(), QueryBytesMax: fuzzQuery, OutputBytesMax: fuzzOutput, AuthMax: 5 * time.Second,
		HoldSessionsMax: 8, HoldBytesMax: 128 << 10, PrivateMax: 3, GatherFrom: 2,
	}, Env{
		View:    func(int) *topology.View { return z.view },
		Report:  func(int, topology.Report) {},
		Settled: z.settledAt,
		Counted: z.counts.count,
		Count:   func(int, fanout.Count) (listeners, lanes int) { return 0, 0 },
		LongScripts: func(service, add int) int {
			z.long[service] += add
			return z.long[service]
		},
		Acked:   func(_ int, node topology.NodeID, n int) { z.acked += n },
		Allowed: func(_ int, _, password []byte) bool { return string(password) == "secret" },
		Admin:   func(r admin.Request) { z.asked = append(z.asked, r) },

		ScriptSeen:       func(_ int, body []byte) { z.scripts[sha1Of(body)] = bytes.Clone(body) },
		Script:           func(_ int, name []byte) []byte { return z.scripts[string(name)] },
		ScriptsForgotten: func(int) { clear(z.scripts) },
		ClientNumber:     func() int64 { return 1 },
		WallClock:        func() time.Time { return time.Unix(0, 0) },
	})
	z.w.Tick(z.now)
	return z
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

// anyLane picks a lane that the loop has open, or dials.
func (z *fuzzed) anyLane(open bool) (backend.LaneID, bool) {
	start := int(z.byte())
	for i := range z.w.lanes {
		id := backend.LaneID((start + i) % len(z.w.lanes))
		if isOpen, here := z.open[id]; here && isOpen == open {
			return id, true
		}
	}
	return 0, false
}

func (z *fuzzed) act(op byte) {
	switch op % 16 {
	case 0:
		if len(z.clients) < 20 {
			door := [...]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1, 1, 1}[op>>4]
			z.clients = append(z.clients, z.w.ClientOpened(door, "remote", "local"))
		}
	case 1, 2, 3:
		if id, ok := z.anyClient(); ok && z.reads(id) {
			b := []byte(sentences[int(z.byte())%len(sentences)])
			if op%16 == 1 {
				b = z.bytes()
			}
			clientSends(z.w, id, b)
		}
	case 4:
		if id, ok := z.anyClient(); ok {
			if op%32 < 16 { // it stays until the worker has done all that it sent
				z.w.ClientEnded(id)
				break
			}
			z.w.ClientClosed(id)
			z.leave(id)
		}
	case 5, 6:
		if id, ok := z.anyLane(false); ok {
			z.dialled(id, op%64 < 48)
		}
	case 7:
		// It may end in the very round in which the worker has given it up.
		if id, ok := z.anyLane(true); ok && z.byte()%4 == 0 {
			delete(z.open, id)
			z.w.LaneClosed(id, backend.PeerClosed)
		}
	case 8:
		z.view = nil
		if i := int(z.byte()) % (len(z.views) + 1); i < len(z.views) {
			v := *z.views[i]
			z.epoch++
			v.Epoch = z.epoch
			z.view = &v
		}
	case 9:
		z.now += time.Duration(z.byte()) * 10 * time.Millisecond
	case 10, 11, 12:
		z.laneReads(op)
	case 13:
		z.doAdmin()
	default:
		z.round(op%32 < 16)
	}
}

// reads says that the loop reads from a client, which may be one that the worker has given up in this round.
func (z *fuzzed) reads(id uint32) bool {
	c := z.w.clients[id]
	return c != nil && !c.paused && !c.HalfClosed
}

// doAdmin does what was asked for so far. Half of the servers say nothing to CLIENT UNBLOCK.
func (z *fuzzed) doAdmin() {
	asked := z.asked
	z.asked = nil
	for i := range asked {
		r := &asked[i]
		partial := z.w.Admin(r)
		if partial.Blocked != nil {
			partial.Count = 1
			if z.epoch%2 == 0 {
				partial.Count = z.w.Unblock(r)
			}
		}
		reply := r.Reply([]admin.Partial{partial})
		if r.Kind == admin.Info {
			reply = []byte("$6\r\n# text\r\n")
		}
		z.w.AdminReply(r.Client, r.Seq, reply)
	}
}

func (z *fuzzed) dialled(id backend.LaneID, well bool) {
	if well {
		z.open[id], z.feeds[id] = true, &fed{has: map[string]bool{}}
		z.w.LaneOpened(id, Met{})
	} else {
		delete(z.open, id)
		z.w.LaneClosed(id, backend.DialFailed)
	}
}

func (z *fuzzed) laneReads(op byte) {
	id, ok := z.anyLane(true)
	if !ok || z.w.lanes[id] == nil || z.w.lanes[id].Paused {
		return
	}
	if z.w.lanes[id].Key.Purpose == backend.Feed {
		z.feedReads(id)
		return
	}
	b := []byte(replies[int(z.byte())%len(replies)])
	switch {
	case op%64 == 10:
		b = z.bytes()
	case op%64 == 11:
		b = bytes.Repeat([]byte("x"), 1<<uint(z.byte()%20))
	}
	z.w.LaneRead(id, b)
}

func (z *fuzzed) leave(id uint32) {
	for i, other := range z.clients {
		if other == id {
			z.clients = append(z.clients[:i], z.clients[i+1:]...)
			return
		}
	}
}

// round ends a round as a loop does, looks that Out makes sense, and begins the next. whole says that all is written.
func (z *fuzzed) round(whole bool) {
	out := z.w.Out()
	for _, id := range out.CloseLanes {
		delete(z.open, id)
	}
	for _, d := range out.Dials {
		if _, here := z.open[d.Lane]; here || d.Addr == "" || d.Proto != 2 && d.Proto != 3 {
			z.t.Fatalf("dials %+v, there is one: %v", d, here)
		}
		z.open[d.Lane] = false
	}
	seen := map[backend.LaneID]bool{}
	for _, id := range out.Lanes {
		if seen[id] {
			z.t.Fatalf("lane %d is named twice", id)
		}
		seen[id] = true
		z.writeLane(id, whole)
	}
	for _, id := range out.Clients {
		if n := len(z.w.ClientBytes(id)); whole {
			z.w.ClientWrote(id, n)
		} else {
			z.w.ClientWrote(id, n/2)
		}
	}
	for _, id := range out.CloseClients {
		if z.w.clients[id] != nil {
			z.t.Fatalf("client %d is to be closed and still here", id)
		}
		z.leave(id)
	}
	z.check()
	z.now += time.Microsecond
	z.w.Tick(z.now)
}

func (z *fuzzed) writeLane(id backend.LaneID, whole bool) {
	for z.open[id] {
		b := z.w.LaneBytes(id)
		if len(b) == 0 {
			return
		}
		if !whole {
			z.w.LaneWrote(id, len(b)/2)
			return
		}
		z.w.LaneWrote(id, len(b))
	}
}

// check holds the worker's memory to its caps, and its books to each other.
func (z *fuzzed) check() {
	z.w.checkRooms(z.t)
	tickets := map[session.Ref]int32{}
	for _, l := range z.w.lanes {
		if l == nil {
			continue
		}
		if l.Queue.Held() > 0 != (l.Inflight.Len() > 0) && !l.Tunnel {
			z.t.Fatalf("lane %d holds %d bytes for %d requests", l.ID, l.Queue.Held(), l.Inflight.Len())
		}
		if l.Inflight.Len() > backend.TicketsMax+8 || l.Queue.Held() > backend.HeldBytesMax+fuzzQuery {
			z.t.Fatalf("lane %d holds %d bytes, %d requests", l.ID, l.Queue.Held(), l.Inflight.Len())
		}
		for t := range l.Inflight.All {
			if t.Flags&(backend.Quiet|backend.Internal) == 0 {
				tickets[t.To]++
			}
		}
	}
	z.checkPrivate()
	z.checkFeeds()
	var held wait.Load
	defer func() {
		if held != z.w.waiting {
			z.t.Fatalf("sessions and bytes that wait are %v, the books say %v", held, z.w.waiting)
		}
	}()
	for _, c := range z.w.clients {
		if c == nil {
			continue
		}
		if counted, _ := c.Counted(); counted {
			held.Sessions++
			held.Bytes += c.Input.Len()
			if c.Multi != nil {
				held.Bytes += len(c.Multi.Body)
			}
		}
		z.checkHeld(c)
		var owed int32
		for _, f := range c.flights {
			owed += f.owed
		}
		if n := tickets[c.ref]; n != owed {
			z.t.Fatalf("client %d has %d requests on lanes and %d in its flights", c.ref.ID, n, owed)
		}
	}
}

// checkHeld holds all that is kept for a client to its limits, and the books of it to what is there.
func (z *fuzzed) checkHeld(c *client) {
	parts, streams := 0, 0
	for _, s := range c.splits {
		for i := range s.parts {
			parts += len(s.parts[i].Reply)
		}
		for _, own := range s.own {
			parts += len(own)
		}
	}
	for _, l := range z.w.lanes {
		if l != nil {
			streams += c.assembled(l)
		}
	}
	other := c.Output.Len() + c.withheld.size() + c.pushes.Len() + streams
	kept := c.Replies.KeptBytes()
	if kept < parts || c.holds() != other+kept || len(c.splits)+c.Replies.Owed() == 0 && kept != 0 {
		z.t.Fatalf("client %d: the books have %d bytes, %d of them kept; there are %d and %d of parts", c.ref.ID,
			c.holds(), kept, other, parts)
	}
	if other+kept > fuzzOutput && !c.inTunnel() || c.Input.Len() > fuzzQuery {
		z.t.Fatalf("client %d has %d bytes to be written, %d unread", c.ref.ID, other+kept, c.Input.Len())
	}
}

// settle makes all well and has every server answer, until nobody has to wait.
func (z *fuzzed) settle() {
	v := *z.views[0]
	v.Epoch = z.epoch + 1
	z.view = &v
	z.round(true)
	for id, isOpen := range z.open {
		if isOpen {
			delete(z.open, id)
			z.w.LaneClosed(id, backend.PeerClosed)
		}
	}
	for i, unread := 0, z.unread(); i < 200 && (i < 5 || z.waits() != ""); i++ {
		if n := z.unread(); n < unread {
			i, unread = min(i, 5), n // a client may do its requests one a round: while it gets on, it is not stuck
		}
		z.round(true)
		for id := range len(z.w.lanes) {
			z.serve(backend.LaneID(id))
		}
		z.act(13)
		z.watcherLeaves()
		for _, id := range z.clients {
			z.w.ClientWrote(id, len(z.w.ClientBytes(id)))
		}
		z.now += 20 * time.Millisecond
	}
	if text := z.waits(); text != "" {
		z.t.Fatal(text)
	}
	if z.settled != [2]uint64{z.view.Epoch, z.view.Epoch} {
		z.t.Fatalf("view %d was never left behind, only %d", z.view.Epoch, z.settled)
	}
	s := z.w.Snapshot()
	if s.WithheldReleased > s.Withheld || z.acked > int(s.Requests[backend.Primary]+s.Requests[backend.Private]) {
		z.t.Fatalf("%d withheld, %d released, %d acknowledged", s.Withheld, s.WithheldReleased, z.acked)
	}
	if s.Held != s.HoldReleased+s.HoldExpired+s.HoldLeft || s.Holds < s.HoldsEnded || s.Waiting > 0 {
		z.t.Fatalf("the books of holds: %+v", s)
	}
	closed := uint64(s.Clients)
	for _, n := range s.ClientsClosed {
		closed += n
	}
	if closed != s.ClientsOpened {
		z.t.Fatalf("opened %d, now %d, closed %v", s.ClientsOpened, s.Clients, s.ClientsClosed)
	}
	if z.w.Tick(z.now + scriptAfter); z.long != [2]int{} {
		z.t.Fatalf("scripts are told of that are over: %d", z.long)
	}
	if z.w.Drain(); z.w.Drain() != 0 {
		z.t.Fatalf("%d clients are left after a drain", z.w.Clients())
	}
}

// settledAt takes the worker's word that it has left the former primaries of a view, and looks.
func (z *fuzzed) settledAt(service int, epoch uint64) {
	view := z.w.services[service].view // the next one may be out already
	if view == nil || epoch != view.Epoch || epoch <= z.settled[service] {
		z.t.Fatalf("settled %d after %d", epoch, z.settled[service])
	}
	z.settled[service] = epoch
	for _, l := range z.w.lanes {
		if l != nil && l.Key.Service == service && l.Key.Purpose == backend.Primary &&
			view.Demoted(l.Key.Node) != nil && l.Inflight.Len() > 0 {
			z.t.Fatalf("settled %d, and lane %d still owes", epoch, l.ID)
		}
	}
}

// unread is how many bytes the clients sent that no request was made of yet.
func (z *fuzzed) unread() (n int) {
	for _, c := range z.w.clients {
		if c != nil {
			n += c.Input.Len()
		}
	}
	return n
}

// waits says who still waits for something, and for what.
func (z *fuzzed) waits() string {
	for _, c := range z.w.clients {
		if c == nil {
			continue
		}
		unwritten := c.Output.Len() + c.Replies.KeptBytes() + c.pushes.Len()
		left := c.Replies.Owed() + len(c.retries) + len(c.splits) + len(c.flights) + c.withheld.size() + unwritten
		if c.Reason != wait.Running || left > 0 || c.HalfClosed {
			return fmt.Sprintf("client %d: parked %v, owed %d, again %d, splits %d, flights %d, unwritten %d",
				c.ref.ID, c.Reason, c.Replies.Owed(), len(c.retries), len(c.splits), len(c.flights), unwritten)
		}
	}
	for _, l := range z.w.lanes {
		if l != nil && l.Inflight.Len() > 0 {
			return fmt.Sprintf("lane %d has %d requests in flight", l.ID, l.Inflight.Len())
		}
	}
	return z.interrupted()
}

// serve has a lane's server answer all that it was sent.
func (z *fuzzed) serve(id backend.LaneID) {
	isOpen, here := z.open[id]
	if here && !isOpen {
		z.dialled(id, true)
	}
	for z.open[id] && z.w.lanes[id] != nil && z.w.lanes[id].Inflight.Len() > 0 && z.w.lanes[id].Queue.Pending() == 0 {
		if z.w.lanes[id].Key.Purpose == backend.Feed {
			z.acks(id, backend.TicketsMax)
			continue
		}
		z.w.LaneRead(id, resp.OK)
	}
}
