package e2e

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"evergate/testenv/drill/history"
	"evergate/testenv/servers"
)

// TestReadsOfReplicasAreThoseOfThePrimary has clients share keys while replicas serve reads: each reads what any of
// them wrote, also while a replica stops again and again. Both replicas serve.
func TestReadsOfReplicasAreThoseOfThePrimary(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "prefer-replica")
	replicas := env.Groups[0].Nodes[1:]
	s := pool(gate.Addr)
	s.Begin()
	awaitOps(t, s, 6000, func() error { return nil })
	counts := []int{served(t, replicas[0], "get"), served(t, replicas[1], "get")}
	if min(counts[0], counts[1]) < 300 { // on a busy machine one may be left out for a while
		t.Errorf("the replicas have served %v reads", counts)
	}
	stutter(t, s, 12000, replicas[0])
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Ok || !own.Kept() || own.Counts[history.Stale] != 0 {
		t.Errorf("%v, %+v", result, own)
	}
}

// TestReadsOfAnyReplicaAreNot shows that this can fail: where any replica may serve a read.
func TestReadsOfAnyReplicaAreNot(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "prefer-replica", "--consistency", "eventual")
	s := pool(gate.Addr)
	s.Begin()
	stutter(t, s, 4000, env.Groups[0].Nodes[1])
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Illegal || own.Counts[history.Stale] == 0 {
		t.Errorf("%v, %+v", result, own)
	}
}
