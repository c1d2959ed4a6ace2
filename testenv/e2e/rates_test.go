package e2e

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergate/testenv/servers"
)

const userSettings = `users:
  - "user app on >secret ~* &* +@all"
  - "user strict on >secret ~* &* +@all"
  - "user few on >secret ~* &* +@all"
  - "user far on >secret ~* &* +@all"
user-settings:
  app: {commands-per-second: 400}
  strict: {commands-per-second: 20, on-rate-limit: error}
  few: {max-clients: 1}
  far: {allow-networks: 192.0.2.0/24}
workers: 2
`

const userMemory = `users:
  - "user app on >secret ~* &* +@all"
  - "user other on >secret ~* &* +@all"
user-settings:
  app: {client-memory-max: 1mb}
workers: 2
`

// TestUsersAreHeldToTheirMemory: past the bound of a user its largest client is closed, whichever worker has it.
func TestUsersAreHeldToTheirMemory(t *testing.T) {
	t.Parallel()
	behind := servers.StartPlain(t, servers.Options{})
	path := filepath.Join(t.TempDir(), "evergate.yaml")
	if err := os.WriteFile(path, []byte(userMemory), 0o600); err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGateway(t, "--primary", behind.Nodes()[0].Addr, "--config", path)
	queues := func(user string, size int) *servers.Conn {
		c := servers.MustDial(t, gate.Addr)
		for _, args := range [][]string{{"AUTH", user, "secret"}, {"MULTI"}, {"SET", "k", strings.Repeat("x", size)}} {
			if reply, err := c.Do(args...); err != nil || reply[0] != '+' {
				t.Fatalf("%s of %s: %q, %v", args[0], user, reply, err)
			}
		}
		return c
	}
	other, large, small := queues("other", 2<<20), queues("app", 600<<10), queues("app", 100<<10)
	middle := queues("app", 450<<10)
	if reply, err := large.Frame(); !errors.Is(err, io.EOF) {
		t.Errorf("the largest client of the user got %q, %v", reply, err)
	}
	for name, c := range map[string]*servers.Conn{"of another user": other, "small": small, "new": middle} {
		if reply, err := c.Do("DISCARD"); err != nil || string(reply) != "+OK\r\n" {
			t.Errorf("the client that is %s got %q, %v", name, reply, err)
		}
	}
}

// TestUsersAreHeldToTheirLimits: clients of one user on two workers, each with pipelines, get what the rate lets them
// have and no error.
func TestUsersAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	behind := servers.StartPlain(t, servers.Options{})
	path := filepath.Join(t.TempDir(), "evergate.yaml")
	if err := os.WriteFile(path, []byte(userSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGateway(t, "--primary", behind.Nodes()[0].Addr, "--config", path)

	const clients, depth, forTime, rate = 4, 10, 3 * time.Second, 400
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		c := servers.MustDial(t, gate.Addr)
		all.Go(func() {
			if reply, err := c.Do("AUTH", "app", "secret"); err != nil || string(reply) != "+OK\r\n" {
				t.Errorf("AUTH: %q, %v", reply, err)
				return
			}
			batch := []byte(strings.Repeat("PING\r\n", depth))
			for time.Since(began) < forTime {
				if err := c.SendRaw(batch); err != nil {
					t.Error(err)
					return
				}
				if reply, err := c.Frames(depth); err != nil || string(reply) != strings.Repeat("+PONG\r\n", depth) {
					t.Errorf("PING: %q, %v", reply, err)
					return
				}
				done.Add(depth)
			}
		})
	}
	all.Wait()
	took := time.Since(began).Seconds()
	if n, most := float64(done.Load()), rate*(took+1); n > most || n < most/2 {
		t.Errorf("%.0f commands in %.2f s, at most %.0f are the rate", n, took, most)
	}

	strict := servers.MustDial(t, gate.Addr)
	expect(t, strict, "+OK\r\n", "AUTH", "strict", "secret")
	if err := strict.SendRaw([]byte(strings.Repeat("PING\r\n", 100))); err != nil {
		t.Fatal(err)
	}
	replies, err := strict.Frames(100)
	refused := strings.Count(string(replies), "-ERR max number of commands per second reached, ")
	if err != nil || refused+strings.Count(string(replies), "+PONG") != 100 || refused < 50 {
		t.Errorf("%d of 100 refused, %v: %.200q", refused, err, replies)
	}

	few, more := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, few, "+OK\r\n", "AUTH", "few", "secret")
	expect(t, more, "-ERR max number of clients reached\r\n", "AUTH", "few", "secret")
	expect(t, more, "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "far", "secret")
	expect(t, more, "-NOAUTH Authentication required.\r\n", "PING")
	expect(t, strict, "+OK\r\n", "AUTH", "app", "secret")
	info, err := strict.Do("INFO", "gateway")
	if err != nil || !strings.Contains(string(info), "requests_rate_waited:") ||
		strings.Contains(string(info), "requests_rate_waited:0\r\n") ||
		strings.Contains(string(info), "requests_rate_refused:0\r\n") {
		t.Errorf("INFO counts no requests that waited or were refused: %.400q, %v", info, err)
	}
	if log := gate.Log(); strings.Count(log, "rate limit exceeded") != 2 {
		t.Errorf("the log has not a line for each of two users:\n%s", log)
	}
}
