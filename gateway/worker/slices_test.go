package worker

import (
	"strings"
	"testing"
)

// A long SET goes to the server slice by slice, no faster than it answers others meanwhile.
func TestLongRequestGoesInSlices(t *testing.T) {
	f := newFake()
	c := f.steady()
	other := f.w.ClientOpened(0, "remote", "local")
	f.say(c, "SET big "+strings.Repeat("x", 2<<20))
	f.say(other, "GET k")
	f.round()
	f.connect() // the other lane
	want := func(slices int, when string) {
		t.Helper()
		if n := len(f.wrote[0]); n != slices*sliceBytes {
			t.Fatalf("%s: %d bytes were written, not %d slices", when, n, slices)
		}
	}
	want(1, "at once")
	f.round()
	want(1, "in the next round")
	f.after(sliceEvery)
	want(1, "before the other was answered")
	f.reply(1, "$1\r\nv\r\n")
	f.wantGot(t, other, "$1\r\nv\r\n")
	f.after(sliceEvery)
	want(2, "when it was")
	f.say(other, "GET k")
	f.round()
	f.after(slicePatience)
	want(3, "when the other waits for long")
	f.reply(1, "$1\r\nv\r\n")
	for f.w.lanes[0].Slicing() {
		f.after(sliceEvery)
	}
	f.reply(0, "+OK\r\n")
	f.wantGot(t, c, "+OK\r\n")
}
