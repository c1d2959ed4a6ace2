package worker_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
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

// One that does not know the password and reads nothing had its errors kept up to the limit of a client's output, and
// its input up to that of a query.
func TestLittleIsKeptForAClientWithoutThePassword(t *testing.T) {
	net := play.NewRecord()
	users := access.WithPassword("secret")
	l := play.New(worker.Config{}, worker.Env{Users: func(int) *access.Users { return users }}, deaf{net}, t.Fatalf)
	c := l.Open(0)
	request := bytes.Repeat([]byte("*1\r\n$4\r\nPING\r\n"), 4<<10)
	for sent := 0; len(net.ClosedClients) == 0; sent += len(request) {
		if s := l.Worker.Snapshot(); sent > 8<<20 || s.ClientMemory > 4<<20 {
			t.Fatalf("%d bytes are kept after %d", s.ClientMemory, sent)
		}
		l.FromClient(c.ID, request)
		l.Round()
		l.Tick(l.Now)
	}
	if closed := l.Worker.Stats().ClientsClosed; closed[session.QueryLimit] != 1 {
		t.Errorf("closed: %v", closed)
	}
}

// deaf is a Record whose clients read nothing.
type deaf struct{ *play.Record }

func (deaf) ToClient(*play.Client, []byte) int { return 0 }
