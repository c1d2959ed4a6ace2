package shared

import (
	"sync"

	"evergate/gateway/multi"
)

// printsMax bounds the prints that are remembered: a failover, a restart or a migrated slot makes one, if a client
// scans then. The oldest are dropped first.
const printsMax = 1 << 14

// Prints gives servers the short numbers by which SCAN cursors name them. Each gateway computes the same ones, and none
// gives a number to two servers that it has met: the later one gets the next free number. A cursor whose number a
// gateway cannot resolve restarts that part of the scan.
type Prints struct {
	mu    sync.Mutex
	of    map[printNumber]uint64
	order []printNumber // oldest first
}

// printNumber is a number of so many bits.
type printNumber struct {
	bits   int
	number uint32
}

func NewPrints() *Prints { return &Prints{of: map[printNumber]uint64{}} }

// Give returns the print of a server, or of a server with certain slots: identity is a hash of what identifies it.
func (p *Prints) Give(identity uint64, bits int) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := printNumber{bits, multi.FirstPrint(identity, bits)}
	for {
		owner, taken := p.of[key]
		if taken && owner == identity {
			return key.number
		}
		if !taken {
			break
		}
		key.number = key.number%(1<<bits-1) + 1
	}
	if len(p.order) == printsMax {
		delete(p.of, p.order[0])
		p.order = p.order[1:]
	}
	p.of[key] = identity
	p.order = append(p.order, key)
	return key.number
}
