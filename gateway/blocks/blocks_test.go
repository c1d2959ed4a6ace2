package blocks

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestClasses(t *testing.T) {
	for i := range classes {
		size := sizeOf(i)
		if got := classFor(size); got != i {
			t.Errorf("class %d is of %d bytes, for which there is class %d", i, size, got)
		}
		if got := classFor(size + 1); got != i+1 {
			t.Errorf("%d bytes have class %d, want %d", size+1, got, i+1)
		}
	}
	if top := sizeOf(classes - 1); top != 2<<20 {
		t.Errorf("the largest class is of %d bytes", top)
	}
	for n := smallest; n < 2<<20; n += 1 + n/9 {
		if size := sizeOf(classFor(n)); size < n || size-n > size/3 {
			t.Errorf("%d bytes get a block of %d", n, size)
		}
	}
}

// TestNoBlockHasTwoOwners takes, grows and gives back at random, and checks that no held block was overwritten.
func TestNoBlockHasTwoOwners(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var p Pool
	type held struct {
		b    []byte
		mark byte
	}
	var all []held
	for step := range 5000 {
		switch at := rnd.IntN(len(all) + 1); {
		case at == len(all) || len(all) < 8:
			n := rnd.IntN(100 << rnd.IntN(10))
			all = append(all, held{append(p.Take(n), bytes.Repeat([]byte{byte(step)}, n)...), byte(step)})
		case rnd.IntN(3) == 0:
			n, h := rnd.IntN(5000), &all[at]
			h.b = append(p.Room(h.b, n), bytes.Repeat([]byte{h.mark}, n)...)
		default:
			h := all[at]
			if n := bytes.Count(h.b, []byte{h.mark}); n != len(h.b) {
				t.Fatalf("step %d: %d of %d bytes are another's", step, len(h.b)-n, len(h.b))
			}
			p.Give(h.b)
			all[at] = all[len(all)-1]
			all = all[:len(all)-1]
		}
		if rnd.IntN(500) == 0 {
			p.Trim()
		}
		if p.Kept() < 0 || p.Kept() > keptBytesMax {
			t.Fatalf("step %d: keeps %d bytes", step, p.Kept())
		}
	}
}

func TestBlocksAreReused(t *testing.T) {
	var p Pool
	b := append(p.Take(100_000), "x"...)
	p.Give(b)
	if reused := p.Take(99_000); len(reused) != 0 || &reused[:1][0] != &b[0] {
		t.Errorf("another block of %d bytes", cap(reused))
	}
	p.Give(b)
	if poison && b[0] == 'x' {
		t.Error("what was given back can still be read")
	}
	if n := testing.AllocsPerRun(100, func() { p.Give(p.Room(p.Take(100), 70_000)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestBlocksThatAreNotKept: sizes outside of the classes are left to Go's collector, and a nil Pool works.
func TestBlocksThatAreNotKept(t *testing.T) {
	var p, none *Pool
	p = &Pool{}
	for _, b := range [][]byte{nil, make([]byte, 700), make([]byte, 0, 3<<20), p.Take(2<<20 + 1), make([]byte, 768)[3:]} {
		if p.Give(b); p.Kept() != 0 {
			t.Fatalf("a block of %d bytes was kept", cap(b))
		}
	}
	none.Give(none.Room(none.Take(10), 100))
	for range 2 * keptBytesMax >> 20 {
		p.Give(make([]byte, 1<<20))
	}
	if p.Kept() != keptBytesMax {
		t.Errorf("keeps %d bytes, want %d", p.Kept(), keptBytesMax)
	}
}

// TestTrim: after a peak the pool shrinks to the size that is needed.
func TestTrim(t *testing.T) {
	var p Pool
	for range 100 {
		p.Give(make([]byte, 0, 64<<10))
	}
	busy := func() {
		a, b := p.Take(60_000), p.Take(60_000)
		p.Give(a)
		p.Give(b)
	}
	for range 10 {
		busy()
		p.Trim()
	}
	if p.Kept() != 2*64<<10 {
		t.Errorf("keeps %d bytes while two blocks of 64 KiB are in use", p.Kept())
	}
	for range 3 {
		p.Trim()
	}
	if p.Kept() != 0 {
		t.Errorf("keeps %d bytes when idle", p.Kept())
	}
}

// BenchmarkTakeLarge takes a block that is larger than those that are kept.
func BenchmarkTakeLarge(b *testing.B) {
	var p *Pool
	for b.Loop() {
		p.Take(64 << 20)
	}
}
