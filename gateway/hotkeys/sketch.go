package hotkeys

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// KeyBytes is how much is kept of a key. Longer ones are told apart by all of their bytes, and shown cut.
const KeyBytes = 256

// Sketch finds the keys with the greatest sums among any number of keys, in room for a fixed number: Space-Saving
// (Metwally et al., 2005). With room for m keys and sums of N in all, no sum is overrated by more than N/m, Count.Over
// bounds by how much, and a key with a sum above N/m is always there. NewSketch makes it.
type Sketch struct {
	heap  []counter        // the least sum first
	place map[uint64]int32 // in heap, by hash
	total uint64
}

// counter is a key and its sum.
type counter struct {
	hash uint64
	sum  uint64
	over uint64 // what others had before it, which is in the sum
	key  []byte // its own buffer, which the next key of the place reuses
}

// Count is a key of a Sketch with its sum, of which at most Over belongs to others.
type Count struct {
	Key  string
	Sum  uint64
	Over uint64
}

// seed is that of all sketches. Two keys with the same hash of 64 bits are taken for one.
var seed = maphash.MakeSeed()

// NewSketch makes an empty sketch with room for so many keys.
func NewSketch(keys int) *Sketch {
	return &Sketch{heap: make([]counter, 0, keys), place: make(map[uint64]int32, keys)}
}

// Add adds to the sum of a key, which is copied.
func (s *Sketch) Add(key []byte, n uint64) {
	s.total += n
	hash := maphash.Bytes(seed, key)
	if at, found := s.place[hash]; found {
		s.heap[at].sum += n
		s.sink(int(at))
		return
	}
	key = key[:min(len(key), KeyBytes)]
	if at := len(s.heap); at < cap(s.heap) {
		s.heap = s.heap[:at+1]
		c := &s.heap[at]
		c.hash, c.sum, c.over, c.key = hash, n, 0, append(c.key[:0], key...)
		s.place[hash] = int32(at)
		s.rise(at)
		return
	}
	least := &s.heap[0]
	delete(s.place, least.hash)
	least.hash, least.over, least.key = hash, least.sum, append(least.key[:0], key...)
	least.sum += n
	s.place[hash] = 0
	s.sink(0)
}

// sink moves a counter whose sum has grown behind those with smaller sums.
func (s *Sketch) sink(at int) {
	for {
		child := 2*at + 1
		if child+1 < len(s.heap) && s.heap[child+1].sum < s.heap[child].sum {
			child++
		}
		if child >= len(s.heap) || s.heap[child].sum >= s.heap[at].sum {
			return
		}
		s.swap(at, child)
		at = child
	}
}

// rise moves a new counter in front of those with greater sums.
func (s *Sketch) rise(at int) {
	for at > 0 && s.heap[at].sum < s.heap[(at-1)/2].sum {
		s.swap(at, (at-1)/2)
		at = (at - 1) / 2
	}
}

func (s *Sketch) swap(a, b int) {
	s.heap[a], s.heap[b] = s.heap[b], s.heap[a]
	s.place[s.heap[a].hash], s.place[s.heap[b].hash] = int32(a), int32(b)
}

// Reset forgets all keys, and keeps the room.
func (s *Sketch) Reset() {
	s.heap, s.total = s.heap[:0], 0
	clear(s.place)
}

// Total is the sum over all keys, also those that are not there.
func (s *Sketch) Total() uint64 { return s.total }

// Counts returns the keys that are there, in no order.
func (s *Sketch) Counts() []Count {
	counts := make([]Count, 0, len(s.heap))
	for i := range s.heap {
		c := &s.heap[i]
		counts = append(counts, Count{Key: string(c.key), Sum: c.sum, Over: c.over})
	}
	return counts
}

// AtLeast is the part of the sum that surely belongs to the key.
func (c Count) AtLeast() uint64 { return c.Sum - c.Over }

// Top joins the counts of several sketches and returns the n keys with the greatest sums that are sure, greatest first.
// A key that is sure of nothing is left out.
func Top(n int, all ...[]Count) []Count {
	joined := map[string]Count{}
	for _, counts := range all {
		for _, c := range counts {
			sum := joined[c.Key]
			joined[c.Key] = Count{Key: c.Key, Sum: sum.Sum + c.Sum, Over: sum.Over + c.Over}
		}
	}
	top := make([]Count, 0, len(joined))
	for _, c := range joined {
		if c.AtLeast() > 0 {
			top = append(top, c)
		}
	}
	slices.SortFunc(top, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.AtLeast(), a.AtLeast()), cmp.Compare(a.Key, b.Key))
	})
	return top[:min(n, len(top))]
}
