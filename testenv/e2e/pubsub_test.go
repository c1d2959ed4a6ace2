package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/testenv/servers"
)

// pushed returns a message or an acknowledgement in RESP2.
func pushed(words ...any) string {
	out := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		switch word := word.(type) {
		case int:
			out += fmt.Sprintf(":%d\r\n", word)
		case string:
			out += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
	}
	return out
}

// comes reads one frame and compares it with want.
func comes(t *testing.T, c *servers.Conn, want string) {
	t.Helper()
	if got, err := c.Frame(); err != nil || string(got) != want {
		t.Fatalf("got %.200q, %v, want %.200q", got, err, want)
	}
}

// dialResp3 returns a connection in RESP3.
func dialResp3(t *testing.T, addr string) *servers.Conn {
	t.Helper()
	c := servers.MustDial(t, addr)
	if _, err := c.Do("HELLO", "3"); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSubscribedModeIsThatOfRedis sends the same commands to a server and through the gateway.
func TestSubscribedModeIsThatOfRedis(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	for _, script := range []string{
		"SUBSCRIBE a a|PING|PING x|PING x y|GET k|CONFIG GET x|nosuch|GET|PSUBSCRIBE p*|SSUBSCRIBE s|UNSUBSCRIBE zz|" +
			"UNSUBSCRIBE a|PING|PUNSUBSCRIBE|SUNSUBSCRIBE|UNSUBSCRIBE|SUNSUBSCRIBE|PUNSUBSCRIBE|PING|GET k",
		"HELLO 3|SUBSCRIBE a|PING|GET k|UNSUBSCRIBE|UNSUBSCRIBE|PUNSUBSCRIBE x|SSUBSCRIBE s|SUNSUBSCRIBE",
		"SUBSCRIBE a|RESET|GET k|SUBSCRIBE a|HELLO 3|MULTI|SUBSCRIBE a|QUIT",
		"MULTI|UNSUBSCRIBE|SSUBSCRIBE s|PUNSUBSCRIBE p|SUNSUBSCRIBE|GET k|EXEC|SUBSCRIBE a|EXEC|SHUTDOWN|EXEC x",
		"HELLO 3|SUBSCRIBE a|MULTI|UNSUBSCRIBE b|SSUBSCRIBE s|UNSUBSCRIBE a|EXEC|MULTI|UNSUBSCRIBE|DISCARD|GET k",
		"SUBSCRIBE|PSUBSCRIBE|SSUBSCRIBE|PUBLISH a|PUBSUB|PUBSUB nosuch|PUBSUB NUMPAT x|PUBSUB NUMSUB|PUBSUB CHANNELS|" +
			"PUBSUB CHANNELS a b|PUBSUB HELP|PUBSUB SHARDNUMSUB a|PUBSUB SHARDCHANNELS|PUBSUB NUMPAT|PUBLISH a b|SPUBLISH a b",
	} {
		counts := func(addr string) (all []string) {
			c := servers.MustDial(t, addr)
			for line := range strings.SplitSeq(script, "|") {
				if line == "SUBSCRIBE a a" {
					if err := c.Send(strings.Fields(line)...); err != nil {
						t.Fatal(err)
					}
					got, err := c.Frames(2)
					all = append(all, fmt.Sprintf("%s: %q %v", line, got, err))
					continue
				}
				got, err := c.Do(strings.Fields(line)...)
				if strings.HasPrefix(line, "HELLO 3") && bytes.HasPrefix(got, []byte("%")) {
					got = nil
				}
				all = append(all, fmt.Sprintf("%s: %q %v", line, got, err))
			}
			return all
		}
		straight, through := counts(env.Primary().Addr), counts(gate.Addr)
		for i := range straight {
			if straight[i] != through[i] {
				t.Errorf("straight %s\nthrough  %s", straight[i], through[i])
			}
		}
	}
}

func TestManySubscribersCostOneConnectionAWorker(t *testing.T) {
	t.Parallel()
	const many = 1000
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "2")
	conns := make([]*servers.Conn, many)
	for i := range conns {
		conns[i] = servers.MustDial(t, gate.Addr)
		if i%3 == 0 {
			conns[i] = dialResp3(t, gate.Addr)
		}
		if err := conns[i].Send("SUBSCRIBE", "news"); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(i int, frame string) string {
		if i%3 == 0 {
			return ">" + frame[1:]
		}
		return frame
	}
	for i, c := range conns {
		comes(t, c, mark(i, pushed("subscribe", "news", 1)))
	}
	direct := servers.MustDial(t, env.Primary().Addr)
	expect(t, direct, pushed("news", 2), "PUBSUB", "NUMSUB", "news")
	speaker := servers.MustDial(t, gate.Addr)
	expect(t, speaker, pushed("news", many, "none", 0), "PUBSUB", "NUMSUB", "news", "none")
	expect(t, speaker, pushed("news"), "PUBSUB", "CHANNELS")
	expect(t, speaker, fmt.Sprintf(":%d\r\n", many), "PUBLISH", "news", "hello")
	expect(t, speaker, ":0\r\n", "PUBLISH", "none", "hello")
	for i, c := range conns {
		comes(t, c, mark(i, pushed("message", "news", "hello")))
	}
	// One more subscriber at another node, twice: also by a pattern.
	expect(t, direct, pushed("subscribe", "news", 1), "SUBSCRIBE", "news")
	expect(t, conns[1], pushed("psubscribe", "n*", 2), "PSUBSCRIBE", "n*")
	expect(t, speaker, ":1\r\n", "PUBSUB", "NUMPAT")
	expect(t, speaker, fmt.Sprintf(":%d\r\n", many+2), "PUBLISH", "news", "again")
	comes(t, direct, pushed("message", "news", "again"))
	both := []string{pushed("message", "news", "again"), pushed("pmessage", "n*", "news", "again")}
	for range both {
		got, err := conns[1].Frame()
		at := slices.Index(both, string(got))
		if err != nil || at < 0 {
			t.Fatalf("%q, %v", got, err)
		}
		both[at] = ""
	}
	for _, c := range conns {
		_ = c.Close()
	}
	servers.Until(t, servers.Patience, "no subscriber left but the one of the server", func() error {
		if got, err := speaker.Do("PUBLISH", "news", "x"); err != nil || string(got) != ":1\r\n" {
			return fmt.Errorf("%q, %w", got, err)
		}
		return nil
	})
}

// speaker publishes numbers over one connection of its own.
type speaker struct {
	counts atomic.Int64
	stop   context.CancelFunc
	done   chan struct{}
}

func startSpeaker(t *testing.T, addr, channel string) *speaker {
	t.Helper()
	c := servers.MustDial(t, addr)
	c.Timeout = 30 * time.Second
	ctx, cancel := context.WithCancel(context.Background())
	s := &speaker{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		rate := time.NewTicker(5 * time.Millisecond)
		defer rate.Stop()
		for ctx.Err() == nil {
			if _, err := c.Do("PUBLISH", channel, strconv.FormatInt(s.counts.Add(1), 10)); err != nil {
				t.Errorf("publishing: %v", err)
				return
			}
			<-rate.C
		}
	}()
	t.Cleanup(s.end)
	return s
}

func (s *speaker) end() { s.stop(); <-s.done }

// hears receives numbered messages until one is past mark: none twice, none out of order.
func hears(t *testing.T, message func() (string, error), last *int64, mark int64) {
	t.Helper()
	for *last <= mark {
		text, err := message()
		if err != nil {
			t.Fatalf("after %d: %v", *last, err)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= *last {
			t.Fatalf("message %q after %d, %v", text, *last, err)
		}
		*last = n
	}
}

func rawMessages(c *servers.Conn) func() (string, error) {
	return func() (string, error) {
		got, err := c.Frame()
		fields := strings.Split(string(got), "\r\n")
		if err == nil && (len(fields) != 8 || fields[2] != "message") {
			err = fmt.Errorf("no message: %q", got)
		}
		if err != nil {
			return "", err
		}
		return fields[6], nil
	}
}

// libraryMessages subscribes with a client library.
func libraryMessages(t *testing.T, addr, channel string) func() (string, error) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, Protocol: 3})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	sub := client.Subscribe(ctx, channel)
	t.Cleanup(func() { _, _ = sub.Close(), client.Close(); cancel() })
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	return func() (string, error) {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			return "", err
		}
		return m.Payload, nil
	}
}

func TestSubscribersFollowANewPrimary(t *testing.T) {
	t.Parallel()
	for name, hurt := range map[string]func(*servers.Env, *servers.Node) error{
		"killed": func(_ *servers.Env, n *servers.Node) error { return n.Kill() },
		"frozen": func(_ *servers.Env, n *servers.Node) error { return n.Freeze() },
		"moved": func(e *servers.Env, _ *servers.Node) error {
			return errors.Join(e.UsualPeriods(), e.Groups[0].Failover())
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
			gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2")
			raw := servers.MustDial(t, gate.Addr)
			raw.Timeout = 30 * time.Second
			expect(t, raw, pushed("subscribe", "n", 1), "SUBSCRIBE", "n")
			listeners := []func() (string, error){rawMessages(raw), libraryMessages(t, gate.Addr, "n")}
			last := make([]int64, len(listeners))
			speaker := startSpeaker(t, gate.Addr, "n")
			for i, message := range listeners {
				hears(t, message, &last[i], 20)
			}
			old := env.Primary()
			if err := hurt(env, old); err != nil {
				t.Fatal(err)
			}
			servers.Until(t, servers.Patience, "another primary", func() error {
				if now := env.Primary(); now == nil || now == old {
					return errors.New("none")
				}
				return nil
			})
			mark := speaker.counts.Load() + 20
			for i, message := range listeners {
				hears(t, message, &last[i], mark)
			}
			if !strings.Contains(gate.Log(), "subscriptions interrupted") {
				t.Error("the gap is not told in the log")
			}
		})
	}
}

func TestDeadSubscriptionIsFound(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	path := servers.StartFault(t, env.Primary().Addr)
	gate := servers.StartGateway(t, "--primary", path.Addr, "--workers", "1")
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	expect(t, conn, pushed("subscribe", "n", 1), "SUBSCRIBE", "n")
	speaker := startSpeaker(t, env.Primary().Addr, "n")
	var last int64
	hears(t, rawMessages(conn), &last, 20)
	path.Deafen()
	mark := speaker.counts.Load() + 20
	hears(t, rawMessages(conn), &last, mark)
}

func TestClusterSubscribers(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Config: []string{"notify-keyspace-events KEA"}})
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr, "--workers", "2")
	all, events := servers.MustDial(t, gate.Addr), dialResp3(t, gate.Addr)
	expect(t, all, pushed("psubscribe", "*", 1), "PSUBSCRIBE", "*")
	expect(t, events, ">"+pushed("subscribe", "__keyevent@0__:set", 1)[1:], "SUBSCRIBE", "__keyevent@0__:set")
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, pushed("__keyevent@0__:set"), "PUBSUB", "CHANNELS")
	for i := range 30 { // keys of all shards: one event each, from its own primary
		key := fmt.Sprintf("key%d", i)
		expect(t, conn, "+OK\r\n", "SET", key, "v")
		comes(t, events, ">"+pushed("message", "__keyevent@0__:set", key)[1:])
		heard := map[string]bool{}
		for range 2 {
			got, err := all.Frame()
			if err != nil {
				t.Fatal(err)
			}
			heard[string(got)] = true
		}
		if !heard[pushed("pmessage", "*", "__keyspace@0__:"+key, "set")] ||
			!heard[pushed("pmessage", "*", "__keyevent@0__:set", key)] {
			t.Fatalf("heard %v", heard)
		}
	}
	for _, n := range env.Nodes() { // one event, whichever node publishes it
		if _, err := n.Do("PUBLISH", "news", n.Addr); err != nil {
			t.Fatal(err)
		}
		comes(t, all, pushed("pmessage", "*", "news", n.Addr))
	}
	expect(t, conn, ":1\r\n", "PUBLISH", "news", "last")
	comes(t, all, pushed("pmessage", "*", "news", "last"))
	expect(t, conn, pushed("news", 0, "__keyevent@0__:set", 1), "PUBSUB", "NUMSUB", "news", "__keyevent@0__:set")
	expect(t, conn, ":1\r\n", "PUBSUB", "NUMPAT")
}

func TestShardSubscribersFollowTheirSlot(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr, "--workers", "1")
	const slot = 866 // of "hello"
	conn, speaker := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	expect(t, conn, pushed("ssubscribe", "hello", 1), "SSUBSCRIBE", "hello")
	expect(t, speaker, ":1\r\n", "SPUBLISH", "hello", "one")
	comes(t, conn, pushed("smessage", "hello", "one"))
	expect(t, speaker, pushed("hello", 1), "PUBSUB", "SHARDNUMSUB", "hello")
	expect(t, speaker, pushed("hello"), "PUBSUB", "SHARDCHANNELS")
	from, to := env.SlotOwner(slot), env.Groups[2].Nodes[0]
	if err := env.MigrateSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	if err := env.FinishSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the subscription at the new owner", func() error {
		if got, err := to.Do("PUBSUB", "SHARDCHANNELS"); err != nil || fmt.Sprint(got) != "[hello]" {
			return fmt.Errorf("%v, %w", got, err)
		}
		return nil
	})
	servers.Until(t, servers.Patience, "a message", func() error {
		if got, err := speaker.Do("SPUBLISH", "hello", "two"); err != nil || string(got) != ":1\r\n" {
			return fmt.Errorf("%q, %w", got, err)
		}
		return nil
	})
	comes(t, conn, pushed("smessage", "hello", "two"))
	expect(t, conn, pushed("sunsubscribe", "hello", 0), "SUNSUBSCRIBE")
}

func TestClusterSubscribersSurviveTheirNode(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr, "--workers", "1")
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	expect(t, conn, pushed("subscribe", "n", 1), "SUBSCRIBE", "n")
	var home *servers.Node
	for _, n := range env.Nodes() {
		if got, err := n.Do("PUBSUB", "CHANNELS"); err != nil {
			t.Fatal(err)
		} else if fmt.Sprint(got) == "[n]" {
			home = n
		}
	}
	if home == nil {
		t.Fatal("no node has the subscription")
	}
	if err := home.Kill(); err != nil {
		t.Fatal(err)
	}
	var other *servers.Node
	for _, n := range env.Nodes() {
		if n != home && n.Running() {
			other = n
		}
	}
	servers.Until(t, servers.Patience, "a message by way of another node", func() error {
		if _, err := other.Do("PUBLISH", "n", "here"); err != nil {
			return err
		}
		conn.Timeout = 50 * time.Millisecond
		got, err := conn.Frame()
		conn.Timeout = 30 * time.Second
		if err == nil && string(got) != pushed("message", "n", "here") {
			t.Fatalf("%q", got)
		}
		return err
	})
}
