package worker

import (
	"strconv"

	"evergate/topology"
)

// A cursor of the gateway holds all that is known of a scan, so any gateway can go on with it, and none remembers one:
//
//	bits  0-13   slot: everything below it has been scanned
//	bits 14-15   stage
//	bits 16-29   print: of the server and the slots that at belongs to; 0 for none
//	bits 30-63   at: the server's own cursor
//
// Where the print is another than that of the server which is asked now, the scan of the slots from slot on begins
// again: elements may be seen twice, none is left out. A print has 14 bits, so one change in 16,000 goes unseen.
type cursor struct {
	slot  int
	stage stage
	print uint16
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
	slotBits  = 14
	stageBits = 2
	printBits = 14
	atShift   = slotBits + stageBits + printBits
)

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

// parseCursor reads a cursor as servers do: an unsigned decimal, of which not all need make sense.
func parseCursor(word []byte) (cursor, bool) {
	n, err := strconv.ParseUint(string(word), 10, 64)
	c := cursor{
		slot: int(n & (1<<slotBits - 1)), stage: stage(n >> slotBits & (1<<stageBits - 1)),
		print: uint16(n >> (slotBits + stageBits) & (1<<printBits - 1)), at: n >> atShift,
	}
	if c.stage == following && c.print == 0 {
		c.stage, c.at = scanning, 0
	}
	return c, err == nil
}

// fits says that there is room for the server's own cursor.
func (c cursor) fits() bool { return c.at>>(64-atShift) == 0 }

func (c cursor) number() uint64 {
	return uint64(c.slot) | uint64(c.stage)<<slotBits | uint64(c.print)<<(slotBits+stageBits) | c.at<<atShift
}

// printOf is what a cursor remembers of a server, and of other facts that its own cursor depends on. It is never 0.
func printOf(n *topology.Node, facts ...uint64) uint16 {
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
	return uint16((h^h>>32)%(1<<printBits-1)) + 1
}
