package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/redcon"
	"go.uber.org/goleak"

	"evergate/gateway/config"
	"evergate/gateway/loop"
	"evergate/gateway/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// maker makes a loop.
type maker = func(loop.Config) (loop.Loop, error)

var loops = map[string]maker{"system": loop.New, "portable": loop.NewPortable}

// fakeNode is a scripted server: a map, ROLE and INFO, and a way to misbehave.
type fakeNode struct {
	server *redcon.Server
	addr   string
	data   sync.Map
	// sets counts SET commands that were executed.
	sets atomic.Int64
	// cut closes a connection instead of answering: "SET" before the reply, "GET" in the middle of it.
	cut atomic.Value
	// stall resets the next connection from which so many bytes were read; 0: none.
	stall atomic.Int64
	// accepted counts the connections, secured those with TLS.
	accepted, secured atomic.Int64
}

func startNode(t *testing.T) *fakeNode {
	t.Helper()
	n := &fakeNode{}
	n.cut.Store("")
	n.server = redcon.NewServer("127.0.0.1:0", n.serve, func(redcon.Conn) bool { return n.accepted.Add(1) > 0 }, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.addr = ln.Addr().String()
	ln = eitherListener{ln, testServerTLS(t), &n.stall, &n.secured}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.server.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = n.server.Close()
		_ = ln.Close() // the server may not have it yet
		<-done
	})
	return n
}

func (n *fakeNode) serve(c redcon.Conn, cmd redcon.Command) {
	name := strings.ToUpper(string(cmd.Args[0]))
	if n.cut.Load() == name {
		n.cut.Store("")
		if name == "GET" {
			c.WriteRaw([]byte("$200000\r\n" + strings.Repeat("x", 150000)))
		}
		_ = c.Close()
		return
	}
	switch name {
	case "PING":
		c.WriteString("PONG")
	case "ROLE":
		c.WriteArray(3)
		c.WriteBulkString("master")
		c.WriteInt(0)
		c.WriteArray(0)
	case "INFO":
		c.WriteBulkString("redis_version:7.0.0\r\nrole:master\r\nmaster_replid:data-" + n.addr + "\r\nrun_id:run-" + n.addr +
			"\r\nmaster_repl_offset:1\r\nloading:0\r\n")
	case "SET":
		n.sets.Add(1)
		n.data.Store(string(cmd.Args[1]), bytes.Clone(cmd.Args[2]))
		c.WriteString("OK")
	case "GET":
		if v, ok := n.data.Load(string(cmd.Args[1])); ok {
			c.WriteBulk(v.([]byte))
		} else {
			c.WriteNull()
		}
	default:
		c.WriteError("ERR unknown command")
	}
}

// start runs a gateway before the node and returns it with its first address.
func start(t *testing.T, makeLoop maker, n *fakeNode, change func(*config.Gateway)) (*Gateway, string) {
	t.Helper()
	conf := config.Default()
	conf.Workers = 2
	conf.Services = []config.Service{{Name: "default", Listen: []string{"127.0.0.1:0"}, Primary: n.addr,
		Reads: config.ReadPrimary}}
	if change != nil {
		change(&conf)
	}
	if isSecure(t) {
		secure(t, &conf.Services[0])
	}
	g, err := newWith(conf, nil, makeLoop)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	addr := g.Addrs()[0].String()
	until(t, "the topology is known", func() bool { return g.View(0) != nil })
	return g, addr
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// peer is a client that reads whole replies.
type peer struct {
	t *testing.T
	net.Conn
	scan resp.ReplyScanner
	left []byte
}

func connect(t *testing.T, addr string) *peer {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	if isSecure(t) && network == "tcp" {
		c = tls.Client(c, testClientTLS(t))
	}
	t.Cleanup(func() { _ = c.Close() })
	return &peer{t: t, Conn: c}
}

// patience is how long one step of a peer may take, on a machine that is busy.
const patience = 30 * time.Second

// Write is that of the connection, within patience.
func (p *peer) Write(b []byte) (int, error) {
	_ = p.SetWriteDeadline(time.Now().Add(patience))
	return p.Conn.Write(b)
}

// Read is that of the connection, within patience.
func (p *peer) Read(b []byte) (int, error) {
	_ = p.SetReadDeadline(time.Now().Add(patience))
	return p.Conn.Read(b)
}

func (p *peer) send(args ...string) {
	p.t.Helper()
	if _, err := p.Write(resp.AppendCommandStrings(nil, args...)); err != nil {
		p.t.Fatal(err)
	}
}

// reply reads one reply; "closed" when the connection ended.
func (p *peer) reply() string {
	p.t.Helper()
	var got []byte
	buf := make([]byte, 64<<10)
	for {
		if len(p.left) > 0 {
			n, done, err := p.scan.Scan(p.left)
			if err != nil {
				p.t.Fatalf("reply does not parse: %.100q", p.left)
			}
			got = append(got, p.left[:n]...)
			p.left = p.left[n:]
			if done {
				return string(got)
			}
			continue
		}
		n, err := p.Read(buf)
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				p.t.Fatalf("no reply in time; so far %.100q", got)
			}
			return "closed"
		}
		p.left = append(p.left, buf[:n]...)
	}
}

func (p *peer) want(want string, args ...string) {
	p.t.Helper()
	p.send(args...)
	if got := p.reply(); got != want {
		p.t.Fatalf("%.60q: got %.200q, want %.200q", args, got, want)
	}
}

func onBoth(t *testing.T, f func(t *testing.T, makeLoop maker)) {
	for name, makeLoop := range loops {
		t.Run(name, func(t *testing.T) { f(t, makeLoop) })
	}
}

// onAll runs f on both loops, without TLS and with it towards clients and servers.
func onAll(t *testing.T, f func(t *testing.T, makeLoop maker)) {
	onBoth(t, f)
	for name, makeLoop := range loops {
		t.Run(name+overTLS, func(t *testing.T) { f(t, makeLoop) })
	}
}

func TestPipelinesAndBigValues(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		_, addr := start(t, makeLoop, startNode(t), nil)
		p := connect(t, addr)
		big := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB
		p.want("+OK\r\n", "SET", "big", big)
		p.want(fmt.Sprintf("$%d\r\n%s\r\n", len(big), big), "GET", "big")
		const many = 10_000
		var batch []byte
		for i := range many {
			batch = resp.AppendCommandStrings(batch, "SET", fmt.Sprint("k", i), fmt.Sprint(i))
			batch = resp.AppendCommandStrings(batch, "GET", fmt.Sprint("k", i))
			batch = resp.AppendCommandStrings(batch, "ECHO", fmt.Sprint(i))
		}
		go func() { _, _ = p.Write(batch) }()
		for i := range many {
			value := fmt.Sprintf("$%d\r\n%d\r\n", len(fmt.Sprint(i)), i)
			for _, want := range []string{"+OK\r\n", value, value} {
				if got := p.reply(); got != want {
					t.Fatalf("request %d: got %q, want %q", i, got, want)
				}
			}
		}
	})
}

// Whatever the sizes, what stands behind a large value in a read is not lost, nor taken for a part of it.
func TestLargeValuesAmongSmallOnes(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		_, addr := start(t, makeLoop, startNode(t), nil)
		p := connect(t, addr)
		var batch []byte
		var want []string
		for round := range 3 {
			for size := 30_000; size < 3_000_000; size += size/2 + 777 {
				value := strings.Repeat(fmt.Sprintf("%07d.", size+round), size/8)
				batch = resp.AppendCommandStrings(batch, "SET", "large", value)
				batch = resp.AppendCommandStrings(batch, "ECHO", fmt.Sprint(size))
				batch = resp.AppendCommandStrings(batch, "GET", "large")
				want = append(want, "+OK\r\n", string(resp.AppendBulk(nil, []byte(fmt.Sprint(size)))),
					string(resp.AppendBulk(nil, []byte(value))))
			}
		}
		go func() { _, _ = p.Write(batch) }()
		for i := range want {
			if got := p.reply(); got != want[i] {
				t.Fatalf("reply %d: got %.40q of %d bytes, want %.40q of %d", i, got, len(got), want[i], len(want[i]))
			}
		}
	})
}

func TestServerDies(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		n := startNode(t)
		_, addr := start(t, makeLoop, n, nil)
		p := connect(t, addr)
		p.want("+OK\r\n", "SET", "k", "1")
		n.cut.Store("SET")
		p.send("SET", "k", "2")
		if got := p.reply(); !strings.HasPrefix(got, "-UNCERTAIN ") {
			t.Fatalf("a sent write whose connection died: %q", got)
		}
		p.want("$1\r\n1\r\n", "GET", "k")
		if got := n.sets.Load(); got != 1 {
			t.Fatalf("%d SETs were executed", got)
		}
		n.cut.Store("GET")
		p.send("GET", "k")
		if got := p.reply(); got != "closed" {
			t.Fatalf("half a reply: %.100q", got)
		}
		connect(t, addr).want("$1\r\n1\r\n", "GET", "k")
	})
}

// TestHalfSentWriteIsRetried: the server ends before the kernel has taken the last byte of a write. It cannot have been
// executed, with TLS or without, so it is sent again, and executed once.
func TestHalfSentWriteIsRetried(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		n := startNode(t)
		_, addr := start(t, makeLoop, n, nil)
		p := connect(t, addr)
		p.want("+OK\r\n", "SET", "k", "1")
		big := strings.Repeat("0123456789abcdef", 2<<20) // 32 MiB, more than sockets take
		n.stall.Store(1 << 20)
		p.want("+OK\r\n", "SET", "k", big)
		if got := n.sets.Load(); got != 2 || n.stall.Load() != 0 {
			t.Errorf("%d SETs were executed, want 2; no connection was stalled: %v", got, n.stall.Load() != 0)
		}
		if v, _ := n.data.Load("k"); string(v.([]byte)) != big {
			t.Error("another value was written")
		}
	})
}

func TestInfoAndListSpeakForAllWorkers(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), nil)
		for i := range 5 {
			connect(t, addr).want("+OK\r\n", "CLIENT", "SETNAME", fmt.Sprint("name-", i))
		}
		p := connect(t, addr)
		p.send("CLIENT", "LIST")
		list := p.reply()
		for i := range 5 {
			if !strings.Contains(list, fmt.Sprintf(" name=name-%d ", i)) {
				t.Errorf("CLIENT LIST lacks client %d:\n%s", i, list)
			}
		}
		p.send("INFO", "clients")
		if got := p.reply(); !strings.Contains(got, "connected_clients:6\r\n") || strings.Contains(got, "# Server") {
			t.Errorf("INFO clients: %q", got)
		}
		for _, l := range g.loops {
			if l.Clients() != 3 {
				t.Errorf("a loop has %d of 6 clients", l.Clients())
			}
		}
	})
}

func TestUnixSocketAndPassword(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		dir := t.TempDir()
		secret := filepath.Join(dir, "password")
		socket := filepath.Join(dir, "s")
		write := func(s string) {
			if err := os.WriteFile(secret, []byte(s+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("first")
		_, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) {
			c.Services[0].Listen = []string{"unix:" + socket}
			c.Services[0].Password = config.Secret{File: secret}
		})
		p := connect(t, addr)
		p.want("-NOAUTH Authentication required.\r\n", "GET", "k")
		p.want("-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "second")
		p.want("-WRONGPASS invalid username-password pair or user is disabled.\r\n", "AUTH", "admin", "first")
		p.want("+OK\r\n", "AUTH", "default", "first")
		p.want("$-1\r\n", "GET", "k")
		write("second")
		until(t, "the new password is taken", func() bool {
			q := connect(t, addr)
			q.send("AUTH", "second")
			return q.reply() == "+OK\r\n"
		})
		p.want("$-1\r\n", "GET", "k")
	})
}

func TestTooManyClients(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		_, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) { c.Limits.ClientsMax = 2 })
		first := connect(t, addr)
		first.want("+PONG\r\n", "PING")
		connect(t, addr).want("+PONG\r\n", "PING")
		want := "-ERR max number of clients reached\r\n"
		if isSecure(t) {
			want = "closed"
		}
		if got := connect(t, addr).reply(); got != want {
			t.Fatalf("the third client got %q", got)
		}
		_ = first.Close()
		until(t, "a place is free again", func() bool {
			q := connect(t, addr)
			_, err := q.Write([]byte("PING\r\n"))
			return err == nil && q.reply() == "+PONG\r\n"
		})
	})
}

// TestClientsWithAnAddressMoveBeforeTheDrainDelay: they need not wait until a load balancer has noticed the drain.
func TestClientsWithAnAddressMoveBeforeTheDrainDelay(t *testing.T) {
	g, addr := start(t, loops["system"], startNode(t), func(c *config.Gateway) {
		c.DrainDelay = time.Hour
		c.Services[0].MovingEndpoint = "other:1"
	})
	p := connect(t, addr)
	p.send("HELLO", "3")
	p.reply()
	p.want("+OK\r\n", "CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	drained := make(chan error)
	go func() { drained <- g.Drain(ctx) }()
	if got := p.reply(); !strings.HasPrefix(got, ">4\r\n$6\r\nMOVING\r\n:") || // within 1 h and half of the other two
		!strings.HasSuffix(got, "\r\n:7200\r\n$7\r\nother:1\r\n") {
		t.Errorf("%q", got)
	}
	connect(t, addr).want("+PONG\r\n", "PING")
	cancel()
	<-drained
}

func TestDrainEndsAtACommandBoundary(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), nil)
		p, half := connect(t, addr), connect(t, addr)
		p.want("+OK\r\n", "SET", "k", "v")
		half.want("+PONG\r\n", "PING")
		_, _ = half.Write([]byte("*2\r\n$3\r\nGET\r\n$1\r\n"))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := g.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*peer{p, half} {
			if got := c.reply(); got != "closed" {
				t.Errorf("after the drain: %q", got)
			}
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			t.Error("a drained gateway accepts")
		}
	})
}

// TestSlowReaderIsCut: a client that asks much and reads nothing loses its connection, its neighbour nothing.
func TestSlowReaderIsCut(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) {
			c.Limits.OutputBytesMax = 1 << 20
			c.Workers = 1
		})
		good, bad := connect(t, addr), connect(t, addr)
		good.want("+OK\r\n", "SET", "k", strings.Repeat("v", 40<<10))
		var batch []byte
		for range 800 { // 32 MB, more than sockets take
			batch = resp.AppendCommandStrings(batch, "GET", "k")
		}
		go func() { _, _ = bad.Write(batch) }()
		until(t, "the slow reader is gone", func() bool {
			good.send("GET", "k")
			if got := good.reply(); len(got) < 40<<10 {
				t.Fatalf("the neighbour got %.100q", got)
			}
			return g.Snapshot().Clients == 1
		})
	})
}

// TestNoGoroutinePerClient holds the Linux loop to its design.
func TestNoGoroutinePerClient(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the portable loop has two goroutines a connection by design")
	}
	_, addr := start(t, loop.New, startNode(t), nil)
	connect(t, addr).want("+PONG\r\n", "PING")
	before := runtime.NumGoroutine()
	for range 200 {
		connect(t, addr).want("$-1\r\n", "GET", "k")
	}
	if after := runtime.NumGoroutine(); after > before+20 {
		t.Errorf("%d goroutines before 200 clients, %d with them", before, after)
	}
}

// TestHalfClosedClientGetsItsReplies: printf 'SET k v\r\nGET k\r\n' | nc gateway.
func TestHalfClosedClientGetsItsReplies(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		_, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) { c.Workers = 1 })
		connect(t, addr).want("$-1\r\n", "GET", "k") // from here on the gateway is connected
		p := connect(t, addr)
		_, _ = p.Write([]byte("SET k v\r\nGET k\r\n"))
		if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"+OK\r\n", "$1\r\nv\r\n", "closed"} {
			if got := p.reply(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// A connection goes to the worker that has the fewest, also after many have left.
func TestConnectionsAreBalancedOverWorkers(t *testing.T) {
	for name, makeLoop := range loops {
		g, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) { c.Workers = 3 })
		var peers []*peer
		fill := func(n int) {
			for range n {
				p := connect(t, addr)
				p.send("PING")
				if got := p.reply(); got != "+PONG\r\n" {
					t.Fatalf("%s: PING: %q", name, got)
				}
				peers = append(peers, p)
			}
		}
		clients := func() (counts []int, all int) {
			for _, l := range g.loops {
				counts = append(counts, l.Clients())
				all += l.Clients()
			}
			return counts, all
		}
		fill(31)
		for _, p := range peers[:10] {
			_ = p.Close()
		}
		until(t, "ten have left", func() bool { _, all := clients(); return all == 21 })
		fill(10)
		if counts, _ := clients(); slices.Max(counts)-slices.Min(counts) > 1 {
			t.Errorf("%s: the workers have %v clients", name, counts)
		}
	}
}
