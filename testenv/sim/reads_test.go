package sim

import (
	"testing"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/testenv/sim/scenario"
)

// boundedOptionsOf is a world in which replicas serve reads that are not too old.
func boundedOptionsOf(seed uint64) scenario.Options {
	return scenario.Options{Seed: seed, Voice: scenario.Voice(1 + seed%2), Reads: session.PreferReplica,
		Consistency: session.Bounded, Lag: lagOf(seed), Zones: seed%3 == 0}
}

// lagOf draws how old reads may be; every third may lack bytes instead.
func lagOf(seed uint64) session.Lag {
	if seed%3 == 0 {
		return bytesOf(seed)
	}
	return session.Lag{Time: 20 * time.Millisecond << (seed % 5)}
}

// bytesOf draws how many bytes reads may lack.
func bytesOf(seed uint64) session.Lag { return session.Lag{Bytes: 20 << (seed % 5)} }

// TestBoundedReads looks that replicas serve reads where they may lag, and that none is too old.
func TestBoundedReads(t *testing.T) {
	tellsOfMany(t)
	onReplicas, notOn := uint64(0), uint64(0)
	for seed := *first; seed < *first+10; seed++ {
		w := playRight(t, boundedOptionsOf(seed))
		for _, g := range w.gates {
			onReplicas += g.Worker.Stats().Requests[upstream.Replica]
			snapshot := g.Worker.Snapshot()
			for _, n := range snapshot.Counted().OnPrimary {
				notOn += n
			}
		}
	}
	if t.Logf("%d reads on replicas, %d not", onReplicas, notOn); onReplicas < 100 || notOn < 100 {
		t.Error("replicas served few reads, or nearly all")
	}
}

// fencedOptionsOf is a world in which writes stop while the gateway sees a minority of the Sentinels.
func fencedOptionsOf(seed uint64) scenario.Options {
	return scenario.Options{Seed: seed, Voice: scenario.Sentinels, Fence: true, Reloads: seed%2 == 0}
}

// TestWritesStopInAMinority looks that they do, and go on.
func TestWritesStopInAMinority(t *testing.T) {
	tellsOfMany(t)
	fenced := 0
	for seed := *first; seed < *first+16; seed++ {
		w := playRight(t, fencedOptionsOf(seed))
		fenced += w.judge.Fenced
	}
	if t.Logf("writes had to stop %d times", fenced); fenced == 0 {
		t.Error("writes never had to stop")
	}
}
