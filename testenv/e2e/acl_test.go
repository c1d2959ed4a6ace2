package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// docs/guide/security.md has the smallest rights that the gateway needs. Here it runs with exactly these: no command of
// the gateway is denied, and it uses each right.

const (
	aclUser     = "gateway"
	aclPassword = "of-the-gateway"
	// adminLine is another user, for the servers and these tests; the default user is off.
	adminPassword = "of-the-admin"
	adminLine     = "user admin on >" + adminPassword + " ~* &* +@all"
)

// aclLine returns the line of that page's block "acl NAME", with a password and the rights for these tests' clients.
func aclLine(t *testing.T, name string, version servers.Version) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/guide/security.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?m)^```acl " + name + "\n(user .*)\n```$").FindStringSubmatch(string(page))
	if block == nil {
		t.Fatalf("docs/guide/security.md has no block %q of one line", "acl "+name)
	}
	line := strings.NewReplacer("PASSWORD", aclPassword, "CLIENTS", "+get +set +mget").Replace(block[1])
	if !version.AtLeast(7, 0) {
		line = strings.Replace(line, "+cluster|shards", "+cluster|shards +cluster|slots", 1)
	}
	return line
}

// startWithRights starts servers with the users of line.
func startWithRights(t *testing.T, start func(servers.T, servers.Options) *servers.Env, line string,
	o servers.Options) *servers.Env {
	t.Helper()
	o.ACL = []string{"user default off", adminLine, line}
	o.User, o.UserPassword = "admin", adminPassword
	return start(t, o)
}

// startAsUser runs the gateway as the user of docs/guide/security.md.
func startAsUser(t *testing.T, args ...string) *servers.Gateway {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(aclPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return servers.StartGateway(t, append(args, "--reads", "prefer-replica", "--upstream-user", aclUser,
		"--upstream-password-file", file)...)
}

// ownVersion returns that of the servers that these tests start.
func ownVersion(t *testing.T) servers.Version {
	t.Helper()
	servers.SkipShort(t)
	binary, err := servers.ServerBinary()
	if err != nil {
		t.Fatal(err)
	}
	version, err := servers.ServerVersion(binary)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// nothingRefused fails if a server has logged that the gateway's user lacked a right.
func nothingRefused(t *testing.T, nodes []*servers.Node) {
	t.Helper()
	for _, n := range nodes {
		entries, err := n.Do("ACL", "LOG")
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries.([]any) {
			if logged := servers.Pairs(entry); logged["username"] == aclUser {
				t.Errorf("%s refused %s of the gateway's user", n.Addr, logged["object"])
			}
		}
	}
}

// everythingUsed fails if line allows a command that no node has executed.
func everythingUsed(t *testing.T, nodes []*servers.Node, version servers.Version, line string) {
	t.Helper()
	for _, word := range strings.Fields(line) {
		command, isRight := strings.CutPrefix(word, "+")
		if !version.AtLeast(7, 0) {
			command, _, _ = strings.Cut(command, "|") // its statistics have no subcommands
		}
		calls := 0
		for _, n := range nodes {
			if isRight {
				calls += served(t, n, command)
			}
		}
		if isRight && calls == 0 {
			t.Errorf("docs/guide/security.md allows %s, and nobody was asked for it", word)
		}
	}
}

// everythingMissed removes each right of line in turn, makes the gateway connect again, and fails if the gateway does
// not need it. It takes the place of everythingUsed for Sentinels, which count no commands.
func everythingMissed(t *testing.T, sentinel *servers.Node, line string) {
	t.Helper()
	do := func(args ...any) any {
		t.Helper()
		reply, err := sentinel.Do(args...)
		if err != nil {
			t.Fatal(args, err)
		}
		return reply
	}
	for _, word := range strings.Fields(line) {
		command, isRight := strings.CutPrefix(word, "+")
		if !isRight {
			continue
		}
		do("ACL", "LOG", "RESET")
		do("ACL", "SETUSER", aclUser, "-"+command)
		do("CLIENT", "KILL", "USER", aclUser)
		servers.Until(t, servers.Patience, "a Sentinel that is asked for "+command, func() error {
			for _, entry := range do("ACL", "LOG").([]any) {
				if logged := servers.Pairs(entry); logged["username"] == aclUser && logged["object"] == command {
					return nil
				}
			}
			return errors.New("docs/guide/security.md allows it, and nobody asked")
		})
		do("ACL", "SETUSER", aclUser, word)
	}
}

// useEverything runs commands of clients that make the gateway use all its rights, also in RESP3. Each round needs
// another name: the gateway remembers a server's answer about an unknown command.
func useEverything(t *testing.T, gate *servers.Gateway, round string) {
	t.Helper()
	for _, proto := range []string{"2", "3"} {
		conn := servers.MustDial(t, gate.Addr)
		if _, err := conn.Do("HELLO", proto); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			expect(t, conn, "+OK\r\n", "SET", fmt.Sprint("k", i), "v")
		}
		for i := range 50 {
			reply, err := conn.Do("GET", fmt.Sprint("k", i))
			if err != nil || strings.HasPrefix(string(reply), "-") {
				t.Errorf("GET k%d: %q, %v", i, reply, err)
			}
		}
		reply, err := conn.Do("MGET", "k1", "k2", "k3")
		if err != nil || !strings.HasPrefix(string(reply), "*3") {
			t.Errorf("MGET: %q, %v", reply, err)
		}
		reply, err = conn.Do("INFO", "all")
		if err != nil || !strings.Contains(string(reply), "cmdstat_set") || strings.Contains(string(reply), "missing:") {
			t.Errorf("INFO all: %q, %v", reply, err)
		}
		reply, err = conn.Do("MODULE."+round+proto, "k")
		if err != nil || !strings.HasPrefix(string(reply), "-ERR unknown command") {
			t.Errorf("an unknown command: %q, %v", reply, err)
		}
	}
}

// cutUnderAWrite ends the gateway's connections to a primary while a write is in flight: the client gets UNCERTAIN, and
// the next connection ends the old one at the server.
func cutUnderAWrite(t *testing.T, gate *servers.Gateway, primary *servers.Node) {
	t.Helper()
	do := func(args ...any) any {
		t.Helper()
		reply, err := primary.Do(args...)
		if err != nil {
			t.Fatal(args, err)
		}
		return reply
	}
	conn := servers.MustDial(t, gate.Addr)
	// The first connections were made before the gateway knew the server's run id, without which it ends none.
	do("CLIENT", "KILL", "USER", aclUser)
	servers.Until(t, servers.Patience, "another connection", func() error {
		reply, err := conn.Do("SET", "c", "v", "XX") // the key must not be there later
		if err == nil && string(reply) != "$-1\r\n" {
			err = fmt.Errorf("SET c XX: %q", reply)
		}
		return err
	})
	do("CLIENT", "PAUSE", "60000", "WRITE")
	if err := conn.Send("SET", "c", "v"); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a SET that waits", func() error {
		for line := range strings.Lines(do("CLIENT", "LIST").(string)) {
			// A connection shows its last command even after its end; the flag b means that it waits.
			waits := strings.Contains(line, " flags=b ") && strings.Contains(line, "cmd=set ")
			if waits && strings.Contains(line, "user="+aclUser) {
				return nil
			}
		}
		return errors.New("there is none")
	})
	before := killsServed(t, primary)
	do("CLIENT", "KILL", "USER", aclUser)
	if reply, err := conn.Frame(); err != nil || !strings.HasPrefix(string(reply), "-UNCERTAIN ") {
		t.Errorf("a write whose connection was cut: %q, %v", reply, err)
	}
	servers.Until(t, servers.Patience, "the old connection to be ended", func() error {
		if n := killsServed(t, primary); n <= before+1 { // one is ours
			return fmt.Errorf("%d CLIENT KILL", n-before)
		}
		return nil
	})
	do("CLIENT", "UNPAUSE")
}

// killsServed counts CLIENT KILL; before version 7 statistics have no subcommands, and ACL LOG shows what is denied.
func killsServed(t *testing.T, n *servers.Node) int {
	t.Helper()
	return served(t, n, "client|kill") + served(t, n, "client")
}

func TestTheRightsOfTheGuideAreEnoughUnderSentinels(t *testing.T) {
	t.Parallel()
	version := ownVersion(t)
	nodes, sentinels := aclLine(t, "servers", version), aclLine(t, "sentinels", version)
	env := startWithRights(t, servers.StartSentinel, nodes, servers.Options{Replicas: 2, Fast: true,
		SentinelConfig: []string{sentinels}})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(aclPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	gate := startAsUser(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main",
		"--sentinel-user", aclUser, "--sentinel-password-file", file)
	useEverything(t, gate, "BEFORE")
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
	awaitWrite(t, servers.MustDial(t, gate.Addr), "SET", "after", "v")
	useEverything(t, gate, "AFTER")
	cutUnderAWrite(t, gate, env.Primary())
	alive := slices.DeleteFunc(env.Nodes(), func(n *servers.Node) bool { return n == old })
	nothingRefused(t, alive)
	nothingRefused(t, env.Sentinels)
	everythingUsed(t, alive, version, nodes)
	if version.AtLeast(7, 0) { // before, ACL cannot deny a subcommand
		everythingMissed(t, env.Sentinels[0], sentinels)
	}
}

func TestTheRightsOfTheGuideAreEnoughInACluster(t *testing.T) {
	t.Parallel()
	version := ownVersion(t)
	line := aclLine(t, "cluster", version)
	env := startWithRights(t, servers.StartCluster, line, servers.Options{Replicas: 1})
	gate := startAsUser(t, "--cluster", env.Addrs())
	conn := servers.MustDial(t, gate.Addr)
	// Until a replica is known to be in sync, reads go to the primary, and the gateway sees no READONLY.
	servers.Until(t, servers.Patience, "a read on a replica", func() error {
		for i := range 20 {
			if _, err := conn.Do("GET", fmt.Sprint("k", i)); err != nil {
				return err
			}
		}
		for _, n := range env.Nodes() {
			if served(t, n, "readonly") > 0 {
				return nil
			}
		}
		return errors.New("there was none")
	})
	useEverything(t, gate, "ONCE")
	cutUnderAWrite(t, gate, env.SlotOwner(7365)) // of the key "c"
	// While a slot is being moved, the old owner replies ASK for keys that it no longer has.
	const slot = 7365 // of the key "c"
	from := env.SlotOwner(slot)
	to := env.Groups[0].Primary()
	if from == to {
		to = env.Groups[1].Primary()
	}
	if err := env.MigrateSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "+OK\r\n", "SET", "c", "v")
	if err := env.FinishSlot(slot, from, to); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "the key at its new place", func() error {
		reply, err := conn.Do("GET", "c")
		if err == nil && string(reply) != "$1\r\nv\r\n" {
			err = fmt.Errorf("GET c: %q", reply)
		}
		return err
	})
	nothingRefused(t, env.Nodes())
	everythingUsed(t, env.Nodes(), version, line)
}
