package worker

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/backend"
	"evergate/topology"
)

// A lane that died in the round in which it was given something to write was never written to again.
func TestLaneDialledAgainIsWrittenTo(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "GET k")
	f.reply(0, "garbage\r\n")
	f.connect()
	f.got[c] = ""
	f.say(c, "GET l")
	f.round()
	if !strings.Contains(f.wrote[0], "\r\nl\r\n") {
		t.Fatalf("the lane is open and was sent only %q", f.wrote[0])
	}
	f.reply(0, strings.Repeat("$1\r\nv\r\n", f.w.lanes[0].Inflight.Len()))
	if !strings.HasSuffix(f.got[c], "$1\r\nv\r\n") {
		t.Errorf("the client was sent %q", f.got[c])
	}
}

// The number of a lane was given to another one while events of its connection were still on their way.
func TestNumberOfALaneIsNotFreeBeforeItsConnectionIsClosed(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.see(1, -1)
	f.say(c, "HELLO 3") // wants a lane of its own in the same round
	f.round()
	if !slices.Equal(f.last.CloseLanes, []backend.LaneID{0}) || len(f.last.Dials) != 2 {
		t.Fatalf("closes %v and dials %v, want 0 and two others", f.last.CloseLanes, f.last.Dials)
	}
	for _, d := range f.last.Dials {
		if d.Lane == 0 {
			t.Errorf("dials %v, one of them with the number of the lane that is being closed", f.last.Dials)
		}
	}
}

// A connection that was made for a lane which is no more stayed open, and later spoke for a lane of the same number.
func TestConnectionThatNobodyWaitsForIsClosed(t *testing.T) {
	f := newFake()
	f.see(0, -1)
	f.round() // lane 0 is being dialled
	f.see(1, -1)
	f.round()
	f.last = Out{}
	f.w.LaneOpened(0, Met{})
	f.round()
	if !slices.Contains(f.last.CloseLanes, 0) {
		t.Errorf("the loop was told to close %v, want 0", f.last.CloseLanes)
	}
}

// COMMAND goes to the lowest version, perhaps a replica: what was pipelined behind it was read there, too.
func TestReadBehindCommandGoesToThePrimary(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.see(0, 1)
	f.say(c, "COMMAND COUNT")
	f.round()
	f.connect()
	f.reply(0, ":240\r\n") // the replica was not connected yet
	f.say(c, "COMMAND COUNT / GET k")
	f.round()
	replica := laneTo(f.w, 1)
	f.reply(replica, ":241\r\n")
	f.reply(0, "$1\r\nv\r\n")
	if strings.Contains(f.wrote[replica], "GET") || !strings.Contains(f.wrote[replica], "COMMAND") {
		t.Errorf("the replica was sent %q, want COMMAND alone", f.wrote[replica])
	}
	f.wantGot(t, c, ":240\r\n:241\r\n$1\r\nv\r\n")
}

// COMMAND, with which clients begin, ended in an error when its lane died.
func TestCommandIsDoneAgain(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.see(0, 0)
	f.say(c, "COMMAND COUNT")
	f.round()
	f.lose(0)
	f.connect()
	f.connect() // one that nobody shares
	f.reply(1, ":240\r\n")
	f.wantGot(t, c, ":240\r\n")
}

// Long replies on all lanes let a hold run out; it stayed so, and the next ones had everybody refused at once.
func TestHoldEndsWithTheLongReplies(t *testing.T) {
	f := newFake()
	f.steady()
	occupy(f)
	c := f.w.ClientOpened(0, "remote", "local")
	f.say(c, "GET k")
	f.after(2 * time.Second)
	if !strings.HasPrefix(f.got[c], "-LOADING evergate: ") {
		t.Fatalf("all lanes are busy for longer than the window, and the client was sent %q", f.got[c])
	}
	for id := range f.open {
		f.reply(id, strings.Repeat("x", 1<<20)+"\r\n")
	}
	occupy(f)
	f.got[c] = ""
	f.say(c, "GET k")
	f.after(time.Second)
	f.wantGot(t, c, "") // it waits its own time
	for id := range f.open {
		f.reply(id, strings.Repeat("x", 1<<20)+"\r\n")
	}
	for id := range f.open {
		f.reply(id, strings.Repeat("$1\r\nv\r\n", f.w.lanes[id].Inflight.Len()))
	}
	f.wantGot(t, c, "$1\r\nv\r\n")
}

// occupy has each lane there may be begin a reply of 1 MiB and some more.
func occupy(f *fake) {
	for range lanesMax {
		c := f.w.ClientOpened(0, "remote", "local")
		f.say(c, "GET big")
		f.round()
		f.connect()
		for id, open := range f.open {
			if l := f.w.lanes[id]; open && l.Inflight.Len() > 0 && !l.Big {
				f.reply(id, "$1148576\r\n"+strings.Repeat("x", 100000))
			}
		}
	}
}

// laneTo finds the lane to a node.
func laneTo(w *Worker, node topology.NodeID) backend.LaneID {
	i := slices.IndexFunc(w.lanes, func(l *backend.Lane) bool { return l != nil && l.Key.Node == node })
	return backend.LaneID(i)
}

// Nobody's GET waits behind another's long SET: that has a lane to itself until it is answered, and there is always one
// more lane for what is short.
func TestLongRequestsLeaveALaneToOthers(t *testing.T) {
	f := newFake()
	other := f.steady()
	value := strings.Repeat("x", 2<<20)
	for range 2 * lanesMax {
		f.say(f.w.ClientOpened(0, "remote", "local"), "SET big "+value)
		f.round()
		f.connect()
	}
	for range lanesMax {
		f.after(laneFullRetry)
	}
	long := 0
	for id := range f.open {
		if l := f.w.lanes[id]; l.Inflight.Len() > 1 {
			t.Errorf("%d requests share lane %d", l.Inflight.Len(), id)
		} else {
			long += l.Inflight.Len()
		}
	}
	if long != lanesMax-1 {
		t.Errorf("%d long requests are under way over %d lanes", long, len(f.open))
	}
	f.say(other, "GET k")
	f.round()
	f.reply(0, "$1\r\nv\r\n")
	f.wantGot(t, other, "$1\r\nv\r\n")
	answered := 0
	for range 3 * lanesMax { // those that waited have their turns
		for id := range f.open {
			for f.w.lanes[id].Slicing() {
				f.after(sliceEvery)
			}
			if f.w.lanes[id].Inflight.Len() > 0 {
				f.reply(id, "+OK\r\n")
				answered++
			}
		}
	}
	if answered != 2*lanesMax {
		t.Errorf("%d of %d long requests were answered", answered, 2*lanesMax)
	}
}

// Where a server takes no second connection, a long request goes on the one there is.
func TestLongRequestOnTheOnlyLane(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "SET big "+strings.Repeat("x", 2<<20))
	f.round()
	delete(f.open, 1)
	f.w.LaneClosed(1, DialFailed)
	f.round()
	for f.w.lanes[0].Slicing() {
		f.after(sliceEvery)
	}
	f.reply(0, "+OK\r\n")
	f.wantGot(t, c, "+OK\r\n")
}

// After a switch all who waited run at once, over as many connections as at any other time.
func TestSwitchBringsNoHerd(t *testing.T) {
	f := newFake()
	first := f.steady()
	clients := []uint32{first}
	for range 2000 {
		clients = append(clients, f.w.ClientOpened(0, "remote", "local"))
	}
	opened := f.w.Stats().Dials
	f.see(-1, -1)
	for _, c := range clients {
		f.say(c, "SET k v / GET k")
	}
	f.round()
	f.see(1, -1)
	f.round()
	f.connect()
	lane := laneTo(f.w, 1)
	if n := f.w.lanes[lane].Inflight.Len(); n != 2*len(clients) || f.w.stats.Dials != opened+1 {
		t.Fatalf("%d requests are on their way, over %d new connections", n, f.w.stats.Dials-opened)
	}
	f.reply(lane, strings.Repeat("+OK\r\n$1\r\nv\r\n", len(clients)))
	for _, c := range clients {
		if f.got[c] != "+OK\r\n$1\r\nv\r\n" {
			t.Fatalf("client %d was sent %q", c, f.got[c])
		}
	}
}

// The first attempt to connect again is made at once, the next ones after pauses that differ between workers.
func TestFirstRedialIsImmediate(t *testing.T) {
	pauses := map[time.Duration]bool{}
	for seed := range uint64(5) {
		f := newFake()
		f.w.rnd = rand.New(rand.NewPCG(seed, 1))
		f.steady()
		f.lose(0)
		if _, dialing := f.open[0]; !dialing {
			t.Fatal("a lost connection is not dialled at once")
		}
		delete(f.open, 0)
		f.w.LaneClosed(0, DialFailed)
		f.round()
		pause := f.w.lanes[0].RedialAt - f.now
		if pause < redialMin/2 || pause > 2*redialMin {
			t.Errorf("the second attempt comes after %v", pause)
		}
		pauses[pause] = true
	}
	if len(pauses) < 4 {
		t.Errorf("workers dial at the same moments: %v", pauses)
	}
}
