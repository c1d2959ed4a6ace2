package downstream

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestRepliesLeaveInOrder fills places in random order, many sessions long, across the wrap of the numbers.
func TestRepliesLeaveInOrder(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		r := Replies{head: 1<<32 - 50, next: 1<<32 - 50}
		var open []uint32
		var out []string
		want := 0
		for step := range 400 {
			if rnd.IntN(2) == 0 && step < 300 {
				open = append(open, r.Reserve())
				continue
			}
			if len(open) == 0 {
				continue
			}
			i := rnd.IntN(len(open))
			seq := open[i]
			open = append(open[:i], open[i+1:]...)
			text := fmt.Sprint(seq)
			if !r.AtFront(seq) {
				r.Keep(seq, []byte(text))
				continue
			}
			out = append(out, text)
			r.Pass()
			for {
				b, ok := r.Ready()
				if !ok {
					break
				}
				out = append(out, string(b))
				r.Pass()
			}
		}
		first := uint32(1<<32 - 50)
		for ; want < len(out); want++ {
			if out[want] != fmt.Sprint(first+uint32(want)) {
				t.Fatalf("seed %d: place %d is %s", seed, want, out[want])
			}
		}
		if len(open) == 0 && (r.Owed() != 0 || r.KeptBytes() != 0) {
			t.Fatalf("seed %d: owed %d, kept %d bytes", seed, r.Owed(), r.KeptBytes())
		}
	}
}
