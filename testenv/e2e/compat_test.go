package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// A transcript is sent straight to a real server and, through the gateway, to another: the server is the golden file.
// Keys share a hash tag, so in front of a cluster the replies must be those of one server, too.

var (
	// dataTranscripts are about keys; they leave keys behind.
	dataTranscripts = []string{"strings", "collections", "sorted", "streams", "keys", "newer", "scripts", "functions",
		"server", "transactions", "blocking"}
	// smallTranscripts can be sent byte by byte in reasonable time.
	smallTranscripts = []string{"local", "strings", "scripts"}
)

// quickly makes servers check the timeouts of blocking commands ten times more often: in the transcripts many time out.
func quickly(o servers.Options) servers.Options {
	o.Config = append(o.Config, "hz 100", "dynamic-hz no")
	return o
}

// TestTranscriptsDependOnNothingElse runs the transcripts on two servers without a gateway: if even these differ, a
// difference through the gateway means nothing.
func TestTranscriptsDependOnNothingElse(t *testing.T) {
	if servers.RaceEnabled {
		t.Skip("there is no gateway in it")
	}
	t.Parallel()
	one, other := servers.StartPlain(t, quickly(servers.Options{})), servers.StartPlain(t, quickly(servers.Options{}))
	compareAll(t, differing(t, "itself"), one, other.Primary().Addr, func() { flush(t, other) })
	for _, input := range badInputs {
		compareBad(t, input, one.Primary().Addr, other.Primary().Addr)
	}
	for _, env := range []*servers.Env{one, other} {
		if _, err := env.Primary().Do("CONFIG", "SET", "requirepass", "opensesame"); err != nil {
			t.Fatal(err)
		}
	}
	for _, input := range badBeforeAuth {
		compareBad(t, input, one.Primary().Addr, other.Primary().Addr)
	}
}

func TestCompatPlain(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartPlain(t, quickly(servers.Options{})), servers.StartPlain(t,
		quickly(servers.Options{}))
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr)
	compareAll(t, differing(t, "plain"), straight, gate.Addr, func() { flush(t, behind) })
}

func TestCompatSentinel(t *testing.T) {
	t.Parallel()
	straight := servers.StartPlain(t, quickly(servers.Options{}))
	behind := servers.StartSentinel(t, quickly(servers.Options{Replicas: 1, Sentinels: 3, Fast: true}))
	gate := servers.StartGateway(t, "--sentinel", behind.SentinelAddrs(), "--master-name", "main")
	compareAll(t, differing(t, "sentinel"), straight, gate.Addr, func() { flush(t, behind) })
}

func TestCompatCluster(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartPlain(t, quickly(servers.Options{})), servers.StartCluster(t,
		quickly(servers.Options{Primaries: 3}))
	gate := servers.StartGateway(t, "--cluster", behind.Addrs())
	compareAll(t, differing(t, "cluster"), straight, gate.Addr, func() { flush(t, behind) })
}

// compareAll runs every transcript in every way on straight and on the address through, whose replies may differ for
// the commands in differs. empty empties the servers behind through.
func compareAll(t *testing.T, differs map[string]bool, straight *servers.Env, through string, empty func()) {
	t.Helper()
	addr := straight.Primary().Addr
	for name, send := range deliveries {
		names := slices.Concat([]string{"local", "big"}, dataTranscripts)
		switch name {
		case "byte by byte":
			names = smallTranscripts
		case "inline":
			names = slices.Concat([]string{"local"}, dataTranscripts)
		}
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s RESP%d", name, protocol), func(t *testing.T) {
				for _, tr := range readTranscripts(t, names...) {
					tr.differs = differs
					flush(t, straight)
					empty()
					compareReplies(t, tr, protocol, send, addr, through)
				}
			})
		}
	}
}

// flush empties all primaries of an Env, of keys and of scripts.
func flush(t *testing.T, env *servers.Env) {
	t.Helper()
	for _, g := range env.Groups {
		n := g.Nodes[0]
		_, err1 := n.Do("FLUSHALL")
		_, err2 := n.Do("SCRIPT", "FLUSH")
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompatManyCommandsInOneWrite sends 10,000 commands at once: each gets its reply, in order.
func TestCompatManyCommandsInOneWrite(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr)
	tr := transcript{name: "10,000 commands"}
	for i := range 5000 {
		key := fmt.Sprintf("{k}%d", i%100)
		tr.commands = append(tr.commands, []string{"INCR", key}, []string{"GET", key})
	}
	compareReplies(t, tr, 2, sendAtOnce, straight.Primary().Addr, gate.Addr)
	compareReplies(t, tr, 3, sendInPieces, straight.Primary().Addr, gate.Addr)
}

// TestCompatPassword compares the replies before and after AUTH with those of a server with the same password.
func TestCompatPassword(t *testing.T) {
	t.Parallel()
	straight := servers.StartPlain(t, servers.Options{Password: "opensesame"})
	behind := servers.StartPlain(t, servers.Options{})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("opensesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr, "--password-file", file)
	addr := straight.Primary().Addr
	// Without the password a client cannot see whether the servers are known yet.
	servers.Until(t, servers.ReplyPatience, "the gateway knows its server", func() error {
		c := servers.MustDial(t, gate.Addr)
		_, _ = c.Do("AUTH", "opensesame")
		if reply, err := c.Do("GET", "k"); err != nil || reply[0] == '-' {
			return fmt.Errorf("%q, %w", reply, err)
		}
		return nil
	})
	for _, tr := range readTranscripts(t, "auth") {
		if before7() {
			t.Log("not compared: Redis 6.2 refuses RESET before AUTH, the gateway allows it as Redis 7 does")
			break
		}
		compareReplies(t, tr, 2, sendOneByOne, addr, gate.Addr)
		compareReplies(t, tr, 2, sendAtOnce, addr, gate.Addr)
	}
	for _, input := range badBeforeAuth {
		compareBad(t, input, addr, gate.Addr)
	}
	for _, protocol := range []string{"2", "3"} {
		if reply, err := servers.MustDial(t, gate.Addr).Do("HELLO", protocol); !strings.HasPrefix(string(reply), "-NOAUTH ") {
			t.Errorf("HELLO %s without a password: %q, %v", protocol, reply, err)
		}
	}
}
