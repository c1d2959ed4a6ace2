package sim

import (
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// varied are the settings that change; see changeSettings.
type varied struct {
	hold   session.Hold
	silent time.Duration
	reads  session.Reads
	acks   acks.Terms
}

// initial are those at the start.
func (w *world) initial() varied {
	return varied{hold: session.Hold{Mode: session.HoldFor, Window: w.holdMax()}, reads: w.Options.Reads,
		acks: w.Options.Acks}
}

// services are what the gateway is configured to serve.
func (w *world) services(set varied) []worker.Service {
	main := worker.Service{Name: "main", Fresh: w.fresh(), Kill: &w.stale,
		Reading: w.reading(set.reads),
		Hedge:   w.hedge(),
		Acks:    set.acks, Hold: set.hold, SilentAfter: set.silent,
		CloseOnGap:   w.Options.CloseOnGap && w.Options.Bug != scenario.KeepOnGap,
		BlockingLost: w.blockingLost()}
	if !w.Options.Wide {
		return []worker.Service{main}
	}
	if set.reads = w.Options.Reads; set.reads == session.FromPrimary {
		set.reads = session.PreferReplica
	}
	other, replica := main, main
	other.Name, replica.Reading.From = "other", set.reads
	return []worker.Service{main, other, replica}
}

// reading is how reads are served.
func (w *world) reading(from session.Reads) session.Reading {
	lag := w.Options.Lag
	switch w.Options.Bug {
	case scenario.LongLag:
		lag.Time *= 20
	case scenario.FarBehind:
		lag.Bytes *= 1000
	}
	return session.Reading{From: from, Consistency: w.Options.Consistency, Lag: lag}
}

// hedge is when reads are sent to a second replica as well: in half of the worlds, and at once there.
func (w *world) hedge() session.Hedge {
	return session.Hedge{After: time.Duration(w.Options.Seed%2) * time.Millisecond}
}

// replicas is the service behind the listener that emulates a replica.
const replicas = 2

// listeners are those of wide worlds that emulate a role, by ledger.Facade.
func (w *world) listeners(set varied) []worker.Listener {
	if !w.Options.Wide {
		return nil
	}
	hold, self := set.hold, facade.Address{Host: "gateway", Port: 6379}
	replica := worker.Listener{Service: replicas, Hold: hold, Role: &facade.Role{Kind: facade.Replica,
		Self: facade.Address{Host: "gateway", Port: 6380}, Primary: self}}
	node := worker.Listener{Hold: hold, Acks: set.acks, Role: &facade.Role{Kind: facade.Cluster, Self: self}}
	switch w.Options.Bug {
	case scenario.NoReplica:
		replica.Role = nil
	case scenario.NoClusterNode:
		node.Role = nil
	}
	return []worker.Listener{ledger.Replica - 1: replica, ledger.ClusterNode - 1: node}
}

// listener is the number of the one that a client comes to.
func (g *gate) listener(c *peer) int {
	if f := c.Facade(); f != ledger.Plain {
		return len(g.settled) + int(f) - 1
	}
	return c.Service
}

// blockingLost is that setting.
func (w *world) blockingLost() sessions.BlockingLost {
	switch w.Options.BlockingLost {
	case scenario.AnswerUncertain:
		if w.Options.Bug == scenario.RetryUnasked {
			return sessions.RetryPop
		}
		return sessions.AnswerUncertain
	case scenario.CloseClient:
		return sessions.CloseClient
	}
	return sessions.RetryPop
}
