package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"evergate/testenv/servers"
)

// disguised is a gateway with a listener of each kind.
type disguised struct {
	*servers.Gateway
	plain, cluster, replica, sentinel string
}

func startDisguised(t *testing.T, args ...string) disguised {
	t.Helper()
	servers.SkipShort(t)
	var addrs [4]string
	for i := range addrs {
		p, err := servers.ReservePort(servers.IPv4Loopback)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Release)
		addrs[i] = p.Addr()
	}
	d := disguised{plain: addrs[0], cluster: addrs[1], replica: addrs[2], sentinel: addrs[3]}
	d.Gateway = servers.StartGateway(t, append([]string{"--listen", strings.Join(addrs[:], ","), "--facade",
		d.cluster + "=cluster," + d.replica + "=replica," + d.sentinel + "=sentinel"}, args...)...)
	return d
}

// failOver kills the primary of the first group, and waits for another.
func failOver(t *testing.T, env *servers.Env) {
	t.Helper()
	old := env.Primary()
	if old == nil {
		t.Fatal("no primary")
	}
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a new primary", func() error {
		if p := env.Groups[0].Primary(); p == nil || p == old {
			return errors.New("none yet")
		}
		return nil
	})
}

// facadePatience is longer than a failover takes.
const facadePatience = 30 * time.Second

// notified keeps go-redis from asking every server for maintenance notifications.
var notified = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

func failoverClient(t *testing.T, d disguised, name string, onReplica bool) *redis.Client {
	t.Helper()
	c := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: name, SentinelAddrs: []string{d.sentinel}, ReplicaOnly: onReplica, ReadTimeout: facadePatience,
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestGoRedisThroughTheFacades(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	d := startDisguised(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{d.cluster}, ReadTimeout: facadePatience,
		MaintNotificationsConfig: notified})
	t.Cleanup(func() { _ = cluster.Close() })
	master, replica := failoverClient(t, d, "default", false), failoverClient(t, d, "default", true)
	sameMaster := failoverClient(t, d, "main", false) // the name that the Sentinels have

	for round := range 2 {
		key, want := fmt.Sprint("k", round), fmt.Sprint(round)
		if err := master.Set(ctx, key, want, 0).Err(); err != nil {
			t.Fatal(round, err)
		}
		for who, read := range map[string]func(context.Context, string) *redis.StringCmd{
			"another": sameMaster.Get, "cluster": cluster.Get} {
			if got, err := read(ctx, key).Result(); err != nil || got != want {
				t.Errorf("round %d: %s reads %q, %v", round, who, got, err)
			}
		}
		pipe := cluster.Pipeline()
		for i := range 100 {
			pipe.Set(ctx, fmt.Sprint("many", i), i, 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Error(round, err)
		}
		if err := env.Groups[0].AwaitOffsets(servers.Patience); err != nil {
			t.Fatal(err)
		}
		if got, err := replica.Get(ctx, key).Result(); err != nil || got != want {
			t.Errorf("round %d: the replica reads %q, %v", round, got, err)
		}
		if err := replica.Set(ctx, key, "x", 0).Err(); !redis.IsReadOnlyError(err) {
			t.Errorf("round %d: a write to the replica: %v", round, err)
		}
		if round == 0 {
			failOver(t, env)
		}
	}
	nodes, err := cluster.ClusterShards(ctx).Result()
	if err != nil || len(nodes) != 1 || len(nodes[0].Nodes) != 1 || d.cluster != fmt.Sprintf("%s:%d",
		nodes[0].Nodes[0].Endpoint, nodes[0].Nodes[0].Port) || nodes[0].Slots[0] != (redis.SlotRange{End: 16383}) {
		t.Errorf("%+v, %v", nodes, err)
	}
}

// TestReadsOfAReplicaFacadeGoToReplicas: reads of a replica facade go to replicas, those of the service to the primary.
func TestReadsOfAReplicaFacadeGoToReplicas(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	d := startDisguised(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--reads", "primary")
	expect(t, servers.MustDial(t, d.plain), "+OK\r\n", "SET", "k", "v")
	if err := env.Groups[0].AwaitOffsets(servers.Patience); err != nil {
		t.Fatal(err)
	}
	primary, replica := env.Primary(), env.Replicas()[0]
	for addr, reader := range map[string]*servers.Node{d.plain: primary, d.cluster: primary, d.replica: replica} {
		conn, before := servers.MustDial(t, addr), served(t, reader, "get")
		// The primary serves the reads of k until the replica is seen to have it.
		if err := servers.WaitFor(t.Context(), "a read at "+reader.Addr, func() error {
			expect(t, conn, "$1\r\nv\r\n", "GET", "k")
			if served(t, reader, "get") == before {
				return errors.New("another server served it")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		before = served(t, reader, "get")
		for range 10 {
			expect(t, conn, "$1\r\nv\r\n", "GET", "k")
		}
		if got := served(t, reader, "get") - before; got != 10 {
			t.Errorf("%s served %d of 10 reads", reader.Addr, got)
		}
	}
}

// pythonWith returns a Python with a module, or skips the test.
func pythonWith(t *testing.T, module string) string {
	t.Helper()
	servers.SkipShort(t)
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	t.Skip("no Python has the module " + module + " (Debian: python3-" + module + ")")
	return ""
}

func TestPythonThroughTheFacades(t *testing.T) {
	t.Parallel()
	python := pythonWith(t, "redis")
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	d := startDisguised(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	args := []string{"testdata/clients/facades.py"}
	for _, addr := range []string{d.cluster, d.replica, d.sentinel} {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, port)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append(args, "main")...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v, %v\n%s", line, err, cmd.Wait(), complaints.String())
	}
	failOver(t, env)
	_, _ = io.WriteString(in, "\n")
	rest, _ := io.ReadAll(lines)
	if err := cmd.Wait(); err != nil || string(rest) != "done\n" {
		t.Errorf("%q, %v\n%s", rest, err, complaints.String())
	}
}

// TestSentinelFacadeSpeaksAsASentinel sends the same commands to the facade and to a real Sentinel.
func TestSentinelFacadeSpeaksAsASentinel(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Fast: true})
	d := startDisguised(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	tr := transcript{name: "sentinel"}
	for _, line := range []string{
		"PING", "PING x", "SENTINEL", "SENTINEL NOSUCH", "SENTINEL MASTER", "SENTINEL MASTER nobody",
		"SENTINEL MASTERS x", "SENTINEL REPLICAS nobody", "SENTINEL SLAVES nobody", "SENTINEL SENTINELS nobody",
		"SENTINEL CKQUORUM nobody", "SENTINEL GET-MASTER-ADDR-BY-NAME nobody", "SENTINEL PENDING-SCRIPTS",
		"SET k v", "MULTI", "CLIENT GETNAME", "CLIENT SETNAME me", "CLIENT GETNAME", "AUTH x", "HELLO 4", "PUBLISH c m",
		"SUBSCRIBE a", "PSUBSCRIBE b*", "SUBSCRIBE a", "PING", "PING x", "UNSUBSCRIBE nobody", "UNSUBSCRIBE",
		"PUNSUBSCRIBE b*", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUBSCRIBE", "PING",
	} {
		tr.commands = append(tr.commands, strings.Fields(line))
	}
	two := slices.Clone(tr.commands)
	tr.commands = append(tr.commands, []string{"SUBSCRIBE", "a"}, []string{"ROLE"}, []string{"GET", "k"},
		[]string{"HELLO"})
	compareReplies(t, tr, 2, sendOneByOne, env.Sentinels[0].Addr, d.sentinel)
	compareReplies(t, tr, 2, sendAtOnce, env.Sentinels[0].Addr, d.sentinel)
	tr.commands = two
	compareReplies(t, tr, 3, sendOneByOne, env.Sentinels[0].Addr, d.sentinel)

	if !strings.Contains(serverVersion(), " v=7.0.") {
		t.Skip("the fields are those of Redis 7.0")
	}
	for _, question := range []string{"MASTER", "REPLICAS", "SLAVES"} {
		// A Sentinel has other fields about a server that it takes for down, as when the machine stalls.
		servers.Until(t, servers.Patience, "the fields of SENTINEL "+question, func() error {
			real := fieldsOf(t, env.Sentinels[0].Addr, "SENTINEL", question, "main")
			if ours := fieldsOf(t, d.sentinel, "SENTINEL", question, "main"); !slices.Equal(real, ours) {
				return fmt.Errorf("ours are\n%v, not\n%v", ours, real)
			}
			return nil
		})
	}
}

// fieldsOf returns the names, in the order of the reply, of a flat list or of the first list in a list.
func fieldsOf(t *testing.T, addr string, args ...any) []string {
	t.Helper()
	c := servers.NewClient(addr, "", "")
	defer func() { _ = c.Close() }()
	reply, err := c.Do(t.Context(), args...).Slice()
	if err != nil || len(reply) == 0 {
		t.Fatalf("%v: %v, %v", args, reply, err)
	}
	if inner, nested := reply[0].([]any); nested {
		reply = inner
	}
	var names []string
	for i := 0; i < len(reply); i += 2 {
		names = append(names, fmt.Sprint(reply[i]))
	}
	return names
}

// TestClusterFacadeSpeaksAsANode sends the same commands to the facade and to the only node of a real cluster.
func TestClusterFacadeSpeaksAsANode(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartCluster(t, servers.Options{Primaries: 1}), servers.StartCluster(t,
		servers.Options{Primaries: 3})
	d := startDisguised(t, "--cluster", behind.Addrs())
	tr := transcript{name: "cluster"}
	for _, line := range []string{
		"READONLY", "READWRITE", "ASKING", "SELECT 0", "SELECT 1", "SELECT x", "CLUSTER", "CLUSTER NOSUCH",
		"CLUSTER KEYSLOT k", "CLUSTER KEYSLOT {k}x", "CLUSTER KEYSLOT", "CLUSTER REPLICAS nobody", "CLUSTER LINKS",
		"CLUSTER COUNT-FAILURE-REPORTS nobody", "SET {k}a 1", "CLUSTER GETKEYSINSLOT 7629 10",
		"SET {k}b 1", "CLUSTER COUNTKEYSINSLOT 7629", "DEL {k}b", "CLUSTER COUNTKEYSINSLOT 0",
		"CLUSTER COUNTKEYSINSLOT 16384",
		"CLUSTER COUNTKEYSINSLOT x", "CLUSTER GETKEYSINSLOT 16384 1", "ROLE",
	} {
		tr.commands = append(tr.commands, strings.Fields(line))
	}
	node := straight.Primary().Addr
	for _, protocol := range []int{2, 3} {
		if before7() && protocol == 3 {
			break
		}
		compareReplies(t, tr, protocol, sendOneByOne, node, d.cluster)
	}
	for _, c := range [][]string{{"CLUSTER", "SLOTS"}, {"CLUSTER", "INFO"}, {"CLUSTER", "NODES"}, {"CLUSTER", "MYID"}} {
		real, ours := shapeOf(t, node, c...), shapeOf(t, d.cluster, c...)
		if real != ours && strings.Contains(serverVersion(), " v=7.0.") {
			t.Errorf("%v has the shape\n%s, not\n%s", c, ours, real)
		}
	}
}

// shapeOf returns a reply without the values that differ between nodes: of a line the word before a colon, or the
// number of its words. A single node does not know its own address.
func shapeOf(t *testing.T, addr string, args ...string) string {
	t.Helper()
	reply, err := servers.MustDial(t, addr).Do(args...)
	if err != nil {
		t.Fatal(err)
	}
	var shape []string
	for line := range strings.Lines(string(reply)) {
		line = strings.TrimSpace(line)
		name, _, pair := strings.Cut(line, ":")
		switch {
		case pair && !strings.Contains(line, " ") && name != "":
			shape = append(shape, name+":")
		case strings.HasPrefix(line, "*"):
			shape = append(shape, line)
		default:
			shape = append(shape, fmt.Sprint(max(len(strings.Fields(line)), 1)))
		}
	}
	return strings.Join(shape, " ")
}
