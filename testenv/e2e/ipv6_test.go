package e2e

import (
	"fmt"
	"testing"

	"evergate/testenv/servers"
)

// TestIPv6 runs servers, Sentinels, nodes and the gateway with IPv6 alone: a server's "::1 7000" and a node's
// "::1:7000@17000" are followed through a failover.
func TestIPv6(t *testing.T) {
	t.Parallel()
	sentinel := func(e *servers.Env) []string {
		return []string{"--sentinel", e.SentinelAddrs(), "--master-name", "main"}
	}
	cluster := func(e *servers.Env) []string { return []string{"--cluster", e.Groups[0].Nodes[0].Addr} }
	for _, c := range []struct {
		name  string
		start func(servers.T, servers.Options) *servers.Env
		args  func(*servers.Env) []string
	}{{"sentinel", servers.StartSentinel, sentinel}, {"cluster", servers.StartCluster, cluster}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := c.start(t, servers.Options{Host: "::1", Replicas: 1, Primaries: 3, Fast: true})
			p, err := servers.ReservePort("::1")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Release)
			gate := servers.StartGateway(t, append(c.args(env), "--listen", p.Addr(), "--reads", "replica")...)
			conn := servers.MustDial(t, gate.Addr)
			expect(t, conn, "+OK\r\n", "SET", "k", "v")
			old := env.Primary()
			for _, g := range env.Groups { // the slot of k is the second group's
				if n := g.Nodes[0]; served(t, n, "set") > 0 {
					old = n
				}
			}
			if err := old.Kill(); err != nil {
				t.Fatal(err)
			}
			servers.Until(t, servers.Patience, "a write after the failover", func() error {
				if got, err := conn.Do("SET", "k", "w"); err != nil || string(got) != "+OK\r\n" {
					return fmt.Errorf("%q, %w", got, err)
				}
				return nil
			})
			expect(t, conn, "$1\r\nw\r\n", "GETEX", "k")
		})
	}
}
