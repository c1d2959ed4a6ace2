package upstream

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"evergate/gateway/session"
)

func TestInflightKeepsOrder(t *testing.T) {
	var f Inflight
	next, oldest := uint32(0), uint32(0)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		if r.IntN(3) > 0 {
			f.Push().Seq = next
			next++
		} else if got := f.Front(); got != nil {
			if got.Seq != oldest {
				t.Fatalf("got %d, want %d", got.Seq, oldest)
			}
			f.Drop()
			oldest++
		} else if oldest != next {
			t.Fatalf("empty at %d of %d", oldest, next)
		}
		if f.Len() != int(next-oldest) {
			t.Fatalf("length %d", f.Len())
		}
	}
}

func TestLost(t *testing.T) {
	for _, c := range []struct {
		name     string
		requests string // one letter each: w or r of session 1, W or R of session 2
		slots    []int16
		sent     int // frames handed to the kernel
		sharded  bool
		want     string
	}{
		{"nothing sent", "wrw", nil, 0, false, "[again again again]"},
		{"a sent write is uncertain", "w", nil, 1, false, "[uncertain]"},
		{"a sent read is done again", "rr", nil, 2, false, "[again again]"},
		{"a read behind a sent write is done again", "wr", nil, 2, false, "[uncertain again]"},
		{"a read before a sent write is not", "rw", nil, 2, false, "[out-of-order uncertain]"},
		{"a read before an unsent write is", "rw", nil, 1, false, "[again again]"},
		{"sessions do not mix", "rW", nil, 2, false, "[again uncertain]"},
		{"nor do slots", "rrw", []int16{1, 2, 2}, 3, true, "[again out-of-order uncertain]"},
		{"a write without a slot is of all", "rRw", []int16{1, 1, -1}, 3, true, "[out-of-order again uncertain]"},
		{"so is a read", "rw", []int16{-1, 1}, 2, true, "[out-of-order uncertain]"},
	} {
		var l Conn
		for i, k := range c.requests {
			end := l.Queue.Append([]byte{byte(i)})
			t := Pending{End: end, To: session.Ref{ID: 1}, Seq: uint32(i), Slot: -1}
			if k == 'W' || k == 'R' {
				t.To.ID = 2
			}
			if k == 'w' || k == 'W' {
				t.Flags = Write
			}
			if c.slots != nil {
				t.Slot = c.slots[i]
			}
			*l.Inflight.Push() = t
		}
		l.Queue.Wrote(c.sent)
		got := []string{}
		for i, lost := range l.Lost(c.sharded) {
			got = append(got, [...]string{"again", "uncertain", "out-of-order"}[lost.Fate])
			if len(lost.Frame) != 1 || lost.Frame[0] != byte(i) {
				t.Errorf("%s: frame %d is %v", c.name, i, lost.Frame)
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", c.name, got, c.want)
		}
	}
}

// What was not sent can be taken off a connection, which is not used again then: it may have been encrypted.
func TestDropUnsent(t *testing.T) {
	for _, c := range []struct {
		name      string
		flags     string // of the pending requests: w or q (quiet)
		wrote     int    // bytes; each frame has three
		unsent    int
		truncated bool
	}{
		{"all sent", "ww", 6, 0, false},
		{"nothing sent", "ww", 0, 2, true},
		{"the second not", "www", 3, 2, true},
		{"half of the second", "www", 4, 2, true},
		{"behind ASKING", "wqw", 6, 1, true},
		{"ASKING and what it is for", "qww", 6, 1, true},
	} {
		var l Conn
		for i, k := range c.flags {
			t := Pending{End: l.Queue.Append([]byte{byte(i), byte(i), byte(i)}), Seq: uint32(i), Slot: -1}
			if k == 'q' {
				t.Flags = Quiet
			}
			*l.Inflight.Push() = t
		}
		l.Queue.Wrote(c.wrote)
		unsent := l.Unsent()
		for i, u := range unsent {
			if want := len(c.flags) - c.unsent + i; len(u.Frame) != 3 || int(u.Frame[0]) != want || u.Fate != Retriable {
				t.Errorf("%s: unsent %d is %+v", c.name, i, u)
			}
		}
		l.DropUnsent()
		pending, left := l.Queue.Pending(), l.Inflight.Len()
		if len(unsent) != c.unsent || l.Truncated != c.truncated || pending != 0 || left != len(c.flags)-c.unsent {
			t.Errorf("%s: %d unsent, truncated %v, %d bytes to write, %d in flight", c.name, len(unsent), l.Truncated,
				pending, left)
		}
		if l.Truncated {
			continue
		}
		end := l.Queue.Append([]byte("xyz"))
		if got := string(l.Queue.Unsent()); got != "xyz" || string(l.Queue.Frame(end-3, end)) != "xyz" {
			t.Errorf("%s: what is appended afterwards is sent as %q", c.name, got)
		}
	}
}
