package worker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/admin"
)

// A client that had sent all it wanted and said so ("printf ... | nc") was cut before the servers had answered.
func TestClientThatEndsGetsItsReplies(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "SET k 1 / GET k")
	f.w.ClientEnded(c)
	f.round()
	f.reply(0, "+OK\r\n")
	if len(f.ended) > 0 {
		t.Fatal("closed with a reply still owed")
	}
	f.reply(0, "$1\r\n1\r\n")
	f.wantGot(t, c, "+OK\r\n$1\r\n1\r\n")
	if !slices.Equal(f.ended, []uint32{c}) {
		t.Errorf("closed %v, want %d", f.ended, c)
	}
}

// Behind a frozen server clients that had given up were kept without end, until nobody else could connect.
func TestClientThatEndedIsNotKeptForEver(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "SET k 1")
	f.w.ClientEnded(c)
	f.after(endingMax - sweepEvery)
	if len(f.ended) > 0 {
		t.Fatal("closed while its reply might still come")
	}
	f.after(2 * sweepEvery)
	if !slices.Equal(f.ended, []uint32{c}) || f.w.Clients() != 0 {
		t.Errorf("closed %v after %v, want %d", f.ended, endingMax+sweepEvery, c)
	}
	f.reply(0, "+OK\r\n") // its late reply finds nobody
	f.wantGot(t, c, "")
}

// The text for an INFO came after the HELLO 3 behind it had been read, and stood in RESP3 before HELLO's own reply.
func TestTextAskedForBeforeHello3IsInRESP2(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "INFO / HELLO 3 / INFO")
	f.round()
	f.w.AdminReply(f.w.clients[c].ref, f.asked, []byte("$5\r\nx:1\r\n\r\n"))
	f.round()
	if !strings.HasPrefix(f.got[c], "$5\r\nx:1\r\n\r\n%7\r\n") {
		t.Fatalf("the client was sent %q, want a bulk string and HELLO's map", f.got[c])
	}
	f.got[c] = ""
	f.w.AdminReply(f.w.clients[c].ref, f.asked, []byte("=9\r\ntxt:x:2\r\n\r\n"))
	f.round()
	f.wantGot(t, c, "=9\r\ntxt:x:2\r\n\r\n")
}

// TestPostponedClientsCountAsBlocked, as in Redis.
func TestPostponedClientsCountAsBlocked(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.w.Admin(&admin.Request{Kind: admin.PauseClients, Services: []int{0}, Pause: time.Second, PauseAll: true})
	f.say(c, "PING")
	f.round()
	if got := f.w.Snapshot().Blocked; got != 1 {
		t.Errorf("%d blocked, want 1", got)
	}
}
