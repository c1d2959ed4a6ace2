package worker

import (
	"strconv"
	"strings"

	"evergate/topology"
)

// ownSlots is what a cluster's node says of its own slots in CLUSTER NODES.
type ownSlots struct {
	owned [topology.Slots]bool
	// moving tells the address of the node that a slot is being moved to.
	moving map[int]string
}

// parseSlots reads CLUSTER NODES. What it does not understand is not owned.
func parseSlots(text string) *ownSlots {
	s := &ownSlots{moving: map[int]string{}}
	addrs := map[string]string{}
	var own []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		addr, _, _ := strings.Cut(fields[1], "@")
		addrs[fields[0]] = addr
		if strings.Contains(fields[2], "myself") && len(fields) > 8 {
			own = fields[8:]
		}
	}
	for _, word := range own {
		if inner, ok := strings.CutPrefix(word, "["); ok {
			if slot, id, ok := strings.Cut(strings.TrimSuffix(inner, "]"), "->-"); ok {
				if n, ok := slotOf(slot); ok {
					s.moving[n] = addrs[id]
				}
			}
			continue
		}
		first, last, ranged := strings.Cut(word, "-")
		if !ranged {
			last = first
		}
		a, okA := slotOf(first)
		b, okB := slotOf(last)
		for slot := a; okA && okB && slot <= b; slot++ {
			s.owned[slot] = true
		}
	}
	return s
}

// has says that the node has a slot, and all of it.
func (s *ownSlots) has(slot int) bool {
	_, leaves := s.moving[slot]
	return s.owned[slot] && !leaves
}

func slotOf(word string) (int, bool) {
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 0 && n < topology.Slots
}
