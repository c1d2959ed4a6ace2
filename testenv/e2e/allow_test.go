package e2e

import (
	"errors"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestAllow allows single commands, which go to the primary; all others stay rejected.
func TestAllow(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main",
		"--allow", "debug,acl|setuser,CONFIG|SET")
	conn, other := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k", "v")
	reply, err := conn.Do("DEBUG", "OBJECT", "k")
	if err != nil || !strings.HasPrefix(string(reply), "+Value at:") &&
		!strings.HasPrefix(string(reply), "-ERR DEBUG command not") {
		t.Errorf("DEBUG OBJECT: %q, %v", reply, err)
	}
	expect(t, conn, "+OK\r\n", "ACL", "SETUSER", "somebody", "on")
	if users, err := env.Primary().Do("ACL", "USERS"); err != nil || len(users.([]any)) != 2 {
		t.Errorf("the primary has the users %v, %v", users, err)
	}
	expect(t, conn, "+OK\r\n", "CONFIG", "SET", "replica-priority", "50")
	expect(t, conn, "+OK\r\n", "CONFIG", "SET", "port", configOf(t, env.Primary(), "port")) // the replica has another
	for _, n := range env.Nodes() {
		if got := configOf(t, n, "replica-priority"); got != "50" {
			t.Errorf("%s has replica-priority %s", n.Addr, got)
		}
	}
	for _, command := range []string{"SHUTDOWN", "REPLICAOF NO ONE", "ACL LOAD", "SYNC", "REPLCONF x"} {
		reply, err := other.Do(strings.Fields(command)...)
		if err != nil || !strings.Contains(string(reply), "is not allowed through the gateway: ") {
			t.Errorf("%s: %q, %v", command, reply, err)
		}
	}
}

// TestAllowShutdown: the primary shuts down, once; the next one stays.
func TestAllowShutdown(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--allow", "shutdown")
	conn := servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k", "v")
	old := env.Primary()
	reply, err := conn.Do("SHUTDOWN", "NOSAVE")
	if err != nil || !strings.HasPrefix(string(reply), "-UNCERTAIN evergate: ") {
		t.Errorf("SHUTDOWN: %q, %v", reply, err)
	}
	awaitWrite(t, conn, "SET", "k", "w")
	servers.Until(t, servers.Patience, "another primary", func() error {
		if now := env.Primary(); now == nil || now == old {
			return errors.New("there is none")
		}
		return nil
	})
	servers.Until(t, servers.Patience, "the server to be gone", func() error { // it waits up to 10 s for replicas that lag
		if _, err := old.Do("PING"); err == nil {
			return errors.New("it is there still")
		}
		return nil
	})
	for _, n := range env.Nodes() { // a server that has shut down does not come back
		if n != old {
			servers.Until(t, servers.Patience, n.Addr+" answers", func() error { // Sentinels cut its connections once
				_, err := n.Do("PING")
				return err
			})
		}
	}
}
