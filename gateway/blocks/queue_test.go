package blocks

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestQueueModel compares the queue with one long byte slice under random frames, writes and answers.
func TestQueueModel(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		var q Queue
		var all []byte
		ends := []uint64{0}
		answered, wrote := 0, uint64(0)
		for step := range 200 {
			switch r.IntN(4) {
			case 0, 1:
				sizes := []int{1, 40, 500, blockSize / 2, blockSize/2 + 1, 3 * blockSize}
				frame := bytes.Repeat([]byte{byte(step)}, sizes[r.IntN(len(sizes))])
				all = append(all, frame...)
				switch r.IntN(8) {
				case 0:
					ends = append(ends, q.AppendOwned(bytes.Clone(frame)))
				case 1: // in two pieces
					q.Append(frame)
					frame = bytes.Repeat([]byte{byte(step), 'x'}, sizes[r.IntN(len(sizes))])
					all = append(all, frame...)
					ends = append(ends, q.AppendOwned(bytes.Clone(frame)))
				default:
					ends = append(ends, q.Append(frame))
				}
			case 2:
				if u := q.Unsent(); len(u) > 0 {
					n := 1 + r.IntN(len(u))
					if !bytes.Equal(u[:n], all[wrote:wrote+uint64(n)]) {
						t.Fatalf("seed %d: wrong bytes at %d", seed, wrote)
					}
					q.Wrote(n)
					wrote += uint64(n)
				} else if wrote != uint64(len(all)) {
					t.Fatalf("seed %d: nothing to write at %d of %d", seed, wrote, len(all))
				}
			case 3:
				if answered+1 < len(ends) && ends[answered+1] <= wrote {
					answered++
					q.Answered(ends[answered])
				}
			}
			for i := answered; i+1 < len(ends); i++ {
				if !bytes.Equal(q.Frame(ends[i], ends[i+1]), all[ends[i]:ends[i+1]]) {
					t.Fatalf("seed %d: frame %d is wrong", seed, i)
				}
			}
			if q.Held() != len(all)-int(ends[answered]) {
				t.Fatalf("seed %d: held %d", seed, q.Held())
			}
		}
	}
}
