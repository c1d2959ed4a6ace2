package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/testenv/servers"
)

// configOf returns a setting of one server, queried directly.
func configOf(t *testing.T, n *servers.Node, name string) string {
	t.Helper()
	reply, err := n.Do("CONFIG", "GET", name)
	if err != nil {
		t.Fatal(err)
	}
	return servers.Pairs(reply)[name]
}

// TestConfigSpeaksForAllServers, behind Sentinels and in a cluster: SET reaches replicas, GET returns values on which
// the primaries agree.
func TestConfigSpeaksForAllServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (*servers.Env, *servers.Gateway){
		"sentinel": func(t *testing.T) (*servers.Env, *servers.Gateway) {
			env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
			return env, servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
		},
		"cluster": func(t *testing.T) (*servers.Env, *servers.Gateway) {
			env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
			return env, servers.StartGateway(t, "--cluster", env.Addrs())
		},
	} {
		t.Run(name, func(t *testing.T) {
			env, gate := start(t)
			conn := servers.MustDial(t, gate.Addr)
			awaitWrite(t, conn, "SET", "k", "v")
			setsEverywhere(t, env, conn)
			refusesProtected(t, env, conn)
			if name == "cluster" {
				reportsDifferences(t, env, conn)
			}
			withTools(t, gate)
		})
	}
}

func setsEverywhere(t *testing.T, env *servers.Env, conn *servers.Conn) {
	t.Helper()
	expect(t, conn, "+OK\r\n", "CONFIG", "SET", "notify-keyspace-events", "KEA")
	for _, n := range env.Nodes() {
		if got := configOf(t, n, "notify-keyspace-events"); got != "AKE" {
			t.Errorf("%s has %q", n.Addr, got)
		}
	}
	expect(t, conn, "*2\r\n$22\r\nnotify-keyspace-events\r\n$3\r\nAKE\r\n", "CONFIG", "GET", "notify-*")
	expect(t, conn, "*0\r\n", "CONFIG", "GET", "nosuch")
	expect(t, conn, "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n",
		"CONFIG", "SET", "nosuch", "1")
	expect(t, conn, "+OK\r\n", "CONFIG", "RESETSTAT")
	for _, n := range env.Nodes() {
		if calls := served(t, n, "config|resetstat"); calls > 1 {
			t.Errorf("%s: its counters were not reset", n.Addr)
		}
	}
	expect(t, conn, "+OK\r\n", "CONFIG", "REWRITE")
	expect(t, conn, "+OK\r\n", "MULTI")
	expect(t, conn, "+QUEUED\r\n", "CONFIG", "SET", "notify-keyspace-events", "")
	expect(t, conn, "+QUEUED\r\n", "CONFIG", "GET", "notify-keyspace-events")
	expect(t, conn, "+QUEUED\r\n", "CONFIG", "SET", "maxmemory", "bla")
	expect(t, conn, "*3\r\n+OK\r\n*2\r\n$22\r\nnotify-keyspace-events\r\n$0\r\n\r\n-ERR CONFIG SET failed (possibly "+
		"related to argument 'maxmemory') - argument must be a memory value\r\n", "EXEC")
	for _, n := range env.Nodes() {
		if got := configOf(t, n, "notify-keyspace-events"); got != "" {
			t.Errorf("%s has %q", n.Addr, got)
		}
	}
}

func refusesProtected(t *testing.T, env *servers.Env, conn *servers.Conn) {
	t.Helper()
	for _, name := range []string{"requirepass", "bind", "MASTERAUTH", "replica-priority", "cluster-node-timeout"} {
		reply, err := conn.Do("CONFIG", "SET", "timeout", "77", name, "1")
		if err != nil || !strings.HasPrefix(string(reply), "-ERR 'config set "+strings.ToLower(name)+"' is not allowed") {
			t.Errorf("CONFIG SET %s: %q, %v", name, reply, err)
		}
	}
	if got := configOf(t, env.Nodes()[0], "timeout"); got == "77" {
		t.Error("the rest of a refused CONFIG SET was done")
	}
	reply, err := conn.Do("CONFIG", "GET", "requirepass")
	if err != nil || !strings.HasPrefix(string(reply), "-ERR 'config get requirepass' is not allowed") {
		t.Errorf("CONFIG GET requirepass: %q, %v", reply, err)
	}
}

func reportsDifferences(t *testing.T, env *servers.Env, conn *servers.Conn) {
	t.Helper()
	odd := env.Groups[1].Primary()
	if _, err := odd.Do("CONFIG", "SET", "maxmemory", "123456789"); err != nil {
		t.Fatal(err)
	}
	reply, err := conn.Do("CONFIG", "GET", "maxmemory")
	if err != nil || !strings.HasPrefix(string(reply), "-ERR evergate: the servers differ in 'maxmemory': ") ||
		!strings.Contains(string(reply), "'123456789' on "+odd.Addr) {
		t.Errorf("CONFIG GET maxmemory: %q, %v", reply, err)
	}
	expect(t, conn, "+OK\r\n", "CONFIG", "SET", "maxmemory", "0")
	expect(t, conn, "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n", "CONFIG", "GET", "maxmemory")
	reply, err = conn.Do("CONFIG", "GET", "*")
	if err != nil || reply[0] != '*' || strings.Contains(string(reply), "\r\nport\r\n") ||
		!strings.Contains(string(reply), "\r\nmaxmemory-policy\r\n") || strings.Contains(string(reply), "requirepass") {
		t.Errorf("CONFIG GET *: %q, %v", reply, err)
	}
}

// withTools sends CONFIG GET as go-redis in RESP3 and as redis-cli.
func withTools(t *testing.T, gate *servers.Gateway) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: gate.Addr, Protocol: 3})
	defer client.Close()
	got, err := client.ConfigGet(context.Background(), "maxmemory*").Result()
	if err != nil || got["maxmemory-policy"] != "noeviction" || got["maxmemory"] != "0" {
		t.Errorf("go-redis: %v, %v", got, err)
	}
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Log("not asked with redis-cli: there is none")
		return
	}
	host, port, _ := strings.Cut(gate.Addr, ":")
	out, err := exec.Command(cli, "-h", host, "-p", port, "config", "get", "maxmemory-policy").CombinedOutput()
	if err != nil || string(out) != "maxmemory-policy\nnoeviction\n" {
		t.Errorf("redis-cli: %q, %v", out, err)
	}
}

// TestConfigDuringAFailover: CONFIG waits while there is no primary, as any command does.
func TestConfigDuringAFailover(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = time.Minute // Sentinels that fail to elect a leader retry much later
	awaitWrite(t, conn, "SET", "k", "v")
	old := env.Primary()
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n", "CONFIG", "GET", "maxmemory")
	expect(t, conn, "+OK\r\n", "CONFIG", "SET", "maxmemory-policy", "allkeys-lru") // one server is dead
	for _, n := range env.Nodes() {
		if n == old {
			continue
		}
		if got := configOf(t, n, "maxmemory-policy"); got != "allkeys-lru" {
			t.Errorf("%s has %q", n.Addr, got)
		}
	}
}

// TestConfigReachesAReplicaThatClosesConnections: a replica closes the connections of all clients when Sentinels assign
// another primary to it, and gets no reads then. It is alive: OK must mean that it has the setting, too.
func TestConfigReachesAReplicaThatClosesConnections(t *testing.T) {
	t.Parallel()
	const closed = 3
	listener, err := net.Listen("tcp", servers.IPv4Loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var asked atomic.Int32
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go closesMost(conn, func() bool { return asked.Add(1) <= closed })
		}
	}()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--replica", listener.Addr().String())
	expect(t, servers.MustDial(t, gate.Addr), "+OK\r\n", "CONFIG", "SET", "slowlog-max-len", "100")
	if n := asked.Load(); n != closed+1 {
		t.Errorf("the replica was asked %d times", n)
	}
}

// closesMost serves a connection of a replica without a known role: it closes the connection at ROLE, and executes
// CONFIG SET unless refuses returns true.
func closesMost(conn net.Conn, refuses func() bool) {
	defer conn.Close()
	command := make([]byte, 1024)
	for {
		n, err := conn.Read(command)
		switch words := bytes.ToLower(command[:n]); {
		case err != nil:
			return
		case bytes.Contains(words, []byte("hello")):
			_, _ = conn.Write([]byte("-ERR unknown command\r\n"))
		case bytes.Contains(words, []byte("config")) && !refuses():
			_, _ = conn.Write([]byte("+OK\r\n"))
		default:
			return
		}
	}
}

// TestConfigOfServersWithoutTheCommand: managed servers reject CONFIG, and clients that send CONFIG GET as they connect
// get usable replies.
func TestConfigOfServersWithoutTheCommand(t *testing.T) {
	t.Parallel()
	env := startWithRights(t, servers.StartPlain, "user "+aclUser+" on >"+aclPassword+" ~* &* +@all -config",
		servers.Options{})
	gate := startAsUser(t, "--primary", env.Primary().Addr)
	conn := servers.MustDial(t, gate.Addr)
	awaitWrite(t, conn, "SET", "k", "v")
	expect(t, conn, "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n", "CONFIG", "GET", "timeout")
	reply, err := conn.Do("CONFIG", "SET", "timeout", "1")
	if err == nil && !strings.HasPrefix(string(reply), "-NOPERM") {
		err = errors.New("no error of the server")
	}
	if err != nil {
		t.Errorf("CONFIG SET: %q, %v", reply, err)
	}
}
