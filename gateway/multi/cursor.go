package multi

import (
	"strconv"

	"evergate/gateway/resp"
	"evergate/topology"
)

// cursor is what SCAN returns to a client. It holds all that is known of the scan, so any gateway can continue one, and
// none remembers any. It is below 2^53, since some clients hold it as a floating-point number (node-redis 4). Its bits
// where the scan goes through the slots of a cluster, and where it does not:
//
//	bits  0-13  slot: everything below it has been scanned
//	bits 14-15  stage
//	bits 16-32  print: of the server and the slots that at belongs to; 0 for none     bits  0-27  print
//	bits 33-52  at: as many low bits of the server's own cursor                       bits 28-52  at
//
// A server's cursor is the number of a bucket of its hash table, counted from the highest bit down, and servers cut it
// to its low bits themselves when a table has shrunk: what is cut off is less than the place of one bucket of the
// smaller table, which is scanned again from its beginning. The gateway may do so, too, if every page ends in another
// such bucket than it began in, see scan.on. (Where newer servers have a table for each slot, the slot is in the lowest
// bits.)
//
// Where the print is not that of the server which is asked now, the scan of the slots from slot on begins again:
// elements may be returned twice, none is left out. No two servers that a gateway has met have the same print, see
// Config.Print; one that it has not met may have, once in 100,000 times.
type cursor struct {
	slot  int
	stage stage
	print uint32
	at    uint64
}

// stage is what is to be done at the slot of a cursor.
type stage uint8

const (
	// scanning asks the slot's owner for the elements in it, and in the slots behind it without a gap.
	scanning stage = iota
	// following asks the server that the slot is being moved to, when its owner was scanned. Without a print it is the
	// beginning of a scan that begins again: at slot 0 nothing else differs from the cursor that ends one.
	following
	// checking asks the owner whether it owned the slots to the end.
	checking
	// checkingFollowed asks the owner whether the slot is still being moved, or was moved.
	checkingFollowed
)

const (
	cursorBits = 53
	slotBits   = 14
	stageBits  = 2
)

// layout is how many bits of a cursor are for what.
type layout struct{ place, print, at int }

var (
	throughSlots = layout{place: slotBits + stageBits, print: 17, at: 20}
	ofOneServer  = layout{print: 28, at: 25}
)

// finished is the cursor that ends a scan, and begins one.
var finished = cursor{}

// cut returns those low bits of a server's cursor that there is room for.
func (l layout) cut(at uint64) uint64 { return at & (1<<l.at - 1) }

// from is the cursor of a scan that begins, or begins again, at a slot; behind the last slot the scan has ended.
func from(slot int) cursor {
	switch slot {
	case 0:
		return cursor{stage: following}
	case topology.Slots:
		return finished
	}
	return cursor{slot: slot}
}

// parseCursor reads a cursor as servers do, with C's strtoul: an empty one is 0, and a sign is allowed. Any number is
// accepted, whether or not a gateway has written it.
func parseCursor(word []byte) (number uint64, ok bool) {
	digits := resp.Cut(word, len(word))
	if len(digits) == 0 {
		return 0, true
	}
	negative := digits[0] == '-'
	if negative || digits[0] == '+' {
		digits = digits[1:]
	}
	number, err := strconv.ParseUint(string(digits), 10, 64)
	if negative {
		number = -number
	}
	return number, err == nil
}

// read returns the parts of a cursor. One that no gateway has written has no print.
func (l layout) read(number uint64) (c cursor) {
	place := number & (1<<l.place - 1)
	c.slot, c.stage = int(place&(1<<slotBits-1)), stage(place>>slotBits)
	if number>>cursorBits == 0 {
		c.print, c.at = uint32(number>>l.place&(1<<l.print-1)), number>>(l.place+l.print)
	}
	if c.stage == following && c.print == 0 {
		c.stage = scanning
	}
	if c.print == 0 {
		c.at = 0
	}
	return c
}

// write joins the parts of a cursor. It cuts the server's own cursor to the bits that there is room for.
func (l layout) write(c cursor) uint64 {
	number := l.cut(c.at)<<(l.place+l.print) | uint64(c.print)<<l.place
	if l.place > 0 {
		number |= uint64(c.slot) | uint64(c.stage)<<slotBits
	}
	return number
}

// printOf is the print of a server, and of other facts that its own cursor depends on. It is never 0.
func (m *Multi) printOf(l layout, n *topology.Node, facts ...uint64) uint32 {
	const prime = 1099511628211 // FNV-1a
	h := uint64(14695981039346656037)
	name := n.RunID
	if name == "" { // it may not be asked
		name = n.Announced
	}
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	for _, fact := range facts {
		for range 8 {
			h = (h ^ fact&0xff) * prime
			fact >>= 8
		}
	}
	return m.conf.Print(h, l.print)
}

// FirstPrint is the print of this many bits, 1 or more, of an identity, unless another identity has it.
func FirstPrint(identity uint64, bits int) uint32 {
	return uint32((identity^identity>>32)%(1<<bits-1)) + 1
}
