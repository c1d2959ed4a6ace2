package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// built runs the real binary, with its output in a file.
func built(t *testing.T, environ []string, args ...string) (process *servers.Process, log func() string) {
	t.Helper()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	process, err = servers.StartProcess(dir, path, binary, args, environ...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	return process, func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func ended(t *testing.T, process *servers.Process, log func() string) int {
	t.Helper()
	select {
	case <-process.Exited():
		return process.ExitCode()
	case <-time.After(servers.Patience):
		t.Fatalf("it does not end:\n%s", log())
		return 0
	}
}

// listening waits for the first listener and returns its address.
func listening(t *testing.T, log func() string) string {
	t.Helper()
	const before = "evergate: listening: address="
	address := ""
	ctx, cancel := context.WithTimeout(t.Context(), servers.Patience)
	defer cancel()
	err := servers.WaitFor(ctx, "a listener", func() error {
		_, rest, found := strings.Cut(log(), before)
		line, _, whole := strings.Cut(rest, "\n")
		if !found || !whole {
			return errors.New("none yet")
		}
		address, _, _ = strings.Cut(line, " ")
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log())
	}
	return address
}

func TestBuiltCommandEndsWithItsCodes(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	taken := answering(t, "tcp", "127.0.0.1:0", nil)
	for _, c := range []struct {
		args  string
		code  int
		wants string
	}{
		{"version", exitOK, "evergate version "},
		{"--version", exitOK, "evergate version "},
		{"run --workers x", exitWrong, "flag --workers"},
		{"run --primary 127.0.0.1:1 --listen " + taken, exitFailed, "address already in use"},
		{"healthcheck --address 127.0.0.1:1", exitFailed, "connection refused"},
		{"check --primary 127.0.0.1:1", exitOK, "settings of default"},
		{"check --connect --primary 127.0.0.1:1 --dial-timeout 100ms", exitFailed, "cannot be served"},
	} {
		process, log := built(t, nil, strings.Fields(c.args)...)
		if code := ended(t, process, log); code != c.code || !strings.Contains(log(), c.wants) {
			t.Errorf("%s: exit %d, want %d:\n%s", c.args, code, c.code, log())
		}
	}
}

// TestBuiltGatewayLivesWithoutServers runs it at the lowest log level: it starts without any server, is healthy and not
// ready, never logs a password, and ends at SIGTERM.
func TestBuiltGatewayLivesWithoutServers(t *testing.T) {
	servers.SkipShort(t)
	environ := []string{"EVERGATE_PASSWORD=" + secretText, "EVERGATE_UPSTREAM_PASSWORD=" + secretText,
		"EVERGATE_LOG_LEVEL=trace", "EVERGATE_DIAL_TIMEOUT=200ms"}
	process, log := built(t, environ, "run", "--primary", "127.0.0.1:1", "--listen", "127.0.0.1:0")
	address := listening(t, log)
	asked := append(environ[:1:1], "EVERGATE_LISTEN="+address)
	if code, _, errOut := try([]string{"healthcheck", "--timeout", "60s"}, asked); code != exitOK {
		t.Error(code, errOut)
	}
	if code, _, errOut := try([]string{"healthcheck", "--timeout", "60s", "--ready"}, asked); code != exitFailed ||
		!strings.Contains(errOut, "LOADING") {
		t.Error(code, errOut)
	}
	conn := servers.MustDial(t, address)
	if reply, err := conn.Do("AUTH", "wrong-"+secretText); err != nil || !strings.HasPrefix(string(reply), "-WRONGPASS") {
		t.Errorf("%s %v", reply, err)
	}
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "a line about SIGHUP", func() error {
		if !strings.Contains(log(), "settings reloaded") {
			return errors.New(log())
		}
		return nil
	})
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, process, log); code != exitOK {
		t.Errorf("exit %d\n%s", code, log())
	}
	if strings.Contains(log(), secretText) {
		t.Errorf("shows a secret:\n%s", log())
	}
}

// TestLogShowsThatClientsAreRejected: once at ERROR with the server's error, and once that it is over; the lowest level
// has the gateway's actions, and no password.
func TestLogShowsThatClientsAreRejected(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Password: secretText, Replicas: 1, Persist: true})
	primary := env.Primary()
	process, log := built(t, []string{"EVERGATE_UPSTREAM_PASSWORD=" + secretText, "EVERGATE_LOG_LEVEL=trace"}, "run",
		"--primary", primary.Addr, "--listen", "127.0.0.1:0", "--hold", "300ms")
	conn := servers.MustDial(t, listening(t, log))
	set := func(want string) {
		t.Helper()
		servers.Until(t, servers.Patience, want, func() error {
			reply, err := conn.Do("SET", "k", secretText)
			if err == nil && !strings.HasPrefix(string(reply), want) {
				return errors.New(string(reply))
			}
			return err
		})
	}
	set("+OK")
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	set("-LOADING")
	await := awaiting(t, log)
	// On a slow machine the topology may not know yet why.
	await(`\[ERROR\] evergate: service unavailable: service=default reason="shard 'main' .*"(\n| cause="` +
		regexp.QuoteMeta(primary.Addr) + `: .*(connection refused|closes the connection))`)
	set("-LOADING")
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	set("+OK")
	await(`\[INFO\]  evergate: service available again: service=default duration=\S+ rejected=\d+`)
	for _, line := range []string{"topology: view published: ", "topology: probe sent: ", "topology: role received: ",
		"upstream: server dialed: "} {
		await(regexp.QuoteMeta(line))
	}
	if n := strings.Count(log(), "service unavailable"); n != 1 {
		t.Errorf("said %d times", n)
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, process, log); code != exitOK || strings.Contains(log(), secretText) {
		t.Errorf("exit %d, or it shows a secret or a value:\n%s", code, log())
	}
}

// TestLogShowsServersErrors: the error of a server in protected mode appears in the log of run too.
func TestLogShowsServersErrors(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	protected := greeting(t, func(c net.Conn) { _, _ = c.Write([]byte(denied)) })
	_, log := built(t, nil, "run", "--primary", protected, "--listen", "127.0.0.1:0", "--hold", "300ms")
	await := awaiting(t, log)
	conn := servers.MustDial(t, listening(t, log))
	if reply, err := conn.Do("GET", "k"); err != nil || !strings.HasPrefix(string(reply), "-LOADING") {
		t.Errorf("%s %v", reply, err)
	}
	await(`\[ERROR\] evergate: service unavailable: service=default reason="the topology is not known yet" ` +
		`cause="` + regexp.QuoteMeta(protected) + `: DENIED Redis is running in protected mode .*default user"`)
}
