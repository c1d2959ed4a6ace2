package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// Of the connections that ended with a write under way the oldest of 32 was forgotten: a server that thaws would still
// execute what lies in it.
func TestEveryConnectionWithAWriteIsEnded(t *testing.T) {
	f := newFake(t)
	f.steady()
	for range 100 { // each has a connection to itself
		f.say(f.open(), "WATCH k / MULTI / SET k v / EXEC")
	}
	f.Rest()
	var lost []int64
	for id := range worker.ConnID(f.Conns()) {
		if c := f.Conn(id); c != nil && !c.Open {
			f.Connected(id, upstream.Greeting{Client: int64(id), RunID: "r1"})
			if c.Dedicated {
				lost = append(lost, int64(id))
			}
		}
	}
	f.Rest()
	for _, id := range lost {
		f.lose(worker.ConnID(id))
	}
	f.after(time.Second)
	f.Forget()
	f.say(f.open(), "WATCH k")
	f.Rest()
	if len(lost) != 100 || len(f.Dials) != 1 {
		t.Fatalf("%d connections were lost, then %d dialled", len(lost), len(f.Dials))
	}
	d := f.Dials[0]
	slices.Sort(d.Kill)
	if d.KillIn != "r1" || !slices.Equal(d.Kill, lost) {
		t.Errorf("%d of %d connections are to be ended, in run %q", len(d.Kill), len(lost), d.KillIn)
	}
}

// What a client asked of all workers was taken for done when an earlier question of it was answered.
func TestAdminRequestIsWaitedForThoughAnotherIsAnswered(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "INFO / CLIENT PAUSE 100 / GET k")
	f.Rest()
	f.answerAdmin("$1\r\ni\r\n")
	if sent := string(f.Servers[0]); strings.Contains(sent, "GET") || len(f.Asked) != 1 {
		t.Fatalf("what follows is sent before the pause has begun everywhere: %q, %d asked", sent, len(f.Asked))
	}
	f.answerAdmin("+OK\r\n")
	f.reply(0, "$1\r\nv\r\n")
	f.wantGot(c, "$1\r\ni\r\n+OK\r\n$1\r\nv\r\n")
}
