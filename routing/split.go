package routing

import (
	"slices"

	"evergate/topology"
)

// split divides by slot, not by shard: a server rejects a command with keys in several slots even if it serves them
// all. The parts are in order of slots, the arguments of a part in the order of the request.
func (d *Decision) split(c *Command, args [][]byte, keys span, v *topology.View) {
	n := keys.count()
	found := slices.Grow(d.found[:0], n)
	for at := keys.first; at <= keys.last; at += keys.step {
		found = append(found, uint64(Slot(args[at]))<<32|uint64(at))
	}
	d.room = slices.Grow(d.room[:0], n)[:n]
	sortBySlot(found, d.room)
	parts := 1
	for i := 1; i < n; i++ {
		if found[i]>>32 != found[i-1]>>32 {
			parts++
		}
	}
	d.Kind, d.Merge, d.Shard, d.Slot = Split, c.Merge, -1, -1
	d.Parts = slices.Grow(d.Parts[:0], parts)
	all := slices.Grow(d.args[:0], n*keys.step)
	for i := 0; i < n; {
		slot := found[i] >> 32
		from := len(all)
		for ; i < n && found[i]>>32 == slot; i++ {
			at := int(found[i] & (1<<32 - 1))
			for next := at; next < at+keys.step; next++ {
				all = append(all, next)
			}
		}
		part := Part{Slot: int(slot), Shard: shardOf(v, int(slot)), Args: all[from:len(all):len(all)]}
		d.Parts = append(d.Parts, part)
	}
	d.found, d.args = found, all
	if n > keysKept {
		d.found, d.room, d.args = nil, nil, nil
	}
}

// sortBySlot sorts by slots, which are at bit 32 and up, and keeps the order of equal ones: seven bits at a time,
// without a branch that depends on a key. room has the same length.
func sortBySlot(found, room []uint64) {
	for shift := 32; shift < 46; shift += 7 {
		var next [128]int32
		for _, f := range found {
			next[f>>shift&127]++
		}
		sum := int32(0)
		for i, count := range next {
			next[i], sum = sum, sum+count
		}
		for _, f := range found {
			at := &next[f>>shift&127]
			room[*at] = f
			*at++
		}
		found, room = room, found
	}
}

// keysKept is the most keys of a request whose scratch space is kept for the next one.
const keysKept = 1 << 10
