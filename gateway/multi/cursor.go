package multi

import (
	"strconv"

	"evergate/gateway/resp"
	"evergate/topology"
)

// A cursor of the gateway holds all that is known of a scan, so any gateway can go on with it, and none remembers one.
// It is below 2^53, since there are clients that hold it as a floating-point number (node-redis 4). Where it goes
// through the slots of a cluster, and where it does not:
//
//	bits  0-13  slot: everything below it has been scanned
//	bits 14-15  stage
//	bits 16-32  print: of the server and the slots that at belongs to; 0 for none     bits  0-27  print
//	bits 33-52  at: of the server's own cursor as many low bits                       bits 28-52  at
//
// A server's cursor is the number of a bucket of its hash table, counted from the highest bit down, and servers cut it
// to its low bits themselves when a table has shrunk: what is cut off is less than the place of one bucket of the
// smaller table, which is scanned again from its beginning. So may the gateway, if every page ends in another such
// bucket than it began in, see walk.moreOf. (Where a table belongs to a slot, in newer servers, the slot is in the
// lowest bits.)
//
// Where the print is another than that of the server which is asked now, the scan of the slots from slot on begins
// again: elements may be seen twice, none is left out. No two servers that a gateway has met have the same print, see
// Env.Print; one that it has not met may have, once in 100,000 times.
type cursor struct {
	slot  int
	stage stage
	print uint32
	at    uint64
}

// stage is what is done at the slot of a cursor.
type stage uint8

const (
	// scanning asks the slot's owner for its elements, as far as its slots go on without a gap.
	scanning stage = iota
	// following asks the server that the slot is being moved to, when its owner has been scanned. With no print it is
	// the beginning of a scan that begins again: at slot 0 nothing else differs from the cursor that ends one.
	following
	// checking asks the owner whether it has had the slots to the end.
	checking
	// checkingFollowed asks the owner whether the slot is still being moved, or has been.
	checkingFollowed
)

const (
	cursorBits = 53
	slotBits   = 14
	stageBits  = 2
)

// layout says how many bits of a cursor are for what.
type layout struct{ place, print, at int }

var (
	throughSlots = layout{place: slotBits + stageBits, print: 17, at: 20}
	ofOneServer  = layout{print: 28, at: 25}
)

// cut leaves of a server's cursor what there is room for.
func (l layout) cut(at uint64) uint64 { return at & (1<<l.at - 1) }

// finished is the cursor that ends a scan, and begins one.
var finished = cursor{}

// from is the cursor of a scan that begins (again) at a slot; one behind the last ends it.
func from(slot int) cursor {
	switch slot {
	case 0:
		return cursor{stage: following}
	case topology.Slots:
		return finished
	}
	return cursor{slot: slot}
}

// parseCursor reads a cursor as servers do, with C's strtoul: nothing is 0, a sign is taken, and not all need make
// sense.
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

// read gives the parts of a cursor. One that no gateway has written is of no server.
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

// write puts the parts together. What the server's own cursor has too much is cut off.
func (l layout) write(c cursor) uint64 {
	number := l.cut(c.at)<<(l.place+l.print) | uint64(c.print)<<l.place
	if l.place > 0 {
		number |= uint64(c.slot) | uint64(c.stage)<<slotBits
	}
	return number
}

// printOf is what a cursor remembers of a server, and of other facts that its own cursor depends on. It is never 0.
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

// FirstPrint is the print of bits bits that an identity has where no other has it: 1 or more.
func FirstPrint(identity uint64, bits int) uint32 {
	return uint32((identity^identity>>32)%(1<<bits-1)) + 1
}
