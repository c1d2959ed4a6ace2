package worker_test

import (
	"strings"
	"testing"
	"time"
)

// What the worker goes by.
const (
	wideBytes     = 2 << 20   // written in a round where nobody else uses the server
	sliceBytes    = 256 << 10 // where somebody does, every sliceEvery
	sliceEvery    = time.Millisecond
	slicePatience = 10 * time.Millisecond // the longest that a slice waits for another's answer
	othersFor     = 20 * time.Millisecond // how long after the last request of others more are expected
)

// A long SET goes to the server as fast as that reads while nobody else uses it; else slice by slice, no faster
// than it answers others meanwhile.
func TestLongRequestGoesInSlices(t *testing.T) {
	t.Run("plain", func(t *testing.T) { longRequest(t, 0) })
	t.Run("TLS", func(t *testing.T) { longRequest(t, 64<<10) })
}

// longRequest has a long SET written, at most so many bytes at a time; 0: all that is offered.
func longRequest(t *testing.T, atOnce int) {
	f := newFake(t)
	f.AtOnce = atOnce
	c := f.steady()
	other := f.open()
	f.say(c, "SET big "+strings.Repeat("x", 2*wideBytes+5*sliceBytes))
	f.Rest()
	f.connect() // the other connection
	want := func(n int, when string) {
		t.Helper()
		if len(f.Servers[1]) != n {
			t.Fatalf("%s: %d bytes were written, not %d", when, len(f.Servers[1]), n)
		}
	}
	at := wideBytes
	want(at, "at once")
	f.after(othersFor)
	at += wideBytes
	want(at, "in the next round")
	f.say(other, "GET k")
	f.after(time.Microsecond)
	want(at, "when somebody comes")
	f.after(sliceEvery)
	at += sliceBytes
	want(at, "a millisecond later")
	f.after(sliceEvery)
	want(at, "before the other was answered")
	f.reply(0, "$1\r\nv\r\n")
	f.wantGot(other, "$1\r\nv\r\n")
	f.say(other, "GET k")
	f.after(sliceEvery)
	at += sliceBytes
	want(at, "when it was")
	f.after(slicePatience)
	at += sliceBytes
	want(at, "when the other waits for long")
	f.reply(0, "$1\r\nv\r\n")
	f.after(sliceEvery)
	at += sliceBytes
	want(at, "when others have just been there")
	f.after(othersFor)
	if f.servers[1].Partial() {
		t.Error("the rest does not go at once where nobody comes any more")
	}
	f.reply(1, "+OK\r\n")
	f.wantGot(c, "+OK\r\n")
}
