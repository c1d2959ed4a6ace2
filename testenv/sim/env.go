package sim

import (
	"time"

	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// reported is what a worker saw: the control plane looks again, soon.
func (w *world) reported(r topology.Report) {
	w.Tracef("reported: %v of node %d", r.Kind, r.Node)
	w.control.Report(r)
}

// holdMax is how long a request may wait. With the real State nothing that a client may notice shall come of that.
func (w *world) holdMax() time.Duration {
	if w.Options.Voice == scenario.Oracle {
		return 1500 * time.Millisecond
	}
	return 10 * time.Second
}
