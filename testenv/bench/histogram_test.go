//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestCells(t *testing.T) {
	last := -1
	for v := time.Duration(0); v < 1<<40; v += 1 + v/100 {
		i := cell(v)
		if i < last {
			t.Fatalf("cell(%d) = %d, below the cell of a shorter latency, %d", v, i, last)
		}
		if top := cellTop(i); top < v || float64(top) > float64(v)*1.016 {
			t.Fatalf("cell(%d) ends at %d", v, top)
		}
		last = i
	}
	if got, want := cell(1<<62), len(histogram{}.cells)-1; got != want {
		t.Errorf("the longest latency is in cell %d, want the last, %d", got, want)
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	if got := h.quantile(0.99); got != 0 {
		t.Errorf("quantile of nothing = %v", got)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 10_000 {
		v := time.Duration(rng.ExpFloat64() * 1e6)
		all = append(all, v)
		h.add(v, 1)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.99, 1} {
		want := all[max(int(q*float64(len(all))+0.5), 1)-1]
		if got := h.quantile(q); got < want || float64(got) > float64(want)*1.016+1 {
			t.Errorf("quantile(%v) = %v, want %v", q, got, want)
		}
	}
}
