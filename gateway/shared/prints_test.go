package shared

import (
	"testing"

	"evergate/gateway/multi"
)

func TestNoTwoServersHaveTheSamePrint(t *testing.T) {
	p, other := NewPrints(), NewPrints()
	owner := map[uint32]uint64{}
	for i := range uint64(printsMax) {
		identity := i * (1<<17 - 1) // all of them would have the same
		if i%2 > 0 {
			identity = i * 0x9e3779b97f4a7c15
		}
		n := p.Give(identity, 17)
		if _, taken := owner[n]; taken || n == 0 || n >= 1<<17 {
			t.Fatalf("the print %d of %d is another's, or has no room", n, i)
		}
		owner[n] = identity
		if p.Give(identity, 17) != n {
			t.Fatalf("%d has two prints", i)
		}
	}
	for n, identity := range owner {
		if got := p.Give(identity, 17); got != n {
			t.Fatalf("the print of %d has become %d, it was %d", identity, got, n)
		}
	}
	if len(p.of) != printsMax {
		t.Errorf("%d are remembered", len(p.of))
	}
	for i := range uint64(100) { // what has no neighbour is the same in every gateway
		identity := i * 0x9e3779b97f4a7c15
		if n := other.Give(identity, 28); n != multi.FirstPrint(identity, 28) {
			t.Errorf("%d: another gateway would say %d", n, multi.FirstPrint(identity, 28))
		}
	}
	p.Give(1<<63, 17)
	if len(p.of) != printsMax || len(p.order) != printsMax {
		t.Errorf("%d are remembered, in the order of %d", len(p.of), len(p.order))
	}
}
