package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// What the worker goes by.
const (
	connsMax  = 4                      // pooled connections to a server
	fullRetry = 100 * time.Millisecond // how long one that is full is not tried
	redialMin = 50 * time.Millisecond  // the first pause between dials that fail
)

// A connection that died in the round in which it was given something to write was never written to again.
func TestLaneDialledAgainIsWrittenTo(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "GET k")
	f.reply(0, "garbage\r\n")
	f.connect()
	delete(f.Clients, c)
	f.say(c, "GET l")
	f.Rest()
	if !strings.Contains(string(f.Servers[0]), "\r\nl\r\n") {
		t.Fatalf("the conn is open and was sent only %q", string(f.Servers[0]))
	}
	f.reply(0, strings.Repeat("$1\r\nv\r\n", f.owes(0)))
	if !strings.HasSuffix(string(f.Clients[c]), "$1\r\nv\r\n") {
		t.Errorf("the client was sent %q", string(f.Clients[c]))
	}
}

// The number of a connection was given to another one while events of its connection were still on their way.
func TestNumberOfALaneIsNotFreeBeforeItsConnectionIsClosed(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.see(1, -1)
	f.Forget()
	f.say(c, "HELLO 3") // wants a conn of its own in the same round
	f.Rest()
	if !slices.Equal(f.ClosedConns, []worker.ConnID{0}) || len(f.Dials) != 2 {
		t.Fatalf("closes %v and dials %v, want 0 and two others", f.ClosedConns, f.Dials)
	}
	for _, d := range f.Dials {
		if d.Conn == 0 {
			t.Errorf("dials %v, one of them with the number of the conn that is being closed", f.Dials)
		}
	}
}

// A connection that was made for a connection which is no more stayed open, and later spoke for a connection of the
// same number.
func TestConnectionThatNobodyWaitsForIsClosed(t *testing.T) {
	f := newFake(t)
	f.see(0, -1)
	f.Rest() // connection 0 is being dialled
	f.see(1, -1)
	f.Rest()
	f.Forget()
	f.Worker.ConnOpened(0, upstream.Greeting{})
	f.Rest()
	if !slices.Contains(f.ClosedConns, 0) {
		t.Errorf("the loop was told to close %v, want 0", f.ClosedConns)
	}
}

// COMMAND goes to the lowest version, perhaps a replica: what was pipelined behind it was read there, too.
func TestReadBehindCommandGoesToThePrimary(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.see(0, 1)
	f.say(c, "COMMAND COUNT")
	f.Rest()
	f.connect()
	f.reply(0, ":240\r\n") // the replica was not connected yet
	f.say(c, "COMMAND COUNT / GET k")
	f.Rest()
	replica := f.connTo("b")
	f.reply(replica, ":241\r\n")
	f.reply(0, "$1\r\nv\r\n")
	if strings.Contains(string(f.Servers[replica]), "GET") || !strings.Contains(string(f.Servers[replica]), "COMMAND") {
		t.Errorf("the replica was sent %q, want COMMAND alone", string(f.Servers[replica]))
	}
	f.wantGot(c, ":240\r\n:241\r\n$1\r\nv\r\n")
}

// COMMAND, with which clients begin, ended in an error when its connection died.
func TestCommandIsDoneAgain(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.see(0, 0)
	f.say(c, "COMMAND COUNT")
	f.Rest()
	f.lose(0)
	f.connect()
	f.connect() // one that nobody shares
	f.reply(1, ":240\r\n")
	f.wantGot(c, ":240\r\n")
}

// Long replies on all connections let a hold run out; it stayed so, and the next ones had everybody refused at once.
func TestHoldEndsWithTheLongReplies(t *testing.T) {
	f := newFake(t)
	f.steady()
	occupy(f)
	c := f.open()
	f.say(c, "GET k")
	f.after(2 * time.Second)
	if !strings.HasPrefix(string(f.Clients[c]), "-LOADING evergate: ") {
		t.Fatalf("all conns are busy for longer than the window, and the client was sent %q", string(f.Clients[c]))
	}
	for _, id := range f.conns() {
		f.reply(id, strings.Repeat("x", 1<<20)+"\r\n")
	}
	occupy(f)
	delete(f.Clients, c)
	f.say(c, "GET k")
	f.after(time.Second)
	f.wantGot(c, "") // it waits its own time
	for _, id := range f.conns() {
		f.reply(id, strings.Repeat("x", 1<<20)+"\r\n")
	}
	for _, id := range f.conns() {
		f.reply(id, strings.Repeat("$1\r\nv\r\n", f.owes(id)))
	}
	f.wantGot(c, "$1\r\nv\r\n")
}

// TestAnswersOfEachServerAddUp: each request counts where it was answered, also when its connection is no more.
func TestAnswersOfEachServerAddUp(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	want := func(a, b uint64) {
		t.Helper()
		nodes := f.Worker.Snapshot().Services[0].Nodes
		if nodes[0].Requests != a || nodes[1].Requests != b {
			t.Errorf("the servers have answered %d and %d requests, want %d and %d", nodes[0].Requests, nodes[1].Requests,
				a, b)
		}
	}
	f.say(c, "SET k v / GET k / GET l")
	f.Rest()
	f.reply(0, "+OK\r\n$1\r\nv\r\n")
	want(2, 0)
	f.lose(0)
	f.connect()
	f.connect() // one that nobody shares
	f.reply(1, "$-1\r\n")
	want(3, 0)
	f.say(c, "GET k")
	f.Rest()
	f.reply(0, "$200000\r\n"+strings.Repeat("x", 150_000)) // it is passed on piece by piece
	want(3, 0)
	f.reply(0, strings.Repeat("x", 50_000)+"\r\n")
	want(4, 0)
	f.say(c, "INCR n")
	f.Rest()
	f.reply(0, "-READONLY You can't write against a read only replica.\r\n")
	f.see(1, -1)
	f.Rest()
	f.connect()
	b := f.connTo("b")
	f.after(time.Second)
	f.reply(b, ":1\r\n")
	f.say(c, "GET k / INCR k")
	f.Rest()
	f.reply(b, "$1\r\nw\r\n-ERR value is not an integer or out of range\r\n")
	want(4, 3)
	for _, id := range f.conns() {
		if id != b {
			t.Errorf("connection %d to the former primary is still there", id)
		}
	}
}

// occupy has each connection there may be begin a reply of 1 MiB and some more.
func occupy(f *fake) {
	busy := map[worker.ConnID]bool{}
	for range connsMax {
		c := f.open()
		f.say(c, "GET big")
		f.Rest()
		f.connect()
		for _, id := range f.conns() {
			if f.owes(id) > 0 && !busy[id] {
				busy[id] = true
				f.reply(id, "$1148576\r\n"+strings.Repeat("x", 100000))
			}
		}
	}
}

// Nobody's GET waits behind another's long SET: that has a connection to itself until it is answered, and there is
// always one more connection for what is short.
func TestLongRequestsLeaveALaneToOthers(t *testing.T) {
	f := newFake(t)
	other := f.steady()
	value := strings.Repeat("x", 2<<20)
	for range 2 * connsMax {
		f.say(f.open(), "SET big "+value)
		f.Rest()
		f.connect()
	}
	for range connsMax {
		f.after(fullRetry)
	}
	long := 0
	for _, id := range f.conns() {
		if n := f.owes(id); n > 1 {
			t.Errorf("%d requests share conn %d", n, id)
		} else {
			long += n
		}
	}
	if long != connsMax-1 {
		t.Errorf("%d long requests are under way over %d conns", long, len(f.conns()))
	}
	f.say(other, "GET k")
	f.Rest()
	f.reply(0, "$1\r\nv\r\n")
	f.wantGot(other, "$1\r\nv\r\n")
	answered := 0
	for range 200 { // those that waited have their turns
		f.after(sliceEvery)
		for _, id := range f.conns() {
			if f.owes(id) > 0 && !f.servers[id].Partial() {
				f.reply(id, "+OK\r\n")
				answered++
			}
		}
	}
	if answered != 2*connsMax {
		t.Errorf("%d of %d long requests were answered", answered, 2*connsMax)
	}
}

// Where a server takes no second connection, a long request goes on the one there is.
func TestLongRequestOnTheOnlyLane(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "SET big "+strings.Repeat("x", 2<<20))
	f.Rest()
	f.Lose(1, worker.DialFailed)
	f.Rest()
	for f.servers[0].Partial() {
		f.after(sliceEvery)
	}
	f.reply(0, "+OK\r\n")
	f.wantGot(c, "+OK\r\n")
}

// After a switch all who waited run at once, over as many connections as at any other time.
func TestSwitchBringsNoHerd(t *testing.T) {
	f := newFake(t)
	first := f.steady()
	f.Unchecked = true // of so many, after each step
	clients := []uint32{first}
	for range 2000 {
		clients = append(clients, f.open())
	}
	opened := f.Worker.Stats().Dials
	f.see(-1, -1)
	for _, c := range clients {
		f.say(c, "SET k v / GET k")
	}
	f.Rest()
	f.see(1, -1)
	f.Rest()
	f.connect()
	conn := f.connTo("b")
	if n := f.owes(conn); n != 2*len(clients) || f.Worker.Stats().Dials != opened+1 {
		t.Fatalf("%d requests are on their way, over %d new connections", n, f.Worker.Stats().Dials-opened)
	}
	f.Unchecked = false
	f.Check()
	f.reply(conn, strings.Repeat("+OK\r\n$1\r\nv\r\n", len(clients)))
	for _, c := range clients {
		if string(f.Clients[c]) != "+OK\r\n$1\r\nv\r\n" {
			t.Fatalf("client %d was sent %q", c, string(f.Clients[c]))
		}
	}
}

// The first attempt to connect again is made at once, the next ones after pauses that differ between workers.
func TestFirstRedialIsImmediate(t *testing.T) {
	pauses := map[time.Duration]bool{}
	for seed := range uint64(5) {
		f := seededFake(t, seed)
		f.steady()
		f.lose(0)
		if f.Conn(0) == nil {
			t.Fatal("a lost connection is not dialled at once")
		}
		f.Lose(0, worker.DialFailed)
		f.Rest()
		lost := f.Now
		for f.Conn(0) == nil && f.Now < lost+time.Second {
			f.after(time.Millisecond)
		}
		pause := f.Now - lost
		if pause < redialMin/2 || pause > 2*redialMin {
			t.Errorf("the second attempt comes after %v", pause)
		}
		pauses[pause] = true
	}
	if len(pauses) < 4 {
		t.Errorf("workers dial at the same moments: %v", pauses)
	}
}
