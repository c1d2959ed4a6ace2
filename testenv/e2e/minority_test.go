package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// TestFenceMinority silences the replica and two Sentinels of three, as a partition does: with --fence-minority no
// write is acknowledged after 5 s, until they are back.
func TestFenceMinority(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, Fast: true})
	gateway := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--hold", "100ms",
		"--fence-minority", "--reads", "prefer-replica")
	conn := servers.MustDial(t, gateway.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	silenced := append(env.Sentinels[1:], env.Groups[0].Nodes[1])
	for _, n := range silenced {
		if err := n.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	stalls, since := servers.RecordStalls(t), time.Now()
	acknowledged := since
	servers.Until(t, servers.Patience, "writes to be rejected", func() error {
		reply, err := conn.Do("SET", "k", "v")
		if string(reply) == "+OK\r\n" {
			acknowledged = time.Now()
		}
		if want := " has no replica; the command was not executed\r\n"; !strings.HasSuffix(string(reply), want) {
			return fmt.Errorf("%q, %v", reply, err)
		}
		return nil
	})
	took := stalls.Awake(since, acknowledged)
	t.Logf("the last write was acknowledged after %v", took)
	if took > 5*time.Second && !servers.RaceEnabled {
		t.Errorf("a write was acknowledged after %v, want at most 5s", took)
	}
	if text, err := conn.Do("INFO", "upstream"); !strings.Contains(string(text), ",fenced=yes\r\n") {
		t.Errorf("INFO says %s, %v", text, err)
	}
	expect(t, conn, "$1\r\nv\r\n", "GET", "k")
	for _, n := range silenced {
		if err := n.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	servers.Until(t, servers.Patience, "writes to go on", func() error {
		if reply, err := conn.Do("SET", "k", "v"); err != nil || string(reply) != "+OK\r\n" {
			return fmt.Errorf("%q, %v", reply, err)
		}
		return nil
	})
}
