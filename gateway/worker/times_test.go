package worker_test

import (
	"testing"
	"time"

	"evergate/gateway/latency"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
	"evergate/routing"
)

// times looks at the times that a fake has measured of its service.
func (f *fake) times() worker.OfService { return f.Worker.Snapshot().Services[0] }

// wantTimes fails the test unless a histogram has so many times, of so many milliseconds in all.
func (f *fake) wantTimes(what string, h *latency.Histogram, n, ms uint64) {
	f.t.Helper()
	if h == nil {
		h = &latency.Histogram{}
	}
	if h.Total() != n || (h.Sum+500)/1000 != ms {
		f.t.Errorf("%s: %d times of %d us, want %d of %d ms", what, h.Total(), h.Sum, n, ms)
	}
}

// TestTimesOfServersAndHolds: of a request that has waited for a server, the whole time is by group, the part after it
// was sent is its server's, and the part before is that of the hold.
func TestTimesOfServersAndHolds(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "GET k / HSET h f v / BLPOP l 0")
	f.after(2 * time.Millisecond)
	f.reply(0, "$1\r\nv\r\n:1\r\n")
	f.connect()
	f.after(5 * time.Millisecond)
	f.reply(1, "*2\r\n$1\r\nl\r\n$1\r\nv\r\n") // its wait is no time of a server
	at := f.times()
	f.wantTimes("strings", at.ByGroup[routing.StringGroup], 1, 2)
	f.wantTimes("hashes", at.ByGroup[routing.HashGroup], 1, 2)
	f.wantTimes("lists", at.ByGroup[routing.ListGroup], 0, 0)
	f.wantTimes("all", &at.Took, 2, 4)
	f.wantTimes("reads of a", at.Nodes[0].Took[0], 1, 2)
	f.wantTimes("writes of a", at.Nodes[0].Took[1], 1, 2)

	f.see(-1, -1)
	f.say(c, "INCR n")
	f.after(300 * time.Millisecond)
	f.see(1, -1)
	f.Rest()
	f.connect()
	f.after(7 * time.Millisecond)
	f.reply(f.connTo("b"), ":1\r\n")
	at = f.times()
	f.wantTimes("strings", at.ByGroup[routing.StringGroup], 2, 309)
	f.wantTimes("writes of b", at.Nodes[1].Took[1], 1, 7)
	f.wantTimes("reads of b", at.Nodes[1].Took[0], 0, 0)
	f.wantTimes("holds", at.Waited[sessions.Released], 2, 300) // BLPOP waited for its connection, for no time

	f.see(-1, -1)
	f.say(c, "INCR n")
	f.after(30 * time.Second)
	f.wantTimes("holds in vain", f.times().Waited[sessions.Expired], 1, 30_000)
}

// TestTimesOfANodeEndWithIt: a node that is in the view no more, and has no connection, has no times.
func TestTimesOfANodeEndWithIt(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "GET k")
	f.after(2 * time.Millisecond)
	f.reply(0, "$1\r\nv\r\n")
	f.see(1, -1)
	f.Rest()
	f.connect()
	f.wantTimes("a as a replica", f.times().Nodes[0].Took[0], 1, 2)
	v := *f.View
	v.Epoch++
	v.Nodes = append(v.Nodes[:0:0], v.Nodes...)
	v.Nodes[0] = nil
	v.Shards = append(v.Shards[:0:0], v.Shards...)
	v.Shards[0].Replicas = v.Shards[0].Replicas[1:]
	f.View = &v
	f.after(time.Minute)
	if at := f.times().Nodes[0]; at.Took[0] != nil || at.Requests != 1 {
		t.Errorf("the node that is gone has %v", at)
	}
	f.see(0, -1)
	f.Rest()
	f.connect()
	f.say(c, "GET k")
	f.after(3 * time.Millisecond)
	f.reply(f.connTo("a"), "$1\r\nv\r\n")
	f.wantTimes("a, back", f.times().Nodes[0].Took[0], 1, 3)
}
