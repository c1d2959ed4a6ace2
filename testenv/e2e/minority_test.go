package e2e

import (
	"fmt"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestStartOnMinority starts gateways while one Sentinel of three answers, which may have missed a failover.
func TestStartOnMinority(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, Fast: true})
	for _, s := range env.Sentinels[1:] {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main", "--hold", "300ms"}
	provisional := servers.MustDial(t, servers.StartGateway(t, args...).Addr)
	expect(t, provisional, "+OK\r\n", "SET", "k", "v")
	info := func() string {
		text, err := provisional.Do("INFO", "upstream")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := info(); !strings.Contains(text, ",provisional=yes\r\n") {
		t.Errorf("INFO says %s", text)
	}
	strict := servers.StartGatewayWith(t, servers.GatewayOptions{Args: append(args, "--confirm", "majority"),
		Unready: true})
	servers.Until(t, servers.Patience, "a line about the minority", func() error {
		if log := strict.Log(); !strings.Contains(log, "is not used: 1 of 3 Sentinels name it, which is no majority") {
			return fmt.Errorf("the log is %s", log)
		}
		return nil
	})
	conn := servers.MustDial(t, strict.Addr)
	for _, command := range []string{"GET", "DEL"} {
		if reply, err := conn.Do(command, "k"); err != nil || !strings.HasPrefix(string(reply), "-LOADING ") {
			t.Errorf("%s: %q, %v", command, reply, err)
		}
	}
	if err := env.Sentinels[1].Restart(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a majority to be believed", func() error {
		if reply, err := conn.Do("GET", "k"); err != nil || string(reply) != "$1\r\nv\r\n" {
			return fmt.Errorf("%q, %v", reply, err)
		}
		return nil
	})
	servers.Until(t, servers.Patience, "INFO to say no more that it is provisional", func() error {
		if text := info(); strings.Contains(text, "provisional") {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
}
