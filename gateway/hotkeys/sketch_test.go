package hotkeys

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// zipf adds n keys of a Zipf distribution to a sketch, and returns how often each came.
func zipf(s *Sketch, exponent float64, n int) map[string]uint64 {
	truth := map[string]uint64{}
	draw := rand.NewZipf(rand.New(rand.NewPCG(7, 11)), exponent, 1, 1_000_000)
	for range n {
		key := fmt.Sprintf("key:%d", draw.Uint64())
		truth[key]++
		s.Add([]byte(key), 1)
	}
	return truth
}

// TestSketchKeepsItsBounds: in streams of keys with few and with many hot ones, no key is overrated by more than N/m,
// no sure part is above the truth, and each key above N/m is there.
func TestSketchKeepsItsBounds(t *testing.T) {
	const n = 100_000
	for _, exponent := range []float64{1.01, 1.2, 1.5, 2} {
		s := NewSketch(Keys)
		truth := zipf(s, exponent, n)
		if s.Total() != n {
			t.Fatalf("total %d", s.Total())
		}
		found := map[string]bool{}
		for _, c := range s.Counts() {
			found[c.Key] = true
			if c.Sum < truth[c.Key] || c.AtLeast() > truth[c.Key] || c.Over > n/Keys {
				t.Errorf("exponent %v: %s came %d times: sum %d, of which sure %d", exponent, c.Key, truth[c.Key], c.Sum,
					c.AtLeast())
			}
		}
		for key, times := range truth {
			if times > n/Keys && !found[key] {
				t.Errorf("exponent %v: %s came %d times, and is not there", exponent, key, times)
			}
		}
	}
}

// TestSketchNamesTheHottest: of a usual distribution the ten hottest keys are found in their order.
func TestSketchNamesTheHottest(t *testing.T) {
	s := NewSketch(Keys)
	truth := zipf(s, 1.2, 100_000)
	keys := make([]string, 0, len(truth))
	for key := range truth {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(truth[b], truth[a]) })
	for i, c := range Top(10, s.Counts()) {
		if c.Key != keys[i] || float64(c.AtLeast()) < 0.9*float64(truth[c.Key]) {
			t.Errorf("place %d: %s with %d, want %s with %d", i, c.Key, c.AtLeast(), keys[i], truth[keys[i]])
		}
	}
}

// TestUniformKeysAreNotHot: where no key is hot, none is called so.
func TestUniformKeysAreNotHot(t *testing.T) {
	s, rnd := NewSketch(Keys), rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		s.Add(fmt.Append(nil, rnd.IntN(100_000)), 1)
	}
	if top := Top(1, s.Counts()); top[0].AtLeast() > 20 {
		t.Errorf("%s is sure of %d of 100000", top[0].Key, top[0].AtLeast())
	}
}

// TestLongKeysDiffer: by what is not kept of them, too.
func TestLongKeysDiffer(t *testing.T) {
	s := NewSketch(4)
	long := make([]byte, 2*KeyBytes)
	s.Add(long, 1)
	long[len(long)-1] = 1
	s.Add(long, 1)
	counts := s.Counts()
	if len(counts) != 2 || len(counts[0].Key) != KeyBytes {
		t.Errorf("%d keys, the first of %d bytes", len(counts), len(counts[0].Key))
	}
}

// FuzzSketch compares a sketch with exact sums, after any keys and weights.
func FuzzSketch(f *testing.F) {
	f.Add([]byte{4, 1, 1, 2, 1, 3, 9, 4, 1, 5, 1, 1, 200})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		room := int(in[0])%8 + 1
		s, truth := NewSketch(room), map[string]uint64{}
		for in = in[1:]; len(in) >= 2; in = in[2:] {
			s.Add(in[:1], uint64(in[1]))
			truth[string(in[:1])] += uint64(in[1])
		}
		counts, sum := s.Counts(), uint64(0)
		for _, c := range counts {
			sum += c.Sum
			if c.Sum < truth[c.Key] || c.AtLeast() > truth[c.Key] || c.Over > s.Total()/uint64(room) {
				t.Fatalf("%q: %+v, in truth %d of %d", c.Key, c, truth[c.Key], s.Total())
			}
			delete(truth, c.Key)
		}
		if len(counts) > room || sum != s.Total() {
			t.Fatalf("%d keys in room for %d; sums of %d, not %d", len(counts), room, sum, s.Total())
		}
		for key, n := range truth {
			if n > s.Total()/uint64(room) {
				t.Fatalf("%q has %d of %d, and is not there", key, n, s.Total())
			}
		}
	})
}
