package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"evergate/testenv/servers"
)

// fakeDocker replaces docker for servers without containers. Its containers have the names of
// docs/operations/drills.md: redis-PORT. Like docker it fails to unpause a container that is not paused.
const fakeDocker = `#!/bin/sh
echo "$*" >> %[1]s/calls
port=${2#redis-}
pid=$(cat %[1]s/$port) || exit 1
case $1 in
kill) kill -9 $pid ;;
pause) kill -STOP $pid ;;
unpause) case $(ps -o stat= -p $pid) in T*) kill -CONT $pid ;; *) exit 1 ;; esac ;;
start) %[2]s %[3]s/$port/conf --daemonize yes --pidfile %[1]s/$port ;;
*) exit 1 ;;
esac
`

// dockerFor makes a fake docker for an Env, and returns the PATH with it and a function that returns its calls.
func dockerFor(t *testing.T, env *servers.Env) (path string, calls func() string) {
	t.Helper()
	dir := t.TempDir()
	server, err := servers.ServerBinary()
	if err != nil {
		t.Fatal(err)
	}
	err = servers.WriteProgram(filepath.Join(dir, "docker"), fmt.Sprintf(fakeDocker, dir, server, env.Dir()))
	for _, n := range env.Nodes() {
		pid := []byte(fmt.Sprint(n.Pid()))
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprint(n.Port)), pid, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the servers that it has started have no parent
		for _, n := range env.Nodes() {
			text, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(n.Port)))
			if err != nil {
				continue // a server that ends normally removes the file
			}
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid != n.Pid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	return dir + ":" + os.Getenv("PATH"), func() string {
		text, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// dockerTemplates are the flags with a template of docker in docs/operations/drills.md.
func dockerTemplates(t *testing.T) (flags []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations", "drills.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(--(?:kill|freeze|heal)-cmd) '(docker [^']*)'`).
		FindAllStringSubmatch(string(text), -1) {
		if !seen[m[1]] {
			flags = append(flags, m[1], m[2])
		}
		seen[m[1]] = true
	}
	if len(seen) != 3 {
		t.Fatalf("docs/operations/drills.md has templates for %v", seen)
	}
	return flags
}

// TestBuiltDrillOfATarget drills a running system as in docs/operations/drills.md: with docker, and passwords in
// variables.
func TestBuiltDrillOfATarget(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env, err := servers.Cluster(servers.Options{Replicas: 1, Persist: true, Password: secretText})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	passwords := []string{"EVERGATE_PASSWORD=" + secretText, "EVERGATE_UPSTREAM_PASSWORD=" + secretText}
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--cluster", env.Addrs()},
		Variables: passwords})
	path, calls := dockerFor(t, env)
	for _, c := range []struct{ name, wantCalls string }{
		{"primary-returns", `^kill redis-(\d+)\nunpause redis-(\d+)\nstart redis-(\d+)\n$`},
		{"freeze-replica", `\npause redis-(\d+)\nunpause redis-(\d+)\n$`},
	} {
		args := append([]string{"drill", c.name, "--target", gate.Addr, "--cluster", env.Nodes()[3].Addr, "--yes",
			"--quick", "--rate", "200"}, dockerTemplates(t)...)
		process, log := built(t, append([]string{"PATH=" + path}, passwords...), args...)
		code, want := ended(t, process, log), exitOK
		if strings.Contains(log(), "BROKEN") || strings.Contains(log(), "VACUOUS") {
			want = exitBroken
		}
		if code != want || !strings.Contains(log(), c.name+", cluster, through evergate") ||
			!strings.Contains(log(), "is about to break servers behind "+gate.Addr) {
			t.Fatalf("exit %d, want %d\n%s", code, want, log())
		}
		if strings.Contains(log(), secretText) {
			t.Errorf("shows a secret:\n%s", log())
		}
		m := regexp.MustCompile(c.wantCalls).FindStringSubmatch(calls())
		for i := 2; i < len(m); i++ {
			if m[i] != m[1] {
				t.Errorf("it healed another server than it struck:\n%s", calls())
			}
		}
		if m == nil {
			t.Errorf("docker was called so:\n%s", calls())
		}
	}
	noKeys(t, env)
}

// noKeys waits until no server has a key.
func noKeys(t *testing.T, env *servers.Env) {
	t.Helper()
	if err := env.WaitFor(servers.Patience, "no key to be left", func() error {
		for _, n := range env.Nodes() {
			keys, err := n.Client().Keys(t.Context(), "*").Result()
			if err != nil {
				return err
			}
			if len(keys) > 0 {
				return fmt.Errorf("%s has %d, as %s", n.Addr, len(keys), keys[0])
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestBuiltDrillEndedEarly interrupts a drill as Ctrl-C does.
func TestBuiltDrillEndedEarly(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env, err := servers.Sentinel(servers.Options{Replicas: 1, Sentinels: 1, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
	process, log := built(t, nil, "drill", "planned", "--target", gate.Addr, "--sentinel", env.SentinelAddrs(),
		"--master-name", "main", "--yes")
	if err := env.WaitFor(servers.Patience, "keys of the drill", func() error {
		keys, err := env.Groups[0].Nodes[1].Client().Keys(t.Context(), "evergate:drill:*:count:*").Result()
		if err == nil && len(keys) == 0 {
			err = errors.New("there are none")
		}
		return err
	}); err != nil {
		t.Fatalf("%v\n%s", err, log())
	}
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, process, log); code != exitFailed || !strings.Contains(log(), "the drill was interrupted") {
		t.Errorf("exit %d\n%s", code, log())
	}
	noKeys(t, env)
}

// TestBuiltDrillOfATargetWithTLS drills a running system whose legs all have TLS, as its file of settings says.
func TestBuiltDrillOfATargetWithTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, TLS: true})
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Release)
	file, addr := env.TLS, port.Addr()
	lines := []string{"sentinel: " + env.SentinelAddrs(), "master-name: main", "tls-listen: " + addr,
		"tls-cert-file: " + file.Cert, "tls-key-file: " + file.Key, "tls-ca-file: " + file.CA}
	for _, leg := range []string{"upstream-tls", "sentinel-tls"} {
		lines = append(lines, leg+": true", leg+"-ca-file: "+file.CA, leg+"-cert-file: "+file.Cert,
			leg+"-key-file: "+file.Key)
	}
	settings := filepath.Join(t.TempDir(), "evergate.yaml")
	if err := os.WriteFile(settings, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := file.Client()
	if err != nil {
		t.Fatal(err)
	}
	servers.StartGatewayWith(t, servers.GatewayOptions{Addr: addr, Args: []string{"--config", settings}, TLS: client})
	process, log := built(t, nil, "drill", "planned", "--target", addr, "--config", settings, "--yes", "--quick", "--rate",
		"200")
	code, want := ended(t, process, log), exitOK
	if strings.Contains(log(), "BROKEN") || strings.Contains(log(), "VACUOUS") { // the machine is busy
		want = exitBroken
	}
	if code != want || !strings.Contains(log(), "planned, sentinel, through evergate") {
		t.Errorf("exit %d, want %d\n%s", code, want, log())
	}
}
