package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/testenv/servers"
)

// blockedAt returns the number of blocked clients that a server reports.
func blockedAt(n *servers.Node) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), servers.AskPatience)
	defer cancel()
	text, err := n.Client().Info(ctx, "clients").Result()
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(text, "\nblocked_clients:")
	count, _, _ := strings.Cut(after, "\r\n")
	return strconv.Atoi(count)
}

func awaitBlocked(t *testing.T, n *servers.Node, want int) {
	t.Helper()
	servers.Until(t, servers.Patience, fmt.Sprintf("%d blocked clients", want), func() error {
		if got, err := blockedAt(n); err != nil || got != want {
			return fmt.Errorf("%d are, %w", got, errors.Join(err))
		}
		return nil
	})
}

// workers pop elements of a list with BLPOP, one after the other, and keep them.
type workers struct {
	got    chan string
	errs   chan error
	conns  []*servers.Conn
	ending atomic.Bool
	all    sync.WaitGroup
}

func startWorkers(t *testing.T, addr, list string, n int) *workers {
	w := &workers{got: make(chan string, 10_000), errs: make(chan error, 2*n)}
	for range n {
		c := servers.MustDial(t, addr)
		c.Timeout = 2 * time.Minute
		w.conns = append(w.conns, c)
		w.all.Go(func() {
			for !w.ending.Load() {
				reply, err := c.Do("BLPOP", list, "0")
				switch words := strings.Split(string(reply), "\r\n"); {
				case w.ending.Load():
				case err != nil:
					w.errs <- err
					return
				case len(words) == 6 && words[0] == "*2":
					w.got <- words[4]
				default:
					w.errs <- fmt.Errorf("got %q", reply)
				}
			}
		})
	}
	return w
}

// expect waits for all pushed elements, each once, and checks that nothing else happened.
func (w *workers) expect(t *testing.T, pushed []string) {
	t.Helper()
	want := map[string]bool{}
	for _, e := range pushed {
		want[e] = true
	}
	late := time.After(servers.Patience)
	for len(want) > 0 {
		select {
		case e := <-w.got:
			if !want[e] {
				t.Errorf("%q came, which was not pushed or came before", e)
			}
			delete(want, e)
		case err := <-w.errs:
			t.Fatalf("a worker: %v", err)
		case <-late:
			t.Fatalf("%d of %d elements did not come", len(want), len(pushed))
		}
	}
}

func (w *workers) end() {
	w.ending.Store(true)
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.all.Wait()
}

// push puts n elements into a list, each acknowledged.
func push(t *testing.T, c *servers.Conn, list, name string, n int) (pushed []string) {
	t.Helper()
	for i := range n {
		e := fmt.Sprintf("%s-%d", name, i)
		if reply, err := c.Do("RPUSH", list, e); err != nil || reply[0] != ':' {
			t.Fatalf("RPUSH: %q, %v", reply, err)
		}
		pushed = append(pushed, e)
	}
	return pushed
}

// transactors increment counters with transactions, some with WATCH.
type transactors struct {
	ctx                   context.Context
	stop                  context.CancelFunc
	all                   sync.WaitGroup
	done, unknown         atomic.Int64
	raised, raisedUnknown atomic.Int64
	odd                   chan error
}

func startTransactors(t *testing.T, addr string) *transactors {
	x := &transactors{odd: make(chan error, 1000)}
	x.ctx, x.stop = context.WithCancel(context.Background())
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, ReadTimeout: time.Minute, PoolSize: 20})
	t.Cleanup(func() { _ = client.Close() })
	for range 5 {
		x.all.Go(func() {
			for x.ctx.Err() == nil {
				pipe := client.TxPipeline()
				a, b := pipe.Incr(context.Background(), "{q}a"), pipe.Incr(context.Background(), "{q}b")
				_, err := pipe.Exec(context.Background())
				x.count(err, &x.done, &x.unknown)
				if err == nil && a.Val() != b.Val() {
					x.odd <- fmt.Errorf("a transaction counts to %d and to %d", a.Val(), b.Val())
				}
			}
		})
		x.all.Go(func() {
			for x.ctx.Err() == nil {
				err := client.Watch(context.Background(), func(tx *redis.Tx) error {
					n, err := tx.Get(context.Background(), "{q}c").Int()
					if err != nil && !errors.Is(err, redis.Nil) {
						return err
					}
					_, err = tx.TxPipelined(context.Background(), func(pipe redis.Pipeliner) error {
						return pipe.Set(context.Background(), "{q}c", n+1, 0).Err()
					})
					return err
				}, "{q}c")
				if !errors.Is(err, redis.TxFailedErr) {
					x.count(err, &x.raised, &x.raisedUnknown)
				}
			}
		})
	}
	return x
}

func (x *transactors) count(err error, done, unknown *atomic.Int64) {
	switch {
	case err == nil:
		done.Add(1)
	case strings.HasPrefix(err.Error(), "UNCERTAIN "):
		unknown.Add(1)
	case strings.HasPrefix(err.Error(), "LOADING "), strings.HasPrefix(err.Error(), "TRYAGAIN "):
	default:
		x.odd <- err
	}
}

// end stops them and compares their counts with the servers' data. A primary that dies may take acknowledged
// transactions with it, but never a half of one.
func (x *transactors) end(t *testing.T, addr string) {
	t.Helper()
	x.stop()
	x.all.Wait()
	close(x.odd)
	for err := range x.odd {
		t.Error(err)
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	count := func(key string) int64 {
		n, err := client.Get(context.Background(), key).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		return n
	}
	a, b, c := count("{q}a"), count("{q}b"), count("{q}c")
	t.Logf("%d transactions, %d UNCERTAIN; %d with WATCH, %d UNCERTAIN; counted to %d, %d, %d", x.done.Load(),
		x.unknown.Load(), x.raised.Load(), x.raisedUnknown.Load(), a, b, c)
	if a != b || a > x.done.Load()+x.unknown.Load() || c > x.raised.Load()+x.raisedUnknown.Load() || a == 0 || c == 0 {
		t.Error("that is not what was acknowledged")
	}
}

// TestBlockedWorkersAndTransactionsOutliveThePrimary kills the primary while 50 workers wait: none sees an error, and
// all elements that are pushed afterwards arrive.
func TestBlockedWorkersAndTransactionsOutliveThePrimary(t *testing.T) {
	t.Parallel()
	sentinel := func(t *testing.T) (*servers.Env, *servers.Gateway) {
		env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
		return env, servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	}
	cluster := func(t *testing.T) (*servers.Env, *servers.Gateway) {
		env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
		return env, servers.StartGateway(t, "--cluster", env.Addrs())
	}
	kill := func(_ *servers.Env, n *servers.Node) error { return n.Kill() }
	freeze := func(_ *servers.Env, n *servers.Node) error { return n.Freeze() }
	planned := func(env *servers.Env, _ *servers.Node) error {
		return errors.Join(env.UsualPeriods(), env.Groups[0].Failover())
	}
	for _, c := range []struct {
		name  string
		start func(*testing.T) (*servers.Env, *servers.Gateway)
		hurt  func(*servers.Env, *servers.Node) error
	}{
		{"sentinel killed", sentinel, kill}, {"sentinel frozen", sentinel, freeze}, {"sentinel planned", sentinel, planned},
		{"cluster killed", cluster, kill},
	} {
		t.Run(c.name, func(t *testing.T) {
			env, gate := c.start(t)
			outlive(t, gate, ownerOf(t, env, "{q}"), func(n *servers.Node) error { return c.hurt(env, n) },
				func() *servers.Node {
					return ownerOf(t, env, "{q}")
				})
		})
	}
}

// ownerOf returns the primary that serves a key, or nil.
func ownerOf(t *testing.T, env *servers.Env, key string) *servers.Node {
	t.Helper()
	if len(env.Groups) == 1 {
		return env.Primary()
	}
	for _, n := range env.Nodes() {
		if slot, err := n.Do("CLUSTER", "KEYSLOT", key); err == nil {
			return env.SlotOwner(int(slot.(int64)))
		}
	}
	return nil
}

func outlive(t *testing.T, gate *servers.Gateway, old *servers.Node, hurt func(*servers.Node) error,
	owner func() *servers.Node) {
	w := startWorkers(t, gate.Addr, "{q}jobs", 50)
	t.Cleanup(w.end)
	pusher := servers.MustDial(t, gate.Addr)
	pusher.Timeout = time.Minute
	awaitBlocked(t, old, 50)
	w.expect(t, push(t, pusher, "{q}jobs", "before", 100))
	awaitBlocked(t, old, 50)
	x := startTransactors(t, gate.Addr)
	servers.Until(t, servers.Patience, "transactions", func() error {
		if x.done.Load() < 100 || x.raised.Load() < 20 {
			return fmt.Errorf("%d, %d", x.done.Load(), x.raised.Load())
		}
		return nil
	})
	if err := hurt(old); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "another primary", func() error {
		if now := owner(); now == nil || now == old {
			return errors.New("none")
		}
		return nil
	})
	awaitWrite(t, pusher, "SET", "{q}k", "after")
	before := x.done.Load()
	servers.Until(t, servers.Patience, "transactions afterwards", func() error {
		if n := x.done.Load(); n < before+100 {
			return fmt.Errorf("%d of %d", n, before+100)
		}
		return nil
	})
	x.end(t, gate.Addr)
	w.expect(t, push(t, pusher, "{q}jobs", "after", 200))
	awaitBlocked(t, owner(), 50)
	select {
	case err := <-w.errs:
		t.Errorf("a worker: %v", err)
	case e := <-w.got:
		t.Errorf("%q came twice", e)
	default:
	}
}

// TestWhoLeavesWhileBlockedIsForgotten checks that no server pops for a blocked client that has left.
func TestWhoLeavesWhileBlockedIsForgotten(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	for range 10 {
		var conns []*servers.Conn
		for range 10 {
			c := servers.MustDial(t, gate.Addr)
			if err := c.Send("BLPOP", "jobs", "0"); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
		awaitBlocked(t, env.Primary(), 10)
		for _, c := range conns {
			_ = c.Close()
		}
		awaitBlocked(t, env.Primary(), 0)
		expect(t, servers.MustDial(t, gate.Addr), ":1\r\n", "RPUSH", "jobs", "x")
		expect(t, servers.MustDial(t, gate.Addr), "*2\r\n$4\r\njobs\r\n$1\r\nx\r\n", "BLPOP", "jobs", "0")
	}
	if s, err := blockedAt(env.Primary()); err != nil || s != 0 {
		t.Errorf("%d are blocked, %v", s, err)
	}
}

// TestBlockedClientsCostLittle measures the memory of a blocked client, its dedicated connection included.
func TestBlockedClientsCostLittle(t *testing.T) {
	const first, all, most = 0, 5000, 8 << 10
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	var conns []net.Conn
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	block := func(n int) int64 {
		for len(conns) < n {
			c, err := net.DialTimeout("tcp", gate.Addr, servers.ReplyPatience)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
			if _, err := c.Write(servers.AppendCommand(nil, "BLPOP", fmt.Sprint("list", len(conns)), "0")); err != nil {
				t.Fatal(err)
			}
			if len(conns)%500 == 0 {
				awaitBlocked(t, env.Primary(), len(conns))
			}
		}
		bytes, err := gate.ResidentBytes()
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	before := block(first)
	each := (block(all) - before) / (all - first)
	t.Logf("%d bytes for each of %d blocked clients", each, all)
	if each > most && !servers.RaceEnabled {
		t.Errorf("that is more than %d", most)
	}
}

// TestWaitAsksAllPrimaries freezes one replica of three: WAIT must return 0 for all writes in the cluster.
func TestWaitAsksAllPrimaries(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, NodeTimeout: time.Minute})
	gate := servers.StartGateway(t, "--cluster", env.Addrs())
	conn, replica := servers.MustDial(t, gate.Addr), env.Groups[1].Nodes[1]
	write := func(value string) {
		for _, key := range []string{"a", "b", "c"} { // one for each primary
			expect(t, conn, "+OK\r\n", "SET", key, value)
		}
	}
	write("1")
	expect(t, conn, ":1\r\n", "WAIT", "1", "5000")
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	write("2")
	expect(t, conn, ":0\r\n", "WAIT", "1", "100")
	if err := replica.Thaw(); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, ":1\r\n", "WAIT", "1", "5000")
	expect(t, conn, "-ERR value is not an integer or out of range\r\n", "WAIT", "x", "1")
	expect(t, conn, "-ERR timeout is negative\r\n", "WAIT", "1", "-1")
}

// TestWaitSpeaksOfTheClientsWrites freezes the only replica, which WAIT through the gateway must not count.
func TestWaitSpeaksOfTheClientsWrites(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, DownAfter: time.Minute, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	conn, replica := servers.MustDial(t, gate.Addr), env.Replicas()[0]
	for range 3 {
		expect(t, conn, "+OK\r\n", "SET", "k", "1")
		expect(t, conn, ":1\r\n", "WAIT", "1", "5000")
		if err := replica.Freeze(); err != nil {
			t.Fatal(err)
		}
		expect(t, conn, "+OK\r\n", "SET", "k", "2")
		expect(t, conn, ":0\r\n", "WAIT", "1", "100")
		expect(t, conn, ":0\r\n", "WAIT", "0", "0")
		if err := replica.Thaw(); err != nil {
			t.Fatal(err)
		}
		expect(t, conn, ":1\r\n", "WAIT", "1", "5000")
	}
	expect(t, conn, "-ERR timeout is negative\r\n", "WAIT", "1", "-1")
	expect(t, conn, "-ERR value is not an integer or out of range\r\n", "WAIT", "x", "1")
}
