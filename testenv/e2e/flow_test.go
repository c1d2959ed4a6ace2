package e2e

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// Clients that write before they read, that read late, that close their sending half, and that are gone.

// numberIn returns a number of a section of a server's INFO.
func numberIn(t *testing.T, n *servers.Node, section, field string) int {
	t.Helper()
	text, err := n.Do("INFO", section)
	if err != nil {
		t.Fatal(err)
	}
	var number int
	_, after, found := strings.Cut(fmt.Sprint(text), field+":")
	if _, err := fmt.Sscan(strings.SplitN(after, "\r", 2)[0], &number); !found || err != nil {
		t.Fatalf("no %s in %q: %v", field, text, err)
	}
	return number
}

// mustWrite sends bytes within the connection's timeout.
func mustWrite(t *testing.T, c *servers.Conn, b []byte) {
	t.Helper()
	if err := c.SendRaw(b); err != nil {
		t.Fatalf("writing %d bytes: %v", len(b), err)
	}
}

// shut closes the sending half of a connection.
func shut(t *testing.T, c *servers.Conn) {
	t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// TestPipelineIsWrittenBeforeItIsRead: the gateway reads a whole pipeline whose client reads no reply before its end,
// as many client libraries do.
func TestPipelineIsWrittenBeforeItIsRead(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	const jobs = 60000
	value := strings.Repeat("x", 500)
	var pipeline []byte
	for i := range jobs {
		pipeline = servers.AppendCommand(pipeline, "SET", fmt.Sprint("job:", i), value, "GET")
	}
	for _, reply := range []string{"$-1\r\n", "$500\r\n" + value + "\r\n"} {
		mustWrite(t, conn, pipeline)
		for i := range jobs {
			if frame, err := conn.Frame(); err != nil || string(frame) != reply {
				t.Fatalf("reply %d: %.60q, %v", i, frame, err)
			}
		}
	}
}

// TestLateReaderGetsAll: a client that reads late gets all replies. One whose replies were small until now is sent all
// requests of a pipeline ahead, and gets more than its output limit of 256 MB.
func TestLateReaderGetsAll(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	const size, clients = 1 << 20, 3
	gets := [clients]int{400, 50, 50}
	expect(t, servers.MustDial(t, gate.Addr), "+OK\r\n", "SET", "big", strings.Repeat("x", size))
	late := make([]*servers.Conn, clients)
	for i := range late {
		late[i] = servers.MustDial(t, gate.Addr)
		if i == 0 { // it has had small replies so far
			for range 200 {
				expect(t, late[i], "$-1\r\n", "GET", "small")
			}
		}
		mustWrite(t, late[i], bytes.Repeat(servers.AppendCommand(nil, "GET", "big"), gets[i]))
	}
	calls, calm := -1, 0
	servers.Until(t, servers.Patience, "a server that is asked nothing more", func() error {
		now := served(t, env.Primary(), "get")
		if calm++; now != calls {
			calls, calm = now, 0
		}
		if calm < 200 {
			return fmt.Errorf("%d GETs so far", now)
		}
		return nil
	})
	want := fmt.Sprintf("$%d\r\n", size)
	for i, c := range late {
		for n := range gets[i] {
			if frame, err := c.Frame(); err != nil || !bytes.HasPrefix(frame, []byte(want)) || len(frame) != size+len(want)+2 {
				t.Fatalf("client %d, reply %d: %d bytes, %v", i, n, len(frame), err)
			}
		}
	}
	t.Logf("the server served %d GETs and had %d MB at its peak", served(t, env.Primary(), "get"),
		numberIn(t, env.Primary(), "memory", "used_memory_peak")>>20)
}

// TestServerDoesNotKeepRepliesForLateReaders: ten clients that write much before they read do not use the server's
// memory.
func TestServerDoesNotKeepRepliesForLateReaders(t *testing.T) {
	t.Parallel()
	primary := servers.StartPlain(t, servers.Options{}).Primary() // asked while it has nothing else to do
	gate := servers.StartGateway(t, "--primary", primary.Addr)
	const size, gets, clients = 1 << 20, 200, 10
	expect(t, servers.MustDial(t, gate.Addr), "+OK\r\n", "SET", "big", strings.Repeat("x", size))
	pipeline := bytes.Repeat(servers.AppendCommand(nil, "GET", "big"), gets)
	for range clients {
		mustWrite(t, servers.MustDial(t, gate.Addr), pipeline)
	}
	calls, calm := -1, 0
	servers.Until(t, servers.Patience, "a server that is asked nothing more", func() error {
		now := served(t, primary, "get")
		if calm++; now != calls {
			calls, calm = now, 0
		}
		if calm < 50 {
			return fmt.Errorf("%d GETs so far", now)
		}
		return nil
	})
	peak := numberIn(t, primary, "memory", "used_memory_peak") >> 20
	if t.Logf("the server had %d MB at its peak, after %d GETs", peak, calls); peak > 300 {
		t.Errorf("the server had %d MB at its peak", peak)
	}
}

// TestHalfClosedClientIsAnsweredInFull: commands that a client sent before it closed its sending half are executed and
// answered.
func TestHalfClosedClientIsAnsweredInFull(t *testing.T) {
	t.Parallel()
	plain := servers.StartPlain(t, servers.Options{Replicas: 1})
	cluster := servers.StartCluster(t, servers.Options{Primaries: 3})
	gates := map[string]*servers.Gateway{
		"plain":   servers.StartGateway(t, "--primary", plain.Primary().Addr, "--reads", "prefer-replica"),
		"cluster": servers.StartGateway(t, "--cluster", cluster.Addrs()),
	}
	var sets []byte
	for i := range 10000 {
		sets = servers.AppendCommand(sets, "SET", fmt.Sprint("key:", i), strings.Repeat("v", 100))
	}
	for _, c := range []struct{ name, sent, want string }{
		{"a read, then a write", "GET none\r\nSET a 1\r\n", "$-1\r\n+OK\r\n"},
		{"reads and writes in turn", strings.Repeat("GET none\r\nSET a 1\r\n", 50), strings.Repeat("$-1\r\n+OK\r\n", 50)},
		{"mass insertion", string(sets), strings.Repeat("+OK\r\n", 10000)},
		{"a transaction", "MULTI\r\nSET a 1\r\nEXEC\r\nSET a 2\r\n", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n+OK\r\n"},
		{"a transaction that is not ended", "SET a 1\r\nMULTI\r\nSET a 2\r\n", "+OK\r\n+OK\r\n+QUEUED\r\n"},
		{"a watch", "WATCH a\r\nGET none\r\nUNWATCH\r\nSET a 3\r\n", "+OK\r\n$-1\r\n+OK\r\n+OK\r\n"},
		{"a subscription at the end", "SET a 1\r\nSUBSCRIBE c\r\n", "+OK\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"},
		{"an admin request", "CONFIG SET slowlog-max-len 100\r\nSET a 1\r\n", "+OK\r\n+OK\r\n"},
		{"half a request at the end", "SET a 1\r\nSET a", "+OK\r\n"},
		{"a pop that finds something", "DEL q\r\nRPUSH q job\r\nBLPOP q 0\r\nLLEN q\r\n",
			":0\r\n:1\r\n*2\r\n$1\r\nq\r\n$3\r\njob\r\n:0\r\n"},
	} {
		for kind, gate := range gates {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				expect(t, servers.MustDial(t, gate.Addr), "+OK\r\n", "SET", "a", "0")
				conn := servers.MustDial(t, gate.Addr)
				mustWrite(t, conn, []byte(c.sent))
				shut(t, conn)
				want := c.want
				if strings.HasPrefix(c.sent, "DEL q") { // whether q was there
					want = want[1:]
				}
				got, err := conn.Rest()
				if strings.HasPrefix(c.sent, "DEL q") && len(got) > 0 {
					got = got[1:]
				}
				if err != nil || string(got) != want {
					t.Errorf("got %d bytes %.80q, %v, want %d bytes %.80q", len(got), got, err, len(want), want)
				}
			})
		}
	}
	t.Run("plain another database", func(t *testing.T) {
		conn := servers.MustDial(t, gates["plain"].Addr)
		mustWrite(t, conn, []byte("GET none\r\nSELECT 1\r\nSET a one\r\nGET a\r\nSELECT 0\r\nSET a zero\r\n"))
		shut(t, conn)
		got, err := conn.Rest()
		want := "$-1\r\n+OK\r\n+OK\r\n$3\r\none\r\n+OK\r\n+OK\r\n"
		late := strings.Replace(want, "$3\r\none\r\n", "$-1\r\n", 1) // its replica runs behind
		if err != nil || string(got) != want && string(got) != late {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

// leaveBehind makes a client send first and 100 KB more, and close its connection like a process that dies.
func leaveBehind(t *testing.T, addr, first string) net.Conn {
	t.Helper()
	c := servers.MustDial(t, addr)
	mustWrite(t, c, []byte(first))
	mustWrite(t, c, bytes.Repeat(servers.AppendCommand(nil, "PING", strings.Repeat("x", 1000)), 100))
	return c
}

// TestBlockedClientThatLeftTakesNothing: a client that has left pops no element, whatever it sent after its pop, and
// leaves no connection.
func TestBlockedClientThatLeftTakesNothing(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "1")
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, ":0\r\n", "DEL", "q")
	blocked := func(want int) {
		t.Helper()
		servers.Until(t, servers.Patience, fmt.Sprintf("%d blocked clients", want), func() error {
			if n := numberIn(t, env.Primary(), "clients", "blocked_clients"); n != want {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
	}
	before := numberIn(t, env.Primary(), "clients", "connected_clients")
	var dead []net.Conn
	for range 5 {
		dead = append(dead, leaveBehind(t, gate.Addr, "BLPOP q 0\r\n"))
	}
	blocked(5)
	for i, c := range dead {
		if i%2 == 0 {
			_ = c.(*servers.Conn).Conn.(*net.TCPConn).SetLinger(0) // a reset
		}
		_ = c.Close()
	}
	blocked(0)
	expect(t, conn, ":1\r\n", "RPUSH", "q", "job")
	expect(t, conn, ":1\r\n", "LLEN", "q")
	before++ // the gateway keeps the one on which it has sent CLIENT UNBLOCK for a while
	servers.Until(t, servers.Patience, "no connection left behind", func() error {
		if n := numberIn(t, env.Primary(), "clients", "connected_clients"); n > before {
			return fmt.Errorf("%d connections, %d before", n, before)
		}
		return nil
	})
}

// TestHeldClientThatLeftWritesNothing: commands of clients that gave up while there was no primary are not executed
// later.
func TestHeldClientThatLeftWritesNothing(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "1", "--hold", "30s")
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	if err := env.Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	primary := env.Groups[0].Nodes[0]
	until := func(what, field string) {
		t.Helper()
		servers.Until(t, servers.Patience, what, func() error {
			info, err := conn.Do("INFO", "failover")
			if err == nil && !strings.Contains(string(info), field) {
				err = fmt.Errorf("INFO says %s", info)
			}
			return err
		})
	}
	// Until then requests are sent to the server that has died: they may have been executed, and do not wait.
	until("the lost connection", "connections_lost:peer-closed=1,")
	waiting := func(want int) {
		t.Helper()
		until(fmt.Sprintf("%d waiting clients", want), fmt.Sprintf("requests_buffered_now:%d\r\n", want))
	}
	var left []*servers.Conn
	for _, size := range []int{1000, 70000, 5000000} {
		for range 3 {
			c := servers.MustDial(t, gate.Addr)
			mustWrite(t, c, append(servers.AppendCommand(nil, "RPUSH", "log", strings.Repeat("x", size)),
				servers.AppendCommand(nil, "INCR", fmt.Sprint("count", size))...))
			left = append(left, c)
		}
	}
	waiting(len(left))
	for _, c := range left {
		_ = c.Close()
	}
	waiting(0)
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitWrite(t, conn, "SET", "k", "after")
	for _, key := range []string{"count1000", "count70000", "count5000000", "log"} {
		expect(t, conn, ":0\r\n", "EXISTS", key)
	}
}

// worstWait returns the longest time of small SETs beside clients that request big replies and never read.
func worstWait(t *testing.T, addr string) time.Duration {
	t.Helper()
	const size, gets, clients = 1100000, 60, 10
	conn := servers.MustDial(t, addr)
	expect(t, conn, "+OK\r\n", "SET", "big", strings.Repeat("x", size))
	worst := make(chan time.Duration)
	neighbours := make([]*servers.Conn, 6)
	for i := range neighbours {
		neighbours[i] = servers.MustDial(t, addr)
		neighbours[i].Timeout = 30 * time.Second
	}
	var never []*servers.Conn
	for range clients {
		never = append(never, servers.MustDial(t, addr))
		mustWrite(t, never[len(never)-1], bytes.Repeat(servers.AppendCommand(nil, "GET", "big"), gets))
	}
	for _, c := range neighbours {
		go func() {
			longest := time.Duration(0)
			for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
				began := time.Now()
				if reply, err := c.Do("SET", "k", "v"); err != nil || string(reply) != "+OK\r\n" {
					t.Errorf("a neighbour got %.80q, %v", reply, err)
					break
				}
				longest = max(longest, time.Since(began))
			}
			worst <- longest
		}()
	}
	longest := time.Duration(0)
	for range neighbours {
		longest = max(longest, <-worst)
	}
	for _, c := range never {
		_ = c.Close()
	}
	return longest
}

// TestNeighboursOfThoseWhoNeverRead: clients that request big replies and never read them delay others no more than on
// a plain server. Under the race detector, which slows the gateway more than ten times and the server not at all, times
// mean nothing.
func TestNeighboursOfThoseWhoNeverRead(t *testing.T) {
	if servers.RaceEnabled {
		t.Skip("times are compared without the race detector")
	}
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "1")
	straight := worstWait(t, env.Primary().Addr)
	through := worstWait(t, gate.Addr)
	straight = max(straight, worstWait(t, env.Primary().Addr)) // the machine may be busy
	t.Logf("the worst wait: %v straight, %v through the gateway", straight, through)
	if through > max(3*straight, 3*time.Second) {
		t.Errorf("neighbours waited for %v, on a plain server for %v", through, straight)
	}
}
