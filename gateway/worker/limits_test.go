package worker

import (
	"math"
	"slices"
	"strings"
	"testing"

	"evergate/gateway/backend"
)

// After four billion clients one had the generation of nobody: replies to it were dropped.
func TestGenerationOfAClientIsNeverThatOfNobody(t *testing.T) {
	f := newFake()
	f.steady()
	f.w.nextSeen = math.MaxUint32
	c := f.w.ClientOpened(0, "remote", "local")
	if f.w.clients[c].ref.Generation == 0 {
		t.Error("a client is nobody")
	}
}

// Of the connections that ended with a write under way the oldest of 32 was forgotten: a server that thaws would still
// execute what lies in it.
func TestEveryConnectionWithAWriteIsEnded(t *testing.T) {
	f := newFake()
	f.steady()
	var clients []uint32
	for range 100 { // each has a connection to itself
		c := f.w.ClientOpened(0, "remote", "local")
		clients = append(clients, c)
		f.say(c, "WATCH k / MULTI / SET k v / EXEC")
	}
	f.round()
	for id := range f.open {
		if !f.open[id] {
			f.open[id] = true
			f.w.LaneOpened(id, Met{Client: int64(id), RunID: "r1"})
		}
	}
	f.round()
	var lost []int64
	for id := range f.open {
		if f.w.lanes[id].Key.Purpose == backend.Private {
			lost = append(lost, int64(id))
		}
	}
	for _, id := range lost {
		f.lose(backend.LaneID(id))
	}
	ids, run := f.w.services[0].kill.Of(0, "r1")
	slices.Sort(ids)
	slices.Sort(lost)
	if run != "r1" || len(lost) != len(clients) || !slices.Equal(ids, lost) {
		t.Errorf("%d of %d connections are to be ended, in run %q", len(ids), len(lost), run)
	}
}

// What a client asked of all workers was taken for done when an earlier question of it was answered.
func TestAdminRequestIsWaitedForThoughAnotherIsAnswered(t *testing.T) {
	f := newFake()
	c := f.steady()
	ref := f.w.clients[c].ref
	f.say(c, "INFO / CLIENT PAUSE 100 / GET k")
	f.round()
	first := f.asked
	f.w.AdminReply(ref, first, []byte("$1\r\ni\r\n"))
	f.round()
	if strings.Contains(f.wrote[0], "GET") || f.asked == first {
		t.Fatalf("what follows is sent before the pause has begun everywhere: %q", f.wrote[0])
	}
	f.w.AdminReply(ref, f.asked, []byte("+OK\r\n"))
	f.round()
	f.reply(0, "$1\r\nv\r\n")
	f.wantGot(t, c, "$1\r\ni\r\n+OK\r\n$1\r\nv\r\n")
}
