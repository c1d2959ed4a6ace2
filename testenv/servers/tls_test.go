package servers_test

import (
	"testing"

	"evergate/testenv/servers"
)

// TestServersSpeakTLSOnAllLegs starts every kind of Env with TLS: that replicas are in sync, Sentinels know each other
// and a cluster agrees is what starting waits for.
func TestServersSpeakTLSOnAllLegs(t *testing.T) {
	servers.NeedsTLS(t)
	for name, start := range map[string]func(servers.T, servers.Options) *servers.Env{
		"plain": servers.StartPlain, "sentinel": servers.StartSentinel, "cluster": servers.StartCluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := start(t, servers.Options{Replicas: 1, TLS: true, Fast: true})
			config, err := env.TLS.Client()
			if err != nil {
				t.Fatal(err)
			}
			node := env.Groups[0].Nodes[0]
			if reply, err := servers.MustDialTLS(t, node.Addr, config).Do("PING"); string(reply) != "+PONG\r\n" {
				t.Errorf("PING over TLS: %q, %v", reply, err)
			}
			plain := servers.MustDial(t, node.Addr)
			if reply, _ := plain.Do("PING"); string(reply) == "+PONG\r\n" {
				t.Errorf("PING without TLS is answered")
			}
			if err := node.Restart(); err != nil {
				t.Error(err)
			}
		})
	}
}
