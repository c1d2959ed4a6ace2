package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/load"
	"evergate/testenv/servers"
)

// pool is a set of clients with keys in common.
func pool(addr string) *load.Shared {
	return &load.Shared{Names: load.Names{Prefix: "pool:"}, Clients: 8, Every: 2 * time.Millisecond, Start: time.Now(),
		Dial: func() (*servers.Conn, error) { return servers.Dial(addr) }}
}

// awaitOps waits until the clients have done so many operations, and calls meanwhile again and again until then.
func awaitOps(t *testing.T, s *load.Shared, n int, meanwhile func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servers.Patience)
	defer cancel()
	if err := servers.WaitFor(ctx, "operations", func() error {
		if s.Count() >= n {
			return nil
		}
		return errors.Join(meanwhile(), errors.New("too few"))
	}); err != nil {
		t.Fatal(err)
	}
}

// stutter stops a server and has it go on, again and again, until the clients have done so many operations.
func stutter(t *testing.T, s *load.Shared, n int, server *servers.Node) {
	t.Helper()
	turn, next := server.Freeze, server.Thaw
	awaitOps(t, s, n, func() error {
		err := turn()
		turn, next = next, turn
		return err
	})
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
}

// register is a key for the checker: an operation is a write of a value, or a read that saw one.
var register = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, o := range all {
			key := o.Input.(history.Op).Key
			byKey[key] = append(byKey[key], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return int64(history.Nothing) },
	Step: func(state, input, _ any) (bool, any) {
		op := input.(history.Op)
		if op.Write {
			return true, op.Value
		}
		return op.Value == state.(int64), state
	},
}

// checked returns the verdict of the checker, and our own. A write whose outcome is unknown may happen at any time
// later.
func checked(t *testing.T, ops []history.Op) (porcupine.CheckResult, *history.Findings) {
	t.Helper()
	var all []porcupine.Operation
	last := int64(0)
	for _, op := range ops {
		last = max(last, int64(op.Ended))
	}
	for _, op := range ops {
		until := int64(op.Ended)
		switch {
		case op.Outcome == history.Failed, op.Outcome == history.Unknown && !op.Write:
			continue
		case op.Outcome == history.Unknown:
			until = last + 1
		}
		all = append(all, porcupine.Operation{ClientId: op.Session, Input: op, Call: int64(op.Sent), Return: until})
	}
	return porcupine.CheckOperationsTimeout(register, all, servers.Patience), history.Check(ops, nil)
}

// TestReadsOfPrimaryAreLinearizable has clients share keys, with reads from the primary alone: each operation happens
// at one moment between its request and its reply.
func TestReadsOfPrimaryAreLinearizable(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "primary")
	s := pool(gate.Addr)
	s.Begin()
	awaitOps(t, s, 4000, func() error { return nil })
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Ok || !own.Kept() || own.Reads < 2000 || own.Writes < 500 {
		t.Errorf("%v, %+v", result, own)
	}
}

// TestReadsOfLaggingReplicaAreNot shows that the checks can fail: a replica that stops again and again has old values.
func TestReadsOfLaggingReplicaAreNot(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--reads", "replica")
	s := pool(gate.Addr)
	s.Begin()
	stutter(t, s, 4000, env.Groups[0].Nodes[1])
	s.Stop()
	result, own := checked(t, s.Taken())
	if result != porcupine.Illegal || own.Counts[history.Stale] == 0 {
		t.Errorf("%v, %+v", result, own)
	}
}
