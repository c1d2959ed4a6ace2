package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/admin"
)

// What the worker goes by.
const (
	sweepEvery = time.Second      // how often clients are looked through
	endingMax  = 30 * time.Second // how long one that has said all may stay
)

// A client that had sent all it wanted and said so ("printf ... | nc") was cut before the servers had answered.
func TestClientThatEndsGetsItsReplies(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "SET k 1 / GET k")
	f.HalfClose(c)
	f.Rest()
	f.reply(0, "+OK\r\n")
	if len(f.ClosedClients) > 0 {
		t.Fatal("closed with a reply still owed")
	}
	f.reply(0, "$1\r\n1\r\n")
	f.wantGot(c, "+OK\r\n$1\r\n1\r\n")
	if !slices.Equal(f.ClosedClients, []uint32{c}) {
		t.Errorf("closed %v, want %d", f.ClosedClients, c)
	}
}

// Behind a frozen server clients that had given up were kept without end, until nobody else could connect.
func TestClientThatEndedIsNotKeptForEver(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "SET k 1")
	f.HalfClose(c)
	f.after(endingMax - sweepEvery)
	if len(f.ClosedClients) > 0 {
		t.Fatal("closed while its reply might still come")
	}
	f.after(2 * sweepEvery)
	if !slices.Equal(f.ClosedClients, []uint32{c}) || f.Worker.Clients() != 0 {
		t.Errorf("closed %v after %v, want %d", f.ClosedClients, endingMax+sweepEvery, c)
	}
	f.reply(0, "+OK\r\n") // its late reply finds nobody
	f.wantGot(c, "")
}

// The text for an INFO came after the HELLO 3 behind it had been read, and stood in RESP3 before HELLO's own reply.
func TestTextAskedForBeforeHello3IsInRESP2(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "INFO / HELLO 3 / INFO")
	f.Rest()
	f.answerAdmin("$5\r\nx:1\r\n\r\n")
	f.Rest()
	if !strings.HasPrefix(string(f.Clients[c]), "$5\r\nx:1\r\n\r\n%7\r\n") {
		t.Fatalf("the client was sent %q, want a bulk string and HELLO's map", string(f.Clients[c]))
	}
	delete(f.Clients, c)
	f.answerAdmin("=9\r\ntxt:x:2\r\n\r\n")
	f.Rest()
	f.wantGot(c, "=9\r\ntxt:x:2\r\n\r\n")
}

// TestPostponedClientsCountAsBlocked, as in Redis.
func TestPostponedClientsCountAsBlocked(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.Worker.Admin(&admin.Request{Kind: admin.PauseClients, Services: []int{0}, Pause: time.Second, PauseAll: true})
	f.say(c, "PING")
	f.Rest()
	if got := f.Worker.Snapshot().Blocked; got != 1 {
		t.Errorf("%d blocked, want 1", got)
	}
}
