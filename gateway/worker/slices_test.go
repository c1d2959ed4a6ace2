package worker

import (
	"strings"
	"testing"
	"time"
)

// A long SET goes to the server as fast as that reads while nobody else uses it; else slice by slice, no faster
// than it answers others meanwhile.
func TestLongRequestGoesInSlices(t *testing.T) {
	f := newFake()
	c := f.steady()
	other := f.w.ClientOpened(0, "remote", "local")
	f.say(c, "SET big "+strings.Repeat("x", 2*wideBytes+5*sliceBytes))
	f.round()
	f.connect() // the other lane
	want := func(n int, when string) {
		t.Helper()
		if len(f.wrote[1]) != n {
			t.Fatalf("%s: %d bytes were written, not %d", when, len(f.wrote[1]), n)
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
	f.wantGot(t, other, "$1\r\nv\r\n")
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
	if f.w.lanes[1].Slicing() {
		t.Error("the rest does not go at once where nobody comes any more")
	}
	f.reply(1, "+OK\r\n")
	f.wantGot(t, c, "+OK\r\n")
}
