package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// fewFiles writes a program that runs the gateway under a limit of open files.
func fewFiles(t *testing.T, limit int) string {
	t.Helper()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "evergate")
	text := fmt.Sprintf("#!/bin/sh\nulimit -n %d\nexec %s \"$@\"\n", limit, binary)
	if err := servers.WriteProgram(path, text); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFewDescriptorsAreKeptForServers connects many more clients than there are descriptors for, and kills the primary
// meanwhile: connected clients write again as soon as there is a new one, the others are rejected with Redis's error,
// and the log does not repeat itself.
func TestFewDescriptorsAreKeptForServers(t *testing.T) {
	t.Parallel()
	const limit = 200
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true})
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Binary: fewFiles(t, limit),
		Args: []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2", "--hold", "2s"}})
	lowered := regexp.MustCompile(`max-clients lowered.*max-clients=(\d+) configured=10000 open-files=200 required=\d+`)
	allowed := lowered.FindStringSubmatch(gate.Log())
	if allowed == nil {
		t.Fatalf("the log does not say that max-clients is lowered:\n%s", gate.Log())
	}
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	info, err := conn.Do("INFO", "clients")
	if err != nil || !strings.Contains(string(info), "\r\nmaxclients:"+allowed[1]+"\r\n") {
		t.Errorf("INFO: %s, %v, want maxclients:%s", info, err, allowed[1])
	}
	refused, stop := flood(t, gate.Addr)
	servers.Until(t, servers.Patience, "clients to be refused", func() error {
		if n := refused(); n < limit {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	before := refused()
	servers.Until(t, servers.Patience, "writes after the failover", func() error {
		reply, err := conn.Do("SET", "k", "w")
		if err == nil && string(reply) != "+OK\r\n" {
			err = fmt.Errorf("%s", reply)
		}
		return err
	})
	servers.Until(t, servers.Patience, "more to be refused", func() error {
		if refused() == before {
			return fmt.Errorf("%d as before", before)
		}
		return nil
	})
	stop()
	log := gate.Log()
	if n := strings.Count(log, "\n"); n > 100 {
		t.Errorf("the log has %d lines", n)
	}
	if !regexp.MustCompile(`clients rejected, max-clients reached: rejected=\d+`).MatchString(log) ||
		strings.Contains(log, "too many open files") {
		t.Errorf("the log:\n%s", log)
	}
}

// flood opens connections and keeps those that are not rejected. refused counts the others, which must get the error.
func flood(t *testing.T, addr string) (refused func() int, stop func()) {
	t.Helper()
	var mu sync.Mutex
	var kept []net.Conn
	count, ended := 0, make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Errorf("a client cannot connect: %v", err)
					return
				}
				answer := make([]byte, 64)
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				n, _ := c.Read(answer)
				mu.Lock()
				switch text := string(answer[:n]); text {
				case "":
					kept = append(kept, c)
				case "-ERR max number of clients reached\r\n":
					count++
					_ = c.Close()
				default:
					t.Errorf("a client was told %q", text)
				}
				mu.Unlock()
			}
		})
	}
	refused = func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
	return refused, sync.OnceFunc(func() {
		close(ended)
		all.Wait()
		for _, c := range kept {
			_ = c.Close()
		}
	})
}

// TestOutOfDescriptors takes all free descriptors from a running gateway, which reckons with more: accepts pause, the
// clients that are connected are served, and a failover finds the descriptors that the dead server's connections leave.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, Fast: true})
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--sentinel", env.SentinelAddrs(),
		"--master-name", "main", "--workers", "1", "--hold", "10s"}})
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	servers.ExhaustDescriptors(t, gate.Pid)
	var waiting []net.Conn
	t.Cleanup(func() {
		for _, c := range waiting {
			_ = c.Close()
		}
	})
	servers.Until(t, servers.Patience, "accepts to fail", func() error {
		c, err := net.Dial("tcp", gate.Addr)
		if err != nil {
			return err
		}
		if waiting = append(waiting, c); !strings.Contains(gate.Log(), "accept failed") {
			return fmt.Errorf("%d clients are connected", len(waiting))
		}
		return nil
	})
	expect(t, conn, "$1\r\nv\r\n", "GET", "k")
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "writes after the failover", func() error {
		reply, err := conn.Do("SET", "k", "w")
		if err == nil && string(reply) != "+OK\r\n" {
			err = fmt.Errorf("%s", reply)
		}
		return err
	})
	if n := strings.Count(gate.Log(), "accept failed"); n > 10 {
		t.Errorf("the log has %d lines about accepts", n)
	}
}
