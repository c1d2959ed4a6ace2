// Package blocks is a pool of memory blocks, and the Queue of frames that a connection keeps in them. A worker moves
// bytes from one socket to another all the time: to collect them as garbage would cost more than to move them.
//
//	b := p.Take(len(frame))    // empty, with room for it
//	b = p.Room(b, 100)         // 100 bytes more, elsewhere if need be
//	p.Give(b)                  // it is not used any more
//	p.Trim()                   // once in a while: blocks that were not needed go to Go's collector
//
// A block that is not given back is ordinary garbage. Rejected: sync.Pool, which is for many goroutines, needs an
// allocation for each slice, and is emptied by the collector.
package blocks

import "math/bits"

const (
	// smallest is the size in bytes of the smallest class. The sizes are powers of two and one and a half times those, so
	// that at most a third of a block is unused.
	smallest = 512
	// classes is the number of classes; the largest has 2 MiB. Larger blocks are not kept.
	classes = 25
	// keptBytesMax bounds the size of a pool.
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

// Take returns an empty block with room for at least n bytes. The caller owns it.
func (p *Pool) Take(n int) []byte {
	i := classFor(n)
	if i >= classes {
		return uncleared(n)
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

// Room returns b with space for n more bytes; if it has moved, the old block was given back. It grows in large steps,
// since a block that grows once often grows again.
func (p *Pool) Room(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	if cap(b) < largeStep {
		need = max(need, 8*cap(b))
	} else {
		need = max(need, min(2*cap(b), cap(b)+max(stepMax, cap(b)/2)))
	}
	fresh := append(p.Take(need), b...)
	p.Give(b)
	return fresh
}

const (
	// largeStep is the size from which Room doubles a block; smaller ones grow eightfold.
	largeStep = 32 << 10
	// stepMax is the most that Room adds to a block, and half of a larger one: each byte is copied a few times in all.
	stepMax = 4 << 20
)

// Give takes a block back, which must begin where it did when it was taken. Builds with the race detector overwrite it,
// so that tests find a later use. Other slices may be given too, also nil: only sizes of a class are kept.
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

// Trim drops half of the blocks that were not needed since the last Trim, so that the memory of a peak is gone after a
// few calls.
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

// Kept returns how many bytes the pool holds.
func (p *Pool) Kept() int { return p.kept }

// classFor returns the class of blocks of at least n bytes; classes or more if there is none.
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
