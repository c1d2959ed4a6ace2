package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A relay closes connections; here the network itself is cut. The old primary runs in a network namespace of its own,
// alone or together with the gateway, and the link to it goes down: without a FIN or RST to either side.

// enclave is a network namespace with one link to ours. It exists as long as the process that holds it.
type enclave struct {
	holder          *Process
	cable           string // its end on our side; the other one has the same name and an i behind
	outside, inside string // addresses
	subnet          string
}

// startEnclave makes an enclave, or skips the test with the reason why it cannot.
func startEnclave(t *testing.T) *enclave {
	t.Helper()
	SkipShort(t)
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, tool := range []string{"ip", "unshare", "nsenter", "sleep"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	holder, err := StartProcess(t.TempDir(), filepath.Join(t.TempDir(), "log"), "unshare",
		[]string{"--net", "sleep", "infinity"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Kill() })
	// 198.18.0.0/15 is reserved for measurements between networks: no other network uses it.
	prefix := fmt.Sprintf("198.18.%d.", holder.Pid%256)
	e := &enclave{holder: holder, cable: fmt.Sprint("eg", holder.Pid), outside: prefix + "1", inside: prefix + "2",
		subnet: prefix + "0/24"}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Skip(err)
	}
	Until(t, Patience, "a namespace", func() error {
		select {
		case <-holder.Exited():
			t.Skipf("no namespace can be made here: %s", holder.LogTail(logTailBytes))
		default:
		}
		its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", holder.Pid))
		if err == nil && its == ours {
			err = errors.New("it is still ours")
		}
		return err
	})
	if out, err := exec.Command("ip", "link", "add", e.cable, "type", "veth", "peer", "name", e.cable+"i", "netns",
		fmt.Sprint(holder.Pid)).CombinedOutput(); err != nil {
		t.Skipf("no cable can be laid here: %v\n%s", err, out)
	}
	e.run(t, "ip", "addr", "add", e.outside+"/24", "dev", e.cable)
	e.run(t, "ip", "link", "set", e.cable, "up")
	e.within(t, "ip", "link", "set", "lo", "up")
	e.within(t, "ip", "addr", "add", e.inside+"/32", "dev", "lo") // it stays when the link goes down
	e.plug(t)
	return e
}

func (e *enclave) run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// enter returns the words before a command that is to run within.
func (e *enclave) enter() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", e.holder.Pid)}
}

func (e *enclave) within(t *testing.T, args ...string) {
	t.Helper()
	e.run(t, append(e.enter(), args...)...)
}

// pull takes the link down: packets of either side are lost.
func (e *enclave) pull(t *testing.T) {
	t.Helper()
	e.within(t, "ip", "link", "set", e.cable+"i", "down")
}

// plug brings it up again.
func (e *enclave) plug(t *testing.T) {
	t.Helper()
	e.within(t, "ip", "link", "set", e.cable+"i", "up")
	e.within(t, "ip", "route", "add", e.subnet, "dev", e.cable+"i", "src", e.inside)
}

// program writes a program that runs another one within.
func (e *enclave) program(t *testing.T, name, binary string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text := fmt.Sprintf("#!/bin/sh\nexec %s '%s' \"$@\"\n", strings.Join(e.enter(), " "), binary)
	if err := WriteProgram(path, text); err != nil {
		t.Fatal(err)
	}
	return path
}

// startServers starts a primary within, two replicas and three Sentinels outside.
func (e *enclave) startServers(t *testing.T) *Env {
	t.Helper()
	return start(t, Options{Fast: true}, func(o Options) (*Env, error) {
		return build(o, func(env *Env) error {
			group := &Group{Name: "main", env: env}
			env.Groups = append(env.Groups, group)
			for i := range 3 {
				host, lines := e.outside, []string{"save \"\"", "repl-diskless-sync-delay 0"}
				if i == 0 {
					host = e.inside
				} else {
					lines = append(lines, fmt.Sprintf("replicaof %s %d", e.inside, group.Nodes[0].Port))
				}
				n, err := e.startNode(t, env, host, nil, lines)
				if err != nil {
					return err
				}
				group.Nodes = append(group.Nodes, n)
			}
			for range 3 {
				n, err := e.startNode(t, env, e.outside, []string{"--sentinel"}, []string{
					fmt.Sprintf("sentinel monitor main %s %d 2", e.inside, group.Nodes[0].Port),
					"sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 3000"})
				if err != nil {
					return err
				}
				env.Sentinels = append(env.Sentinels, n)
			}
			return errors.Join(group.AwaitReplicas(),
				env.WaitFor(Patience, "Sentinels that know everyone", env.SentinelsKnowAll))
		})
	})
}

// startNode starts a server that listens on host.
func (e *enclave) startNode(t *testing.T, env *Env, host string, arguments, lines []string) (*Node, error) {
	n, err := env.newNode(arguments)
	if err != nil {
		return nil, err
	}
	n.Addr = net.JoinHostPort(host, fmt.Sprint(n.Port))
	n.client = NewClient(n.Addr, "", "")
	if arguments != nil {
		n.started = env.hurrySentinel
	}
	if host == e.inside {
		n.binary = e.program(t, "server", n.binary)
	}
	if err := errors.Join(n.writeConf(append(lines, "bind "+host)), n.start()); err != nil {
		n.port.Release()
		return nil, errors.Join(err, n.client.Close())
	}
	env.nodes = append(env.nodes, n)
	return n, nil
}

// anotherPrimary returns a check that the Sentinels agree on another primary than the first.
func anotherPrimary(env *Env) func() error {
	return func() error {
		votes := 0
		for _, s := range env.Sentinels {
			if addr, err := s.masterAddr("main"); err == nil && addr != env.Groups[0].Nodes[0].Addr {
				votes++
			}
		}
		if votes < len(env.Sentinels) {
			return fmt.Errorf("%d of %d name another primary", votes, len(env.Sentinels))
		}
		return nil
	}
}

// counted reads the counter from the primary.
func counted(t *testing.T, env *Env) int {
	t.Helper()
	var primary *Node
	Until(t, Patience, "all in their places", func() error {
		if primary = env.Primary(); primary == nil || len(env.Replicas()) < 2 {
			return errors.New("they are not")
		}
		return nil
	})
	value, err := primary.Do("GET", "counter")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cutOff counts through the gateway, takes the link down, and counts on until there is another primary.
func (e *enclave) cutOff(t *testing.T, env *Env, gate *Gateway) *counter {
	t.Helper()
	c := startCounter(t, gate.Addr, "counter")
	for range 100 {
		c.count(t)
	}
	if err := env.Groups[0].AwaitOffsets(Patience); err != nil {
		t.Fatal(err)
	}
	e.pull(t)
	c.countUntil(t, "another primary", anotherPrimary(env))
	return c
}

// TestPrimaryIsCutOff cuts the network between the old primary and all others: no acknowledged write is lost.
func TestPrimaryIsCutOff(t *testing.T) {
	t.Parallel()
	e := startEnclave(t)
	env := e.startServers(t)
	gate := StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	c := e.cutOff(t, env, gate)
	before := c.acknowledged
	for c.acknowledged < before+100 {
		c.count(t)
	}
	e.plug(t)
	c.countUntil(t, "the old primary as a replica", func() error {
		if role, linked, err := env.Groups[0].Nodes[0].Role(); err != nil || role != "slave" || !linked {
			return fmt.Errorf("it says %s, %w", role, errors.Join(err))
		}
		return nil
	})
	value := counted(t, env)
	t.Logf("%d acknowledged, %d uncertain, %d counted; the longest pause was %v", c.acknowledged, c.uncertain, value,
		c.pause)
	if value < c.acknowledged || value > c.acknowledged+c.uncertain {
		t.Error("that does not fit together")
	}
}

// TestPrimaryIsCutOffWithTheGateway leaves the gateway on the wrong side: it cannot know that, and goes on. It reports
// the loss when the link is up again.
func TestPrimaryIsCutOffWithTheGateway(t *testing.T) {
	t.Parallel()
	e := startEnclave(t)
	env := e.startServers(t)
	binary, err := BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	socket := "unix:" + filepath.Join(t.TempDir(), "listener") // independent of the network
	gate := StartGatewayWith(t, GatewayOptions{Binary: e.program(t, "evergate", binary), Addr: socket,
		Args: []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main", "--listen", socket}})
	c := e.cutOff(t, env, gate)
	e.plug(t)
	line := regexp.MustCompile(`failover\d+:.*,to=` + regexp.QuoteMeta(e.outside) +
		`.*,acknowledged=(\d+),lost_at_most=(\w+)`)
	asks := MustDial(t, gate.Addr)
	var found []string
	c.countUntil(t, "a receipt", func() error {
		text, err := asks.Do("INFO", "failover")
		if found = line.FindStringSubmatch(string(text)); found == nil {
			return fmt.Errorf("INFO says %q, %w", text, errors.Join(err))
		}
		return nil
	})
	value := counted(t, env)
	lost := c.acknowledged - value
	t.Logf("%d acknowledged, %d uncertain, %d counted: %d lost; told: %s acknowledged, at most %s lost; the longest "+
		"pause was %v", c.acknowledged, c.uncertain, value, lost, found[1], found[2], c.pause)
	if most, err := strconv.Atoi(found[2]); err != nil || lost > most || value > c.acknowledged+c.uncertain {
		t.Errorf("that does not fit together: %v", err)
	}
	if lost < 1 {
		t.Error("nothing was acknowledged while the gateway was on the wrong side: this test shows nothing")
	}
}
