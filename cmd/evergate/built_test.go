package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv"
)

// built runs the real binary; what it prints goes to a file.
func built(t *testing.T, environ []string, args ...string) (process *testenv.Process, log func() string) {
	t.Helper()
	binary, err := testenv.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	process, err = testenv.StartProcess(dir, path, binary, args, environ...)
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

func ended(t *testing.T, process *testenv.Process, log func() string) int {
	t.Helper()
	select {
	case <-process.Exited():
		return process.ExitCode()
	case <-time.After(30 * time.Second):
		t.Fatalf("it does not end:\n%s", log())
		return 0
	}
}

// listening waits for the first listener and gives its address.
func listening(t *testing.T, log func() string) string {
	t.Helper()
	const before = "evergate: listening: address="
	address := ""
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := testenv.WaitFor(ctx, "a listener", func() error {
		_, rest, found := strings.Cut(log(), before)
		line, _, whole := strings.Cut(rest, "\n")
		if !found || !whole {
			return errors.New("none yet")
		}
		address = line
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log())
	}
	return address
}

func TestBuiltCommandEndsWithItsCodes(t *testing.T) {
	testenv.SkipShort(t)
	t.Parallel()
	taken := answering(t, "tcp", "127.0.0.1:0", nil)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"version", exitOK, "evergate "},
		{"--version", exitOK, "evergate "},
		{"run --workers x", exitWrong, "flag --workers"},
		{"run --primary 127.0.0.1:1 --listen " + taken, exitFailed, "address already in use"},
		{"healthcheck --address 127.0.0.1:1", exitFailed, "connection refused"},
		{"check --primary 127.0.0.1:1", exitOK, "settings of default"},
		{"check --connect --primary 127.0.0.1:1 --dial-timeout 100ms", exitFailed, "could not be served"},
	} {
		process, log := built(t, nil, strings.Fields(c.args)...)
		if code := ended(t, process, log); code != c.code || !strings.Contains(log(), c.says) {
			t.Errorf("%s: exit %d, want %d:\n%s", c.args, code, c.code, log())
		}
	}
}

// TestBuiltGatewayLivesWithoutServers runs all of it at the most talkative level: it starts with nothing behind it, is
// healthy and not ready, never shows a password, and ends at SIGTERM.
func TestBuiltGatewayLivesWithoutServers(t *testing.T) {
	testenv.SkipShort(t)
	environ := []string{"EVERGATE_PASSWORD=" + secretText, "EVERGATE_UPSTREAM_PASSWORD=" + secretText,
		"EVERGATE_LOG_LEVEL=trace", "EVERGATE_DIAL_TIMEOUT=200ms"}
	process, log := built(t, environ, "run", "--primary", "127.0.0.1:1", "--listen", "127.0.0.1:0")
	address := listening(t, log)
	asked := append(environ[:1:1], "EVERGATE_LISTEN="+address)
	if code, _, errOut := try([]string{"healthcheck"}, asked); code != exitOK {
		t.Error(code, errOut)
	}
	if code, _, errOut := try([]string{"healthcheck", "--ready"}, asked); code != exitFailed ||
		!strings.Contains(errOut, "LOADING") {
		t.Error(code, errOut)
	}
	conn := testenv.MustDial(t, address)
	if reply, err := conn.Do("AUTH", "wrong-"+secretText); err != nil || !strings.HasPrefix(string(reply), "-WRONGPASS") {
		t.Errorf("%s %v", reply, err)
	}
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, 10*time.Second, "a line about SIGHUP", func() error {
		if !strings.Contains(log(), "hangup ignored") {
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
