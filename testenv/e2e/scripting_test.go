package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// A script that sets a key, and its name.
const (
	setScript = "return redis.call('SET', KEYS[1], ARGV[1])"
	getScript = "return redis.call('GET', KEYS[1])"
)

// loadScript loads a script through the gateway and returns its name.
func loadScript(t *testing.T, conn *servers.Conn, body string) string {
	t.Helper()
	reply, err := conn.Do("SCRIPT", "LOAD", body)
	if err != nil || !strings.HasPrefix(string(reply), "$40\r\n") {
		t.Fatalf("SCRIPT LOAD: %q, %v", reply, err)
	}
	return string(reply[5:45])
}

func TestScriptsAreWhereTheyAreNamed(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn, other := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
		conn.Timeout = 30 * time.Second
		set, get := loadScript(t, conn, setScript), loadScript(t, conn, getScript)
		expect(t, conn, "*2\r\n:1\r\n:1\r\n", "SCRIPT", "EXISTS", set, get)
		run := func(word string) {
			t.Helper()
			for i := range 30 {
				key := fmt.Sprint("k:", i)
				expect(t, conn, "+OK\r\n", "EVALSHA", set, "1", key, word)
				if env.Version.AtLeast(7, 0) {
					reply, err := other.Do("EVALSHA_RO", get, "1", key)
					if err != nil || reply[0] != '$' { // a replica may not have the value yet
						t.Errorf("EVALSHA_RO: %q, %v", reply, err)
					}
				}
			}
			expect(t, conn, "+OK\r\n", "MULTI")
			expect(t, conn, "+QUEUED\r\n", "EVALSHA", set, "1", "k:1", word)
			expect(t, conn, "*1\r\n+OK\r\n", "EXEC")
		}
		run("before")
		for _, n := range env.Nodes() { // without the gateway's knowledge
			if _, err := n.Do("SCRIPT", "FLUSH"); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, conn, "+OK\r\n", "EVALSHA", set, "1", "k:1", "v")
		for _, n := range env.Nodes() {
			if _, err := n.Do("SCRIPT", "FLUSH"); err != nil {
				t.Fatal(err)
			}
		}
		old := env.Primary()
		if err := old.Kill(); err != nil {
			t.Fatal(err)
		}
		servers.Until(t, servers.Patience, "another primary", func() error {
			if now := env.Primary(); now == nil || now == old {
				return errors.New("there is none")
			}
			return nil
		})
		servers.Until(t, servers.Patience, "a script on the new primary", func() error {
			reply, err := conn.Do("EVALSHA", set, "1", "k:1", "v")
			switch {
			case err != nil || strings.HasPrefix(string(reply), "-NOSCRIPT"):
				t.Fatalf("%q, %v", reply, err)
			case string(reply) != "+OK\r\n":
				return fmt.Errorf("%q", reply)
			}
			return nil
		})
		run("after")
		expect(t, conn, "+OK\r\n", "SCRIPT", "FLUSH")
		reply, err := conn.Do("EVALSHA", set, "1", "k:1", "v") // Valkey 9's text ends there
		if err != nil || !strings.HasPrefix(string(reply), "-NOSCRIPT No matching script.") {
			t.Errorf("%q, %v", reply, err)
		}
	})
}

func TestFunctionsAreEverywhere(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		if !env.Version.AtLeast(7, 0) {
			t.Skip("it has no functions")
		}
		conn := servers.MustDial(t, gate.Addr)
		library := "#!lua name=lib\nredis.register_function('put', " +
			"function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
		expect(t, conn, "$3\r\nlib\r\n", "FUNCTION", "LOAD", library)
		expect(t, conn, "-ERR Library 'lib' already exists\r\n", "FUNCTION", "LOAD", library)
		for i := range 30 {
			expect(t, conn, "+OK\r\n", "FCALL", "put", "1", fmt.Sprint("k:", i), "v")
		}
		reply, err := conn.Do("FUNCTION", "LIST")
		if err != nil || !strings.HasPrefix(string(reply), "*1\r\n") {
			t.Errorf("FUNCTION LIST: %q, %v", reply, err)
		}
		expect(t, conn, "+OK\r\n", "FUNCTION", "DELETE", "lib")
		for _, g := range env.Groups {
			if _, err := g.Primary().Do("FCALL", "put", "0"); err == nil {
				t.Errorf("%s still has the function", g.Primary().Addr)
			}
		}
		expect(t, conn, "-ERR Library not found\r\n", "FUNCTION", "DELETE", "lib")
	})
}

func TestAScriptThatRunsForEverIsKilled(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		for _, n := range env.Nodes() {
			if _, err := n.Do("CONFIG", "SET", "lua-time-limit", "20"); err != nil {
				t.Fatal(err)
			}
		}
		conn, killer := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
		expect(t, killer, "-NOTBUSY No scripts in execution right now.\r\n", "SCRIPT", "KILL")
		if err := conn.Send("EVAL", "while true do end", "1", "k"); err != nil {
			t.Fatal(err)
		}
		if len(env.Groups) == 1 {
			servers.Until(t, servers.Patience, "PING to tell of the script", func() error {
				if reply, err := killer.Do("PING"); err != nil || !strings.HasPrefix(string(reply), "-BUSY ") {
					return fmt.Errorf("%q, %v", reply, err)
				}
				return nil
			})
		}
		waits := servers.MustDial(t, gate.Addr) // must not get BUSY
		if err := waits.Send("EXISTS", "k"); err != nil {
			t.Fatal(err)
		}
		servers.Until(t, servers.Patience, "a script to kill", func() error {
			if reply, err := killer.Do("SCRIPT", "KILL"); err != nil || string(reply) != "+OK\r\n" {
				return fmt.Errorf("%q, %v", reply, err)
			}
			return nil
		})
		reply, err := conn.Frame()
		if err != nil || !strings.Contains(string(reply), "killed by user") {
			t.Errorf("the script answered %q, %v", reply, err)
		}
		if reply, err := waits.Frame(); err != nil || string(reply) != ":0\r\n" {
			t.Errorf("who waited was answered %q, %v", reply, err)
		}
		expect(t, killer, "+PONG\r\n", "PING")
		expect(t, conn, "+OK\r\n", "SET", "k", "v")
	})
}

// TestPingBesideAScriptOfAnotherWorker: a server answers no PING while it runs a script, and replies BUSY after its
// limit. A client of another worker must not get PONG meanwhile.
func TestPingBesideAScriptOfAnotherWorker(t *testing.T) {
	t.Parallel()
	const limit = 4 * time.Second
	env := servers.StartPlain(t, servers.Options{})
	if _, err := env.Primary().Do("CONFIG", "SET", "lua-time-limit", fmt.Sprint(limit.Milliseconds())); err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "2")
	conns := make([]*servers.Conn, 16)
	for i := range conns {
		conns[i] = servers.MustDial(t, gate.Addr)
		conns[i].Timeout = 10 * limit
		expect(t, conns[i], "+PONG\r\n", "PING")
	}
	runs := servers.MustDial(t, gate.Addr)
	stalls, began := servers.RecordStalls(t), time.Now()
	if err := runs.Send("EVAL", "while true do end", "0"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() {
			pongs, at := pingUntilBusy(t, conn)
			if after := stalls.Awake(began, at); after > limit/2 {
				t.Errorf("client %d was told PONG %d times, until %v after the script began", i, pongs, after)
			}
		})
	}
	all.Wait()
	servers.Until(t, servers.Patience, "a script to kill", func() error {
		if reply, err := conns[0].Do("SCRIPT", "KILL"); err != nil || string(reply) != "+OK\r\n" {
			return fmt.Errorf("%q, %v", reply, err)
		}
		return nil
	})
	if reply, err := runs.Frame(); err != nil || !strings.Contains(string(reply), "killed by user") {
		t.Errorf("the script answered %q, %v", reply, err)
	}
	for _, conn := range conns {
		expect(t, conn, "+PONG\r\n", "PING")
	}
}

// pingUntilBusy sends PING until the reply is BUSY, and then some more, which must get BUSY, too. It returns the number
// of PONG, and when the first PING was sent that got another reply.
func pingUntilBusy(t *testing.T, conn *servers.Conn) (pongs int, at time.Time) {
	for busy := 0; busy < 20; {
		sent := time.Now()
		switch reply, err := conn.Do("PING"); {
		case err == nil && strings.HasPrefix(string(reply), "-BUSY "):
			if busy++; busy == 1 {
				at = sent
			}
		case err == nil && string(reply) == "+PONG\r\n" && busy == 0:
			pongs++
		default:
			t.Errorf("PING after %d answers BUSY: %q, %v", busy, reply, err)
			return pongs, at
		}
	}
	return pongs, at
}

func TestWhatFollowsAKillGoesToItsDatabase(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	conn := servers.MustDial(t, servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main").Addr)
	expect(t, conn, "+OK\r\n", "SELECT", "5")
	for _, words := range [][]string{{"SCRIPT", "KILL"}, {"SET", "k", "v"}, {"DBSIZE"}} {
		if err := conn.Send(words...); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"-NOTBUSY No scripts in execution right now.\r\n", "+OK\r\n", ":1\r\n"} {
		if reply, err := conn.Frame(); err != nil || string(reply) != want {
			t.Fatalf("%q, %v, want %q", reply, err, want)
		}
	}
	expect(t, conn, "+OK\r\n", "SELECT", "0")
	expect(t, conn, ":0\r\n", "DBSIZE")
}
