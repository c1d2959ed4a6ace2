package routing

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortBySlot(t *testing.T) {
	for n := range 300 {
		found := make([]uint64, n)
		for i := range found {
			found[i] = uint64(rand.IntN(1<<14))>>(n%8)<<32 | uint64(i)
		}
		want := slices.Clone(found)
		slices.Sort(want)
		if sortBySlot(found, make([]uint64, n)); !slices.Equal(found, want) {
			t.Fatalf("%x, want %x", found, want)
		}
	}
}
