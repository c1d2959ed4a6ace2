package downstream

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"evergate/gateway/blocks"
	"evergate/gateway/resp"
)

var limits = &resp.Limits{ArgsMax: 1 << 20, BulkBytesMax: 1 << 30, LineBytesMax: resp.LineBytes}

// TestInputKeepsWhatIsNotBegun feeds two frames in pieces of each size, and takes each as soon as it is whole.
func TestInputKeepsWhatIsNotBegun(t *testing.T) {
	frames := []string{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "*1\r\n$4\r\nPING\r\n"}
	all := []byte(frames[0] + frames[1])
	for size := 1; size <= len(all); size++ {
		var p blocks.Pool
		var in Input
		var got []string
		for b := all; len(b) > 0; {
			n := min(size, len(b))
			in.Keep(&p, b[:n])
			b = b[n:]
			for in.Len() > 0 {
				used, _, status := in.Next(in.Bytes(), nil, limits)
				if status != resp.Frame {
					break
				}
				got = append(got, string(in.Bytes()[:used]))
				in.Used(&p, used)
			}
		}
		if len(got) != 2 || got[0] != frames[0] || got[1] != frames[1] || in.Len() != 0 {
			t.Fatalf("in pieces of %d: %q, %d bytes are left", size, got, in.Len())
		}
	}
}

// TestInputHandsOver: only a frame that is all there is leaves with its buffer.
func TestInputHandsOver(t *testing.T) {
	var p blocks.Pool
	var in Input
	in.Keep(&p, []byte("PING\r\nPING\r\n"))
	if in.HandOver(in.Bytes()[:6]) || in.HandOver([]byte("PING\r\nPING\r\n")) || in.HandOver(nil) {
		t.Fatal("what is not the buffer is handed over")
	}
	if !in.HandOver(in.Bytes()) || in.Len() != 0 {
		t.Error("the buffer is kept")
	}
	in.Used(&p, 12)
}

// TestInputIsReadStraight: once a frame's length is known, its rest goes to where it belongs.
func TestInputIsReadStraight(t *testing.T) {
	var p blocks.Pool
	var in Input
	if room, _ := in.Straight(); room != nil {
		t.Fatal("there is room for a frame of unknown size")
	}
	value := bytes.Repeat([]byte("v"), 100<<10)
	frame := resp.AppendCommand(nil, []byte("SET"), []byte("k"), value)
	in.Keep(&p, frame[:20<<10])
	in.Next(in.Bytes(), nil, limits)
	rest := frame[20<<10:]
	for len(rest) > 0 {
		room, all := in.Straight()
		if len(room) == 0 {
			in.Keep(&p, rest[:1])
			rest = rest[1:]
			continue
		}
		n := copy(room, rest)
		if all != (n == len(rest)) {
			t.Fatalf("room for %d of %d, all: %t", n, len(rest), all)
		}
		in.Filled(n)
		rest = rest[n:]
	}
	if n, _, status := in.Next(in.Bytes(), nil, limits); status != resp.Frame || !bytes.Equal(in.Bytes()[:n], frame) {
		t.Errorf("%v, %d bytes", status, n)
	}
}

// TestLongInputGrowsInParts: a long buffer that has become too small is copied a part at a time, by what comes and by
// Move; whoever cannot wait gets all of it.
func TestLongInputGrowsInParts(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		var p blocks.Pool
		var in Input
		var want []byte
		moves := 0
		for n := byte(0); len(want) < 2<<20; n++ {
			piece := bytes.Repeat([]byte{'a' + n%26}, 60<<10)
			want = append(want, piece...)
			done, from := 0, in.moving
			if from != nil {
				done = from.done
			}
			in.Keep(&p, piece)
			if m := in.moving; m != nil {
				if m != from {
					done = 0
				}
				if m.done-done > moveBytes {
					t.Fatalf("%d bytes were copied at once", m.done-done)
				}
				if room, _ := in.Straight(); room != nil {
					t.Fatal("there is room to read into beside what is being moved")
				}
				if kept := len(m.from) + in.Len(); in.Cap() < kept {
					t.Fatalf("%d bytes are kept in two buffers, %d are counted", kept, in.Cap())
				}
			}
			for !atOnce && !in.Move(&p) {
				moves++
			}
			if atOnce && n%16 == 0 || !atOnce {
				if !bytes.Equal(in.Bytes(), want) {
					t.Fatalf("%d bytes differ from the %d that were kept", in.Len(), len(want))
				}
			}
		}
		if !atOnce && moves == 0 {
			t.Error("nothing was copied in parts")
		}
		if in.Used(&p, 1000); !bytes.Equal(in.Bytes(), want[1000:]) {
			t.Error("what was begun is not what is gone")
		}
	}
}

func TestOutput(t *testing.T) {
	var p blocks.Pool
	var o Output
	var want []byte
	for i := range 1000 {
		b := bytes.Repeat([]byte{byte('a' + i%26)}, i%97)
		o.Append(&p, b)
		want = append(want, b...)
		n := min(o.Len(), i%61)
		if !bytes.Equal(o.Bytes(), want) {
			t.Fatalf("step %d: %d bytes, want %d", i, o.Len(), len(want))
		}
		o.Wrote(&p, n)
		want = want[n:]
	}
	o.Append(&p, []byte("*3\r\n"))
	if o.Mark(4, '>'); !bytes.HasSuffix(o.Bytes(), []byte(">3\r\n")) {
		t.Errorf("%q", o.Bytes()[o.Len()-4:])
	}
	if o.Drop(&p); o.Len() != 0 || o.Cap() != 0 {
		t.Error("something is left")
	}
}

// TestLongOutput compares an output with one long slice. What is appended to a long one moves nothing.
func TestLongOutput(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var p blocks.Pool
		var o, kept Output
		var want []byte
		for step := range 300 {
			size := []int{1, 100, 60 << 10, blockBytes - 1, blockBytes + 1, 3 * blockBytes}[r.IntN(6)]
			b := bytes.Repeat([]byte{byte('a' + step%26)}, 1+r.IntN(size))
			front := o.Bytes()
			switch r.IntN(4) {
			case 0:
				o.Append(&p, b)
				o.Mark(len(b), '>')
				b[0] = '>'
				want = append(want, b...)
			case 1:
				kept.Append(&p, b)
				kept.Append(&p, b)
				o.TakeAll(&p, &kept)
				want = append(append(want, b...), b...)
			default:
				n := r.IntN(len(o.Bytes()) + 1)
				o.Wrote(&p, n)
				want, front = want[n:], nil
			}
			if len(front) > blockBytes && &front[0] != &o.Bytes()[0] {
				t.Fatalf("seed %d, step %d: a long output was moved", seed, step)
			}
			if !bytes.HasPrefix(want, o.Bytes()) || o.Len() != len(want) || len(o.Bytes()) == 0 && len(want) > 0 ||
				o.Cap() < o.Len() || kept.Len() > 0 {
				t.Fatalf("seed %d, step %d: %d bytes, %d first, want %d", seed, step, o.Len(), len(o.Bytes()), len(want))
			}
		}
		if o.Drop(&p); o.Len() != 0 || o.Cap() != 0 {
			t.Error("something is left")
		}
	}
}
