package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// programs are those in clients/python that need only one address, in the order in which they run: one at a time, since
// some read the counters of the servers.
var programs = []string{"connection", "strings", "task_queue", "profiles", "cache", "api_cache", "sessions",
	"job_queue", "memory", "hit_rate", "monitor", "rate_limit", "backup", "balancer"}

// sentinelPrograms run with a client that queries a Sentinel.
var sentinelPrograms = slices.Concat([]string{"sentinel_clients"}, programs)

// clusterPrograms are those that a RedisCluster can run. It rejects the others itself: ECHO and REPLICAOF because they
// have no key, MSET and MGET over several slots, and pools of connections.
var clusterPrograms = []string{"cluster_client", "task_queue", "profiles", "cache", "api_cache", "job_queue", "memory",
	"hit_rate", "monitor", "backup", "balancer"}

// programsPatience is the time limit for all programs together, on a busy machine.
const programsPatience = 2 * time.Minute

// played is the record of a program: its calls are lines of "thread: call -> answer".
type played struct {
	Name  string
	Calls []string
	Error string
}

// round is a group of programs with the same arguments.
type round struct{ names, args []string }

// TestPrograms runs typical Python programs: against one Redis, and through the gateway to each topology, with the same
// answers. Then the primary of workers and a web application is killed.
func TestPrograms(t *testing.T) {
	t.Parallel()
	python := pythonWith(t, "redis")
	redis := servers.StartPlain(t, servers.Options{})
	straight := playPrograms(t, python, round{programs, []string{"--straight", redis.Primary().Addr}})[0]
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
		// Sentinels whose votes were split elect no leader for six seconds, or longer on a busy machine.
		args := []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main", "--hold", "60s"}
		gate, second := startDisguised(t, args...), servers.StartGateway(t, args...)
		answers := playPrograms(t, python,
			round{[]string{"sentinel_clients"}, []string{env.Sentinels[0].Addr}},
			round{programs, []string{gate.plain, second.Addr}},
			round{sentinelPrograms, []string{"--client", "sentinel", gate.sentinel}},
			round{clusterPrograms, []string{"--client", "cluster", gate.cluster}})
		playOverTLS(t, python, "sentinel", straight, args)
		compareWithStraight(t, "sentinel", straight, answers[1])
		compareWithStraight(t, "sentinel", slices.Concat(answers[0], straight), answers[2])
		playThroughFailover(t, python, env, gate.plain)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
		args := []string{"--cluster", env.Addrs(), "--hold", "60s"}
		gate, second := startDisguised(t, args...), servers.StartGateway(t, args...)
		answers := playPrograms(t, python,
			round{clusterPrograms[:1], []string{env.Primary().Addr}},
			round{programs, []string{gate.plain, second.Addr}},
			round{sentinelPrograms, []string{"--client", "sentinel", "--master", "default", gate.sentinel}},
			round{clusterPrograms, []string{"--client", "cluster", gate.cluster}})
		playOverTLS(t, python, "cluster", straight, args)
		compareWithStraight(t, "cluster", straight, answers[1])
		compareWithStraight(t, "cluster", straight, answers[2][1:])
		compareWithStraight(t, "cluster", answers[0], answers[3][:1])
		playThroughFailover(t, python, env, gate.plain)
	})
}

// playOverTLS runs the programs against a gateway with TLS and a password: the same answers. Its arguments are those of
// a gateway without TLS.
func playOverTLS(t *testing.T, python, topology string, straight []played, args []string) {
	t.Helper()
	ca, err := servers.NewAuthority("Evergate test CA")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, err := ca.WritePair(dir, "gate", servers.Issue{Hosts: []string{servers.IPv4Loopback}})
	trusted, password := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "password")
	err = errors.Join(err, servers.WriteCAs(trusted, ca), os.WriteFile(password, []byte("secret\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{TLS: &tls.Config{RootCAs: roots},
		Args: slices.Concat(args, []string{"--tls-cert-file", cert, "--tls-key-file", key, "--password-file", password})})
	with := []string{"--ca", trusted, "--password", "secret", gate.Addr}
	answers := playPrograms(t, python, round{[]string{"secure"}, with}, round{programs, append(with, gate.Addr)})
	compareWithStraight(t, topology, straight, answers[1])
	playCLI(t, trusted, gate.Addr)
}

// playCLI asks with redis-cli, if there is one that speaks TLS.
func playCLI(t *testing.T, ca, addr string) {
	t.Helper()
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Log("not asked with redis-cli: there is none")
		return
	}
	host, port, _ := net.SplitHostPort(addr)
	ask := func(args ...string) string {
		args = append([]string{"-h", host, "-p", port, "--no-auth-warning"}, args...)
		out, _ := exec.Command(cli, args...).CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	if help := ask("--help"); !strings.Contains(help, "--cacert") {
		t.Log("not asked with redis-cli: it was built without TLS")
		return
	}
	if got := ask("--tls", "--cacert", ca, "-a", "secret", "SET", "cli", "1"); got != "OK" {
		t.Errorf("redis-cli with TLS: %q", got)
	}
	if got := ask("-a", "secret", "SET", "cli", "1"); !strings.Contains(got, "reset") && !strings.Contains(got, "closed") {
		t.Errorf("redis-cli without TLS: %q", got)
	}
}

// playPrograms runs programs one after another, each of which must succeed.
func playPrograms(t *testing.T, python string, rounds ...round) [][]played {
	t.Helper()
	args := []string{"-B", "../clients/python/run.py"}
	for _, r := range rounds {
		args = append(append(args, strings.Join(r.names, ",")), append(r.args, "+")...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), programsPatience)
	defer cancel()
	began := time.Now()
	run := exec.CommandContext(ctx, python, args...)
	var complaints strings.Builder
	run.Stderr = &complaints
	out, err := run.Output()
	answers := make([][]played, len(rounds))
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for i, r := range rounds {
		for range r.names {
			var p played
			if err := errors.Join(decoder.Decode(&p), err); err != nil {
				t.Fatalf("%s with %v: %v\n%s", r.names, r.args, err, complaints.String())
			}
			if p.Error != "" {
				t.Errorf("%s with %v:\n%s", p.Name, r.args, p.Error)
			}
			answers[i] = append(answers[i], p)
		}
	}
	if complaints.Len() > 0 {
		t.Error(complaints.String())
	}
	t.Logf("%d rounds took %v", len(rounds), time.Since(began).Round(time.Millisecond))
	return answers
}

// exception is a line of the table of exceptions.
type exception struct{ where, program, call, why string }

// moment marks a call whose answers differ each time.
const moment = "moment"

// exceptions returns the lines of the table for a topology behind the gateway.
func exceptions(t *testing.T, behind string) []exception {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "clients", "python", "differs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []exception
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		fields := strings.SplitN(line, "|", 4)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if len(fields) < 4 || fields[3] == "" {
			t.Fatalf("differs.txt: %q has no reason", line)
		}
		if fields[1] == "memory" && (onValkey() || ownVersion(t).AtLeast(7, 4)) {
			continue // their keys need as much memory in a cluster
		}
		if slices.Contains([]string{moment, "always", behind}, fields[0]) {
			all = append(all, exception{fields[0], fields[1], fields[2], fields[3]})
		}
	}
	return all
}

// concerns reports whether a line of a program's record is one of the exception: its call begins so.
func (e *exception) concerns(program, line string) bool {
	_, call, _ := strings.Cut(line, ": ")
	return (e.program == "*" || e.program == program) && strings.HasPrefix(call, e.call)
}

// compareWithStraight compares records, except for the exceptions. An unnecessary exception is an error, too.
func compareWithStraight(t *testing.T, behind string, straight, through []played) {
	t.Helper()
	for i := range straight {
		name := straight[i].Name
		want, got := slices.Clone(straight[i].Calls), slices.Clone(through[i].Calls)
		for _, e := range exceptions(t, behind) {
			isOne := func(line string) bool { return e.concerns(name, line) }
			wantOnes, gotOnes := only(want, isOne), only(got, isOne)
			if e.where != moment && slices.Equal(wantOnes, gotOnes) && (e.program == name || len(wantOnes) > 0) {
				t.Errorf("%s: %s does not differ any more", name, e.call)
			}
			want, got = slices.DeleteFunc(want, isOne), slices.DeleteFunc(got, isOne)
		}
		// Threads have no common order.
		slices.SortStableFunc(want, byThread)
		slices.SortStableFunc(got, byThread)
		for j := range max(len(want), len(got)) {
			if j >= len(want) || j >= len(got) || want[j] != got[j] {
				t.Errorf("%s: call %d of %d\nstraight: %s\nthrough:  %s", name, j, len(want), at(want, j), at(got, j))
				break
			}
		}
	}
}

func only(lines []string, wanted func(string) bool) (some []string) {
	for _, line := range lines {
		if wanted(line) {
			some = append(some, line)
		}
	}
	return some
}

func byThread(a, b string) int {
	a, _, _ = strings.Cut(a, ": ")
	b, _, _ = strings.Cut(b, ": ")
	return strings.Compare(a, b)
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

// playThroughFailover kills the primary of the job queue.
func playThroughFailover(t *testing.T, python string, env *servers.Env, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programsPatience)
	defer cancel()
	run := exec.CommandContext(ctx, python, "-B", "../clients/python/through_failover.py", addr)
	var complaints strings.Builder
	run.Stderr = &complaints
	in, err1 := run.StdinPipe()
	out, err2 := run.StdoutPipe()
	if err := errors.Join(err1, err2, run.Start()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v, %v\n%s", line, err, run.Wait(), complaints.String())
	}
	if err := primaryOf(t, env, "{email}:queue").Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(in, "\n")
	rest, _ := io.ReadAll(lines)
	if err := run.Wait(); err != nil {
		t.Fatalf("%q, %v\n%s", rest, err, complaints.String())
	}
	t.Logf("the killed primary: %s", rest)
}

// primaryOf returns the server that accepts writes of a key.
func primaryOf(t *testing.T, env *servers.Env, key string) *servers.Node {
	t.Helper()
	n := env.Primary()
	if n != nil && len(env.Sentinels) == 0 {
		reply, err := n.Do("CLUSTER", "KEYSLOT", key)
		if err != nil {
			t.Fatal(err)
		}
		n = env.SlotOwner(int(reply.(int64)))
	}
	if n == nil {
		t.Fatal("nobody serves " + key)
	}
	return n
}
