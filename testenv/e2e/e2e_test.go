// Package e2e tests the gateway in front of real servers, as its clients see it.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// expect sends a command and compares the whole reply.
func expect(t *testing.T, c *servers.Conn, want string, args ...string) {
	t.Helper()
	if got, err := c.Do(args...); err != nil || string(got) != want {
		t.Errorf("%s: got %.200q, %v, want %.200q", brief(args), got, err, want)
	}
}

// served counts how often a server ran a command, from its own statistics.
func served(t *testing.T, n *servers.Node, command string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), servers.ReplyPatience)
	defer cancel()
	text, err := n.Client().Info(ctx, "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(text, "cmdstat_"+command+":calls=")
	var calls int
	if found {
		_, err = fmt.Sscan(strings.SplitN(after, ",", 2)[0], &calls)
	}
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func TestWritesGoToThePrimaryAndReadsGoRound(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--reads",
		"prefer-replica", "--consistency", "eventual")
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	if err := env.Groups[0].AwaitOffsets(servers.Patience); err != nil {
		t.Fatal(err)
	}
	before := map[*servers.Node]int{}
	for _, n := range env.Nodes() {
		before[n] = served(t, n, "get")
	}
	for range 20 {
		expect(t, conn, "$1\r\nv\r\n", "GET", "k")
	}
	primary := env.Primary()
	for _, n := range env.Nodes() {
		switch got := served(t, n, "get") - before[n]; {
		case n == primary && got != 0:
			t.Errorf("the primary served %d of 20 reads", got)
		case n != primary && got != 10:
			t.Errorf("replica %s served %d of 20 reads", n.Addr, got)
		}
		if got := served(t, n, "hscan"); got != 0 {
			t.Errorf("%s has served HSCAN already", n.Addr)
		}
	}
	expect(t, conn, "*2\r\n$1\r\n0\r\n*0\r\n", "HSCAN", "none", "0")
	if served(t, primary, "hscan") != 1 {
		t.Error("HSCAN did not go to the primary")
	}
}

func TestWritesResumeAfterThePrimaryDied(t *testing.T) {
	t.Parallel()
	for name, hurt := range map[string]func(*servers.Node) error{"killed": (*servers.Node).Kill,
		"frozen": (*servers.Node).Freeze} {
		t.Run(name, func(t *testing.T) {
			env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
			gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
			conn := servers.MustDial(t, gate.Addr)
			conn.Timeout = 30 * time.Second
			expect(t, conn, "+OK\r\n", "SET", "k", "before")
			old := env.Primary()
			if err := hurt(old); err != nil {
				t.Fatal(err)
			}
			awaitWrite(t, conn, "SET", "k", "after")
			// The Sentinels agree a little later than the gateway promotes.
			servers.Until(t, servers.Patience, "Sentinels that agree on another primary", func() error {
				if now := env.Primary(); now == nil || now == old {
					return errors.New("they do not")
				}
				return nil
			})
			if value, err := env.Primary().Do("GET", "k"); err != nil || value != "after" {
				t.Errorf("the new primary has %v, %v", value, err)
			}
			expect(t, conn, "$5\r\nafter\r\n", "GET", "k")
		})
	}
}

// awaitWrite repeats a write on one connection, which must stay open, until it is accepted. Rejections, and UNCERTAIN
// for a write in flight, are allowed meanwhile.
func awaitWrite(t *testing.T, conn *servers.Conn, args ...string) {
	t.Helper()
	servers.Until(t, servers.Patience, "an accepted write", func() error {
		reply, err := conn.Do(args...)
		switch {
		case err != nil:
			t.Fatalf("the client's connection: %v", err)
		case string(reply) == "+OK\r\n":
			return nil
		case !strings.HasPrefix(string(reply), "-LOADING ") && !strings.HasPrefix(string(reply), "-UNCERTAIN "):
			t.Fatalf("unexpected answer %q", reply)
		}
		return fmt.Errorf("last answer %q", reply)
	})
}

func TestOneSetOfSentinelsServesThreeMasters(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Masters: []string{"red", "green", "blue"}, Replicas: 1, Fast: true})
	var file strings.Builder
	addrs := map[string]string{}
	file.WriteString("services:\n")
	for _, g := range env.Groups {
		p, err := servers.ReservePort(servers.IPv4Loopback)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Release)
		addrs[g.Name] = p.Addr()
		fmt.Fprintf(&file, "  - name: %s\n    listen: [%q]\n    sentinel: [%s]\n    master-name: %s\n    hold: 60s\n",
			g.Name, p.Addr(), env.SentinelAddrs(), g.Name)
	}
	path := filepath.Join(t.TempDir(), "evergate.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--config", path}, Addr: addrs["red"]})
	for name, addr := range addrs {
		servers.Until(t, servers.Patience, "service "+name, func() error {
			c, err := servers.Dial(addr)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			if reply, err := c.Do("SET", "who", name); err != nil || string(reply) != "+OK\r\n" {
				return fmt.Errorf("%q, %w", reply, errors.Join(err))
			}
			return nil
		})
	}
	for _, g := range env.Groups {
		if who, err := g.Primary().Do("GET", "who"); err != nil || who != g.Name {
			t.Errorf("master %s holds %v, %v", g.Name, who, err)
		}
	}
	if err := env.Groups[0].Primary().Kill(); err != nil {
		t.Fatal(err)
	}
	// The other services are unaffected while red has no primary.
	began := time.Now()
	neighbours := map[string]*servers.Conn{"green": servers.MustDial(t, addrs["green"]), "blue": servers.MustDial(t,
		addrs["blue"])}
	red, writes := servers.MustDial(t, addrs["red"]), 0
	if err := red.Send("SET", "who", "red again"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		reply, err := red.Frame()
		if err == nil && string(reply) != "+OK\r\n" && !strings.HasPrefix(string(reply), "-UNCERTAIN ") {
			err = fmt.Errorf("%q", reply)
		}
		answered <- err
	}()
	for going := true; going; writes++ {
		for name, c := range neighbours {
			text := fmt.Sprint(name, writes)
			expect(t, c, "+OK\r\n", "SET", "who", text)
			expect(t, c, fmt.Sprintf("$%d\r\n%s\r\n", len(text), text), "GET", "who")
		}
		select {
		case err := <-answered:
			if going = false; err != nil {
				t.Errorf("red: %v", err)
			}
		default:
			going = !t.Failed()
		}
	}
	t.Logf("each of the two neighbours wrote %d times in %v", writes, time.Since(began))
}

func TestClusterKeysAreSplitAndMovesFollowed(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr)
	conn := servers.MustDial(t, gate.Addr)
	var set, get []string
	want := "*30\r\n"
	for i := range 30 {
		set = append(set, fmt.Sprintf("key%d", i), fmt.Sprintf("v%02d", i))
		get = append(get, fmt.Sprintf("key%d", i))
		want += fmt.Sprintf("$3\r\nv%02d\r\n", i)
	}
	expect(t, conn, "+OK\r\n", append([]string{"MSET"}, set...)...)
	expect(t, conn, want, append([]string{"MGET"}, get...)...)
	expect(t, conn, ":30\r\n", append([]string{"EXISTS"}, get...)...)
	expect(t, conn, "-CROSSSLOT Keys in request don't hash to the same slot\r\n", "SINTER", "key1", "key2")

	const slot = 866 // of the key "hello"
	expect(t, conn, "+OK\r\n", "SET", "hello", "world")
	from, to := env.SlotOwner(slot), env.Groups[2].Nodes[0]
	if err := env.MigrateSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "$5\r\nworld\r\n", "GET", "hello")
	expect(t, conn, "+OK\r\n", "SET", "{hello}asked", "1") // absent on the old owner: ASK
	if err := env.MoveKeys(slot, from, to); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "$5\r\nworld\r\n", "GET", "hello")
	if err := env.FinishSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		expect(t, conn, "$5\r\nworld\r\n", "GET", "hello")
		expect(t, conn, "$1\r\n1\r\n", "GET", "{hello}asked")
	}
	if value, err := to.Do("GET", "{hello}asked"); err != nil || value != "1" {
		t.Errorf("the new owner has %v, %v", value, err)
	}
	expect(t, conn, ":30\r\n", append([]string{"DEL"}, get...)...)
}

func TestGatewayWaitsForItsServers(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	primary := env.Primary()
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Unready: true,
		Args: []string{"--primary", primary.Addr, "--hold", "300ms"}})
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+PONG\r\n", "PING")
	if reply, err := conn.Do("GET", "k"); err != nil || !strings.HasPrefix(string(reply), "-LOADING ") {
		t.Errorf("without servers: %q, %v", reply, err)
	}
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitWrite(t, conn, "SET", "k", "v")
}

func TestTermLetsWhatIsInFlightFinish(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	primary := env.Primary()
	fault := servers.StartFault(t, primary.Addr)
	gate := servers.StartGateway(t, "--primary", fault.Addr)
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	before := served(t, primary, "get")
	fault.Hold(servers.ToClient, true)
	if err := conn.Send("GET", "k"); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a GET that the server has run", func() error {
		if served(t, primary, "get") == before {
			return errors.New("it has not")
		}
		return nil
	})
	if err := gate.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a closed listener", func() error {
		c, err := servers.Dial(gate.Addr)
		if err != nil {
			return nil
		}
		return errors.Join(errors.New("it still accepts"), c.Close())
	})
	fault.Hold(servers.ToClient, false)
	if reply, err := conn.Frame(); err != nil || string(reply) != "$1\r\nv\r\n" {
		t.Errorf("what was in flight got %q, %v", reply, err)
	}
	if rest, err := conn.Rest(); err != nil || len(rest) > 0 {
		t.Errorf("after the reply: %q, %v", rest, err)
	}
	<-gate.Exited()
	if gate.ExitCode() != 0 {
		t.Errorf("exit code %d", gate.ExitCode())
	}
}

// TestManagedServersRefuseMuch denies the gateway the commands that managed servers deny: CONFIG, ROLE, CLIENT, CLUSTER
// SHARDS.
func TestManagedServersRefuseMuch(t *testing.T) {
	t.Parallel()
	acl := []string{"user default on nopass ~* &* +@all -config -role -client", "user admin on >secret ~* &* +@all"}
	o := servers.Options{ACL: acl, User: "admin", UserPassword: "secret", Replicas: 1, Primaries: 3, Fast: true}
	t.Run("plain", func(t *testing.T) {
		env := servers.StartPlain(t, o)
		checkSetGet(t, servers.StartGateway(t, "--primary", env.Nodes()[0].Addr))
	})
	t.Run("sentinel", func(t *testing.T) {
		env := servers.StartSentinel(t, o)
		checkSetGet(t, servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main"))
	})
	t.Run("cluster", func(t *testing.T) {
		o := o
		o.ACL = []string{acl[0] + " -cluster +cluster|slots +cluster|nodes +cluster|info", acl[1]}
		env := servers.StartCluster(t, o)
		reply, err := servers.MustDial(t, env.Nodes()[0].Addr).Do("CLUSTER", "SHARDS")
		if err != nil || !strings.HasPrefix(string(reply), "-NOPERM") && env.Version.AtLeast(7, 0) {
			t.Fatalf("CLUSTER SHARDS is not refused: %.100q, %v", reply, err)
		}
		checkSetGet(t, servers.StartGateway(t, "--cluster", env.Addrs()))
	})
}

func checkSetGet(t *testing.T, gate *servers.Gateway) {
	t.Helper()
	conn := servers.MustDial(t, gate.Addr)
	for i := range 20 {
		key := fmt.Sprintf("key%d", i)
		expect(t, conn, "+OK\r\n", "SET", key, "v")
		expect(t, conn, "$1\r\nv\r\n", "GET", key)
	}
}
