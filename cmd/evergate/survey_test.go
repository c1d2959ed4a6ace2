package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evergate/gateway/config"
	"evergate/testenv/servers"
)

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func TestCheckConnectsToSentinels(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, DownAfter: 4 * time.Second})
	args := []string{"check", "--connect", "--sentinel", env.SentinelAddrs(), "--master-name", "main"}
	code, out, errOut := try(args, nil)
	if code != exitOK {
		t.Error(code, errOut)
	}
	wantLines(t, out, "sentinel  "+env.Sentinels[0].Addr+"  primary "+env.Primary().Addr+", quorum 2 of 3, down-after 4s",
		"server    "+env.Replicas()[0].Addr+"  replica", "use       main: primary "+env.Primary().Addr,
		"writes pause for up to about 6.5s when a primary dies (down-after-milliseconds is 4s)",
		"need a read timeout of 8s or more: hold is auto, here 14s")
	if strings.Contains(out, "warning") {
		t.Error(out)
	}
	_, out, _ = try(append(args, "--hold", "3s"), nil)
	wantLines(t, out, "warning   hold is 3s", "set hold to 6.5s", "need a read timeout of 4s or more")
	_, out, _ = try(append(args, "--hold", "dry-run,127.0.0.1:6379=off"), nil)
	wantLines(t, out, "warning   hold is off: requests fail with -LOADING while there is no primary")

	code, out, errOut = try(append(args[:len(args)-1:len(args)-1], "mian"), nil)
	if code != exitFailed || !strings.Contains(errOut, "service default cannot be served now") {
		t.Error(code, out, errOut)
	}
}

func TestCheckConnectsToCluster(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, NodeTimeout: 3 * time.Second})
	// The others still report a replica as loading shortly after it was synchronized; it gets no reads then.
	servers.Until(t, servers.Patience, "a survey that sees every replica", func() error {
		code, out, errOut := try([]string{"check", "--connect", "--cluster", env.Nodes()[0].Addr}, nil)
		wanted := []string{"writes pause for up to about 6s when a primary dies (cluster-node-timeout is 3s)",
			"need a read timeout of 7s or more"}
		for _, group := range env.Groups {
			wanted = append(wanted, "primary "+group.Primary().Addr+", replicas for reads "+group.Replicas()[0].Addr)
		}
		for _, line := range wanted {
			if code != exitOK || !strings.Contains(out, line) {
				return fmt.Errorf("exit %d, no %q in\n%s%s", code, line, out, errOut)
			}
		}
		return nil
	})
}

// TestCheckOfReads finds that two gateways use the servers, and that these evict by LRU.
func TestCheckOfReads(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 1})
	args := []string{"check", "--connect", "--primary", env.Primary().Addr}
	for range 2 {
		_, out, _ := try(args, nil)
		if strings.Contains(out, "gateways use") {
			t.Error(out)
		}
		servers.StartGateway(t, "--primary", env.Primary().Addr)
	}
	_, out, _ := try(args, nil)
	wantLines(t, out, "warning   2 gateways use "+env.Primary().Addr)
	for _, setting := range []string{"maxmemory 100mb", "maxmemory-policy allkeys-lru"} {
		name, value, _ := strings.Cut(setting, " ")
		if _, err := env.Primary().Do("config", "set", name, value); err != nil {
			t.Fatal(err)
		}
	}
	_, out, _ = try(args, nil)
	wantLines(t, out, "hint      reads go to primaries: "+env.Primary().Addr+" evicts by allkeys-lru")
	_, out, _ = try(append(args, "--reads", "prefer-replica"), nil)
	wantLines(t, out, "warning   "+env.Primary().Addr+" evicts by allkeys-lru")
}

func TestCheckConnectsToPlainWithPassword(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Password: secretText})
	args := []string{"check", "--connect", "--primary", env.Primary().Addr, "--log-level", "trace"}
	code, out, errOut := try(args, []string{"EVERGATE_UPSTREAM_PASSWORD=" + secretText})
	if code != exitOK || strings.Contains(out+errOut, secretText) {
		t.Error(code, out, errOut)
	}
	wantLines(t, out, "primary "+env.Primary().Addr, "a plain list has none by itself", "read timeout of 11s")
	_, out, errOut = try(args, []string{"EVERGATE_UPSTREAM_PASSWORD=wrong-" + secretText})
	if strings.Contains(out+errOut, secretText) {
		t.Error(out, errOut)
	}
}

func TestOutage(t *testing.T) {
	sentinel, cluster := config.Service{Sentinels: []string{"a:1"}}, config.Service{Cluster: []string{"a:1"}}
	for _, c := range []struct {
		service       config.Service
		after, window time.Duration
		pause         time.Duration
		client        time.Duration
	}{
		{sentinel, time.Second, 10 * time.Second, 3500 * time.Millisecond, 5 * time.Second},
		{sentinel, 0, 10 * time.Second, 32500 * time.Millisecond, 11 * time.Second},
		{sentinel, 0, time.Minute, 32500 * time.Millisecond, 34 * time.Second},
		{cluster, 2 * time.Second, 10 * time.Second, 4500 * time.Millisecond, 6 * time.Second},
		{cluster, 0, 10 * time.Second, 24 * time.Second, 11 * time.Second},
		{config.Service{Primary: "a:1"}, 0, 10 * time.Second, 0, 11 * time.Second},
	} {
		o := outageOf(&c.service, c.after)
		if o.pause != c.pause || o.clientTimeout(c.window) != c.client {
			t.Errorf("%+v: pause %v, client timeout %v", c, o.pause, o.clientTimeout(c.window))
		}
	}
	if got := fmt.Sprint(seconds(3500*time.Millisecond), seconds(6*time.Second), seconds(6001*time.Millisecond)); got !=
		"3.5s 6s 6.5s" && got != "3.5s6s6.5s" {
		t.Error(got)
	}
}
