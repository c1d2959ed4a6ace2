package drill

import (
	"strconv"

	"evergate/testenv/drill/ledger"
)

// replicas is how many replicas each primary of a drill's own servers has.
func (p *Plan) replicas() int {
	switch {
	case p.Replicas > 0:
		return p.Replicas
	case p.Mode == Cluster:
		return 1
	}
	return 2
}

// confirmed returns a bar for a gateway whose writes replicas confirm. Such writes wait for replicas after a failover,
// and are rejected while too few are there.
func (p *Plan) confirmed(bar ledger.Bar) ledger.Bar {
	if p.Acks == "" || p.Acks == "0" || p.Beside != "" {
		return bar
	}
	bar.MayLackReplicas, bar.Resume, bar.Pause = true, 0, 0
	if n, _ := strconv.Atoi(p.Acks); p.Acks == "all" || n >= p.replicas() {
		bar.Lost = ledger.None
	}
	return bar
}
