// Package blocks keeps memory that nobody uses for who needs some next. A worker moves bytes from one socket to another
// all day: were they garbage afterwards, collecting them would cost more than moving them.
//
//	b := p.Take(len(frame))    // empty, with room for it
//	b = p.Room(b, 100)         // 100 bytes more, elsewhere if need be
//	p.Give(b)                  // nobody uses it any more
//	p.Trim()                   // once in a while: what nobody has needed goes back to Go's collector
//
// A block that is never given back is garbage like any other, so that forgetting one does no harm. sync.Pool is not
// taken: it is for many goroutines, its slices cost an allocation each, and it is emptied when the collector says.
package blocks

import "math/bits"

const (
	// smallest is the size in bytes of the smallest class. Each second class has twice the size, and between them stands
	// one of one and a half, so that a third of a block is unused at most.
	smallest = 512
	// classes is how many there are; the largest is of 2 MiB. Longer blocks are not kept.
	classes = 25
	// keptBytesMax bounds what a pool keeps.
	keptBytesMax = 64 << 20
)

// Pool holds free blocks by size. It belongs to one goroutine. The zero value is ready; a nil Pool keeps nothing.
type Pool struct {
	free [classes]class
	kept int // bytes in free
}

// class has the free blocks of one size.
type class struct {
	blocks [][]byte
	unused int // how many of them were not needed since the last Trim
}

// Take returns an empty block with room for at least n bytes. It is the caller's.
func (p *Pool) Take(n int) []byte {
	i := classFor(n)
	if i >= classes {
		return make([]byte, 0, n)
	}
	if p != nil {
		c := &p.free[i]
		if last := len(c.blocks) - 1; last >= 0 {
			b := c.blocks[last]
			c.blocks[last] = nil
			c.blocks = c.blocks[:last]
			c.unused = min(c.unused, last)
			p.kept -= cap(b)
			return b
		}
	}
	return make([]byte, 0, sizeOf(i))
}

// Room returns b with space for n more bytes; if that is elsewhere, b was given back. It grows in large steps, since
// what is copied once is often copied again.
func (p *Pool) Room(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	if cap(b) < largeStep {
		need = max(need, 8*cap(b))
	} else {
		need = max(need, min(2*cap(b), cap(b)+stepMax))
	}
	fresh := append(p.Take(need), b...)
	p.Give(b)
	return fresh
}

const (
	// largeStep is the size from which Room doubles a block; smaller ones grow eightfold.
	largeStep = 32 << 10
	// stepMax is the most that Room adds beyond need.
	stepMax = 4 << 20
)

// Give takes a block back, which must begin where it did when it was taken. The race detector's builds overwrite it, so
// that tests see a use after this. Other slices may be given too, also nil: only sizes of a class are kept.
func (p *Pool) Give(b []byte) {
	size := cap(b)
	i := classFor(size)
	if p == nil || i >= classes || sizeOf(i) != size || p.kept+size > keptBytesMax {
		return
	}
	if poison {
		overwrite(b[:size])
	}
	p.free[i].blocks = append(p.free[i].blocks, b[:0])
	p.kept += size
}

// Trim drops half of the blocks that were not needed since the last Trim, so that a peak is gone after a few of them.
func (p *Pool) Trim() {
	for i := range p.free {
		c := &p.free[i]
		left := len(c.blocks) - (c.unused+1)/2
		p.kept -= (len(c.blocks) - left) * sizeOf(i)
		clear(c.blocks[left:])
		c.blocks = c.blocks[:left]
		c.unused = left
	}
}

// Kept is how many bytes the pool holds.
func (p *Pool) Kept() int { return p.kept }

// classFor is the class of blocks of at least n bytes; classes or more when there is none.
func classFor(n int) int {
	if n <= smallest {
		return 0
	}
	doublings := bits.Len(uint(n-1)/smallest) - 1
	if n <= smallest<<doublings*3/2 {
		return 2*doublings + 1
	}
	return 2*doublings + 2
}

func sizeOf(i int) int {
	size := smallest << (i / 2)
	if i%2 == 1 {
		size += size / 2
	}
	return size
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}
