//go:build linux

package main

import (
	"math/bits"
	"time"
)

// subBits gives 64 cells to each doubling: a cell is at most 1.6 % wide.
const subBits = 6

// histogram counts latencies in cells that widen with the value, so that adding one costs no memory and no sorting. It
// holds 0 to 2^40 ns (18 minutes); a longer latency counts as that.
type histogram struct {
	cells [(40 - subBits + 1) << subBits]uint64
	count uint64
}

func (h *histogram) add(latency time.Duration, times int) {
	h.cells[cell(latency)] += uint64(times)
	h.count += uint64(times)
}

func (h *histogram) reset() { *h = histogram{} }

// quantile returns a latency that the share q (0 to 1) of the latencies does not exceed; 0 if the histogram is empty.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q*float64(h.count) + 0.5)
	for i, n := range h.cells {
		if n > 0 && n >= rank {
			return cellTop(i)
		}
		rank -= n
	}
	return 0
}

func cell(latency time.Duration) int {
	v := uint64(min(max(latency, 0), 1<<40-1))
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return shift<<subBits + int(v>>shift)
}

// cellTop returns the longest latency of cell i.
func cellTop(i int) time.Duration {
	if i < 1<<subBits {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	return time.Duration((uint64(i-shift<<subBits)+1)<<shift - 1)
}
