package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// setup is an arrangement of servers for check --connect: its verdict, texts it must print, and texts it must not.
type setup struct {
	name   string
	breaks func() error
	args   string
	code   int
	wants  []string
	not    []string
}

// noFollowOn are texts that are useless if no primary is known, or wrong if a server has answered.
var (
	noFollowOn = []string{"hold is", "read timeout"}
	noMapHint  = []string{"announced by the servers"}
)

// judged runs the set-ups one after the other: each begins with the servers as the one before left them.
func judged(t *testing.T, setups []setup) {
	t.Helper()
	for _, c := range setups {
		t.Run(c.name, func(t *testing.T) {
			if c.breaks != nil {
				if err := c.breaks(); err != nil {
					t.Fatal(err)
				}
			}
			began := time.Now()
			code, out, errOut := try(append([]string{"check", "--connect"}, strings.Fields(c.args)...), nil)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, words := range c.wants {
				if !strings.Contains(out, words) {
					t.Errorf("it does not say %q", words)
				}
			}
			for _, words := range c.not {
				if strings.Contains(out, words) {
					t.Errorf("it says %q", words)
				}
			}
			if c.code == exitFailed && !strings.Contains(errOut, "evergate: service default ") {
				t.Error("no verdict")
			}
			if t.Failed() {
				t.Logf("check --connect %s (%v)\n%s%s", c.args, time.Since(began), out, errOut)
			}
		})
	}
}

func TestCheckJudgesSentinels(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, DownAfter: 2 * time.Second})
	nodes, first := env.Groups[0].Nodes, env.Sentinels[0]
	by := "--sentinel " + env.SentinelAddrs() + " --master-name "
	each := func(args ...any) func() error {
		return func() error {
			var errs []error
			for _, n := range nodes[1:] {
				_, err := n.Do(args...)
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		}
	}
	judged(t, []setup{
		{name: "sound", args: by + "main", code: exitOK, wants: []string{"works, and survives a failover"},
			not: []string{"FAIL", "warning", "[default]"}},
		{name: "wrong master name", args: by + "mian", code: exitFailed,
			wants: []string{"monitor no master named mian", "they monitor main", "No such master with that name"},
			not:   append(noFollowOn, noMapHint...)},
		{name: "a Sentinel as primary", args: "--primary " + first.Addr, code: exitFailed,
			wants: []string{first.Addr + " is a Sentinel", "--sentinel"}, not: append(noFollowOn, "use   ")},
		{name: "a server as Sentinel", args: "--sentinel " + nodes[0].Addr + " --master-name main", code: exitFailed,
			wants: []string{nodes[0].Addr + " is not a Sentinel"}, not: append(noFollowOn, noMapHint...)},
		{name: "the address map leads nowhere", args: by + "main --address-map " + nodes[1].Addr + "=127.0.0.1:1",
			code: exitFailed, wants: []string{"127.0.0.1:1 cannot be reached: connection refused",
				"--address-map maps " + nodes[1].Addr}, not: noMapHint},
		{name: "no replica with a priority", breaks: each("CONFIG", "SET", "replica-priority", "0"), args: by + "main",
			code: exitFailed, wants: []string{"would not survive a failover", "its priority is 0"}},
		{name: "no replica that runs", breaks: func() error { return errors.Join(nodes[1].Kill(), nodes[2].Kill()) },
			args: by + "main", code: exitFailed, wants: []string{"would not survive a failover", "no replica can be promoted"}},
		{name: "lost quorum", breaks: func() error {
			if err := errors.Join(nodes[1].Restart(), nodes[2].Restart(), each("CONFIG", "SET", "replica-priority",
				"100")(), env.Sentinels[1].Kill(), env.Sentinels[2].Kill()); err != nil {
				return err
			}
			return env.WaitFor(20*time.Second, "two Sentinels that are down", func() error {
				if _, err := first.Do("SENTINEL", "CKQUORUM", "main"); err == nil {
					return errors.New("they are not yet")
				}
				return nil
			})
		}, args: by + "main", code: exitFailed, wants: []string{"lost their quorum", "NOQUORUM", "1 of 3"}},
		{name: "lost quorum, the living named", args: "--sentinel " + first.Addr + " --master-name main", code: exitFailed,
			wants: []string{"lost their quorum", "NOQUORUM", "1 of 3", "would not survive a failover"}},
		{name: "no Sentinel", breaks: first.Kill, args: by + "main", code: exitFailed,
			wants: []string{"Sentinels ", "cannot be reached: connection refused"}, not: append(noFollowOn, noMapHint...)},
	})
}

func TestCheckJudgesPlainLists(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 1, Password: secretText})
	open := servers.StartPlain(t, servers.Options{})
	primary, replica, alone := env.Groups[0].Nodes[0], env.Groups[0].Nodes[1], open.Primary()
	right, wrong := " --upstream-password-file "+passwordFile(t), " --upstream-password-file "+fileWith(t, "no")
	set := func(n *servers.Node, args ...any) func() error {
		return func() error {
			_, err := n.Do(append([]any{"CONFIG", "SET"}, args...)...)
			return err
		}
	}
	judged(t, []setup{
		{name: "sound", args: "--primary " + primary.Addr + right, code: exitOK,
			wants: []string{"a plain list has none by itself"}, not: []string{"FAIL"}},
		{name: "wrong password", args: "--primary " + primary.Addr + wrong, code: exitFailed,
			wants: []string{"rejects the password", "WRONGPASS", "--upstream-password-file"},
			not:   append(noFollowOn, noMapHint...)},
		{name: "no password", args: "--primary " + primary.Addr, code: exitFailed,
			wants: []string{"requires a password", "NOAUTH", "--upstream-password-file"},
			not:   append(noFollowOn, noMapHint...)},
		{name: "a password for a server without", args: "--primary " + alone.Addr + right, code: exitFailed,
			wants: []string{"requires no password", "--upstream-password-file"}, not: append(noFollowOn, noMapHint...)},
		{name: "no password file", args: "--primary " + primary.Addr + " --upstream-password-file nowhere",
			code: exitFailed, wants: []string{"the password cannot be read: open nowhere: no such file or directory"},
			not: append(noFollowOn, "announced", "cannot be reached")},
		{name: "a replica as primary", args: "--primary " + replica.Addr + right, code: exitOK,
			wants: []string{"is a replica of " + primary.Addr, "primary " + primary.Addr}, not: []string{"FAIL"}},
		{name: "one server under two names", args: "--primary " + alone.Addr + " --replica localhost:" +
			fmt.Sprint(alone.Port), code: exitOK, wants: []string{"are the same server"}, not: []string{"FAIL", "all report"}},
		{name: "no replica", args: "--primary " + alone.Addr, code: exitOK, wants: []string{"warning", "no replica"}},
		{name: "two primaries", args: "--primary " + primary.Addr + " --replica " + alone.Addr, code: exitFailed,
			wants: []string{"NOAUTH"}},
		{name: "a name without an address", args: "--primary nobody.invalid:6379", code: exitFailed,
			wants: []string{"nobody.invalid:6379 cannot be resolved"}, not: append(noFollowOn, noMapHint...)},
		{name: "too few replicas for writes", breaks: set(primary, "min-replicas-to-write", "2"),
			args: "--primary " + primary.Addr + right, code: exitFailed,
			wants: []string{"NOREPLICAS", "min-replicas-to-write is 2"}},
		{name: "no replica to spare for writes", breaks: set(primary, "min-replicas-to-write", "1"),
			args: "--primary " + primary.Addr + right, code: exitOK, wants: []string{"warning", "min-replicas-to-write"}},
		{name: "a replica that accepts writes", breaks: set(replica, "replica-read-only", "no"),
			args: "--primary " + primary.Addr + right, code: exitOK, wants: []string{"warning", "accepts writes"}},
		{name: "scripts may", args: "--primary " + primary.Addr + right, code: exitOK,
			wants: []string{"hint", "MIGRATE, PFDEBUG, RESTORE-ASKING"}},
		{name: "a dead replica", breaks: replica.Kill, args: "--primary " + primary.Addr + " --replica " + replica.Addr +
			right, code: exitFailed, wants: []string{replica.Addr + " cannot be reached: connection refused"}},
		{name: "a dead primary", breaks: primary.Kill, args: "--primary " + primary.Addr + right, code: exitFailed,
			wants: []string{primary.Addr + " cannot be reached: connection refused"}, not: append(noFollowOn, noMapHint...)},
	})
}

func TestCheckJudgesTwoPrimaries(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	one, two := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	judged(t, []setup{{name: "two", args: "--primary " + one.Primary().Addr + " --replica " + two.Primary().Addr,
		code: exitFailed, wants: []string{"all report to be the primary"}}})
}

func TestCheckJudgesClusters(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, NodeTimeout: 2 * time.Second})
	plain := servers.StartPlain(t, servers.Options{})
	by := "--cluster " + env.Groups[0].Nodes[0].Addr
	last := env.Groups[2].Nodes
	awaits := func(words string) error {
		return env.WaitFor(30*time.Second, words, func() error {
			reply, err := env.Groups[0].Nodes[0].Do("CLUSTER", "INFO")
			if err == nil && !strings.Contains(fmt.Sprint(reply), words) {
				return errors.New("not yet")
			}
			return err
		})
	}
	slot := func(what, state string) func() error {
		return func() error {
			if _, err := env.Groups[0].Nodes[0].Do("CLUSTER", what, "0"); err != nil {
				return err
			}
			return awaits(state)
		}
	}
	judged(t, []setup{
		{name: "sound", breaks: func() error { return seen(env, by) }, args: by, code: exitOK,
			wants: []string{"works, and survives a failover"}, not: []string{"FAIL", "warning"}},
		{name: "a node as primary", args: "--primary " + env.Groups[0].Nodes[0].Addr, code: exitFailed,
			wants: []string{"is a node of a cluster", "--cluster"}},
		{name: "no cluster", args: "--cluster " + plain.Primary().Addr, code: exitFailed,
			wants: []string{plain.Primary().Addr + " is not a node of a cluster", "cluster support disabled"},
			not:   append(noFollowOn, noMapHint...)},
		{name: "a slot of nobody", breaks: slot("DELSLOTS", "cluster_state:fail"), args: by, code: exitFailed,
			wants: []string{"1 slot is not served by any node", "cluster_state:fail"}},
		{name: "a shard without a replica", breaks: func() error {
			return errors.Join(slot("ADDSLOTS", "cluster_state:ok")(), last[1].Kill())
		}, args: by, code: exitFailed, wants: []string{"no replica can be promoted", "would not survive a failover"}},
		{name: "a dead shard", breaks: func() error { return errors.Join(last[0].Kill(), awaits("cluster_state:fail")) },
			args: by, code: exitFailed, wants: []string{"cluster_state:fail", "cannot be served"}},
	})
}

// seen waits until a healthy cluster is reported as one: the others still report a replica as loading shortly after it
// was synchronized.
func seen(env *servers.Env, by string) error {
	return env.WaitFor(20*time.Second, "a cluster that is seen whole", func() error {
		code, out, _ := try(append([]string{"check", "--connect"}, strings.Fields(by)...), nil)
		if code != exitOK || strings.Contains(out, "is excluded from reads") {
			return errors.New(out)
		}
		return nil
	})
}

func TestCheckJudgesSmallClusters(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 1, Replicas: 1})
	judged(t, []setup{{name: "one shard", args: "--cluster " + env.Addrs(), code: exitFailed,
		wants: []string{"has 1 primary with slots", "would not survive a failover"}}})
}

// denied is the error of a server in protected mode to a connection from elsewhere, before it closes that.
const denied = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set " +
	"for the default user. In this mode connections are only accepted from the loopback interface. If you want to " +
	"connect from external computers to Redis you may adopt one of the following solutions: ...\r\n"

func TestCheckJudgesWhatRefusesOrSpeaksOtherwise(t *testing.T) {
	t.Parallel()
	protected := greeting(t, func(c net.Conn) { _, _ = c.Write([]byte(denied)) })
	encrypted := speakingTLS(t)
	web := greeting(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 100))
		_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	})
	judged(t, []setup{
		{name: "protected mode", args: "--primary " + protected + " --dial-timeout 500ms", code: exitFailed,
			wants: []string{"is in protected mode", "DENIED Redis is running in protected mode"},
			not:   append(noFollowOn, "announced", "cannot be reached", "1)")},
		{name: "protected mode, of a Sentinel", args: "--master-name m --dial-timeout 500ms --sentinel " + protected,
			code: exitFailed, wants: []string{"is in protected mode"}, not: append(noFollowOn, noMapHint...)},
		{name: "TLS", args: "--primary " + encrypted + " --dial-timeout 500ms", code: exitFailed,
			wants: []string{"speaks TLS"}, not: append(noFollowOn, noMapHint...)},
		{name: "no Redis", args: "--primary " + web + " --dial-timeout 500ms", code: exitFailed,
			wants: []string{web}, not: append(noFollowOn, noMapHint...)},
	})
}

// speakingTLS starts a server that accepts TLS alone.
func speakingTLS(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return greeting(t, func(c net.Conn) { _ = tls.Server(c, config).Handshake() })
}

// greeting starts a server that does one thing to each connection and closes it.
func greeting(t *testing.T, greet func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				greet(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func passwordFile(t *testing.T) string { return fileWith(t, secretText) }

func fileWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
