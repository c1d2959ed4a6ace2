package sim

import "evergate/gateway/account"

// memoryBound is that of what all workers keep for clients, as one of them sees it.
func (w *world) memoryBound(number, workers int) account.Bound {
	return account.Bound{
		Max: w.memoryMax, Workers: workers,
		Add: func(more int) int {
			w.memory += more
			return w.memory
		},
		Exceeded: func() {
			for _, g := range w.gates {
				if g.number != number {
					g.Worker.MemoryExceeded()
				}
			}
		},
	}
}
