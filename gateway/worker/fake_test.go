package worker

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/topology"
)

// fake is a worker and a loop that does what a real one does and no more: in the order of Out, and a lane without a
// connection is not asked for bytes. It serves what scripts cannot say: texts, versions of nodes, numbers of lanes.
type fake struct {
	w     *Worker
	now   time.Duration
	view  *topology.View
	open  map[backend.LaneID]bool // false while the loop dials
	wrote map[backend.LaneID]string
	got   map[uint32]string
	ended []uint32 // clients that were closed
	asked uint32   // seq of the last text asked for
	last  Out      // of the last round that wanted something
}

func newFake() *fake {
	f := &fake{
		now: time.Second, open: map[backend.LaneID]bool{}, wrote: map[backend.LaneID]string{}, got: map[uint32]string{},
	}
	f.w = New(Config{
		Services: []Service{{Name: "main", Hold: Hold{HoldFor, 2 * time.Second}}}, Limits: resp.DefaultLimits(),
		QueryBytesMax: 64 << 20, OutputBytesMax: 64 << 20, Seed: 1,
	}, Env{
		View:         func(int) *topology.View { return f.view },
		Report:       func(int, topology.Report) {},
		Admin:        func(r admin.Request) { f.asked = r.Seq },
		ClientNumber: func() int64 { return 1 },
		WallClock:    func() time.Time { return time.Unix(0, 0) },
	})
	return f
}

// steady makes a client and a lane to node a, number 0, that has been open long enough to be dialled again at once.
func (f *fake) steady() uint32 {
	f.see(0, -1)
	c := f.w.ClientOpened(0, "remote", "local")
	f.round()
	f.connect()
	f.after(2 * time.Second)
	return c
}

// see has a view come: which of the nodes a, b and c is the primary and which has the lowest version; -1 for none. The
// others are replicas.
func (f *fake) see(primary, lowest int) {
	v := &topology.View{Epoch: 1, Shards: []topology.Shard{{Name: "main"}}}
	if f.view != nil {
		v.Epoch = f.view.Epoch + 1
	}
	for i, addr := range []string{"a:1", "b:1", "c:1"} {
		n := &topology.Node{ID: topology.NodeID(i), Addr: addr, Announced: addr, Version: "7.2.4"}
		v.Nodes = append(v.Nodes, n)
		if i == primary {
			v.Shards[0].Primary = n
		} else {
			v.Shards[0].Replicas = append(v.Shards[0].Replicas, n)
		}
		if i == lowest {
			v.Lowest = n
		}
	}
	f.view = v
	f.w.Tick(f.now)
}

// say sends commands, separated by " / ".
func (f *fake) say(client uint32, commands string) {
	var b []byte
	for command := range strings.SplitSeq(commands, " / ") {
		b = resp.AppendCommandStrings(b, strings.Fields(command)...)
	}
	clientSends(f.w, client, b)
}

func (f *fake) after(d time.Duration) {
	f.now += d
	f.w.Tick(f.now)
	f.round()
}

// connect has all dials succeed.
func (f *fake) connect() {
	for _, id := range slices.Sorted(maps.Keys(f.open)) {
		if !f.open[id] {
			f.open[id] = true
			f.w.LaneOpened(id, Met{})
		}
	}
	f.round()
}

// reply has a server say something.
func (f *fake) reply(lane backend.LaneID, text string) {
	f.w.LaneRead(lane, []byte(text))
	f.round()
}

// lose ends a connection from outside.
func (f *fake) lose(lane backend.LaneID) {
	delete(f.open, lane)
	f.w.LaneClosed(lane, PeerClosed)
	f.round()
}

// round does what the worker wants until it wants nothing more.
func (f *fake) round() {
	for o := f.w.Out(); !o.empty(); o = f.w.Out() {
		f.last = Out{CloseLanes: slices.Clone(o.CloseLanes), Dials: slices.Clone(o.Dials)}
		for _, id := range o.CloseLanes {
			delete(f.open, id)
		}
		for _, d := range o.Dials {
			f.open[d.Lane] = false
		}
		for _, id := range o.Lanes {
			for f.open[id] {
				b := f.w.LaneBytes(id)
				if len(b) == 0 {
					break
				}
				f.wrote[id] += string(b)
				f.w.LaneWrote(id, len(b))
			}
		}
		for _, id := range o.Clients {
			b := f.w.ClientBytes(id)
			f.got[id] += string(b)
			f.w.ClientWrote(id, len(b))
		}
		f.ended = append(f.ended, o.CloseClients...)
	}
}

// wantGot fails the test unless a client was sent this and nothing else.
func (f *fake) wantGot(t *testing.T, client uint32, want string) {
	t.Helper()
	if f.got[client] != want {
		t.Errorf("the client was sent %q, want %q", f.got[client], want)
	}
}

// clientSends hands bytes over as a loop does: into the room that the worker has for them, and what is left apart.
func clientSends(w *Worker, id uint32, b []byte) {
	for len(b) > 0 {
		room, all := w.ClientRoom(id)
		n := copy(room, b)
		if n > 0 {
			w.ClientFilled(id, n)
		}
		b = b[n:]
		if len(b) > 0 && (n == 0 || all) {
			w.ClientRead(id, b)
			return
		}
	}
}
