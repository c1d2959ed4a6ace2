package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestBuiltGatewayUnderSystemd plays systemd for the real binary: it passes a socket, a watchdog and a journal, and
// hears of the start, of the loops and of the end. A client that connects after the end waits in the socket.
func TestBuiltGatewayUnderSystemd(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	passed, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer passed.Close()
	journal, err := os.Create(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var identity syscall.Stat_t
	if err := syscall.Fstat(int(journal.Fd()), &identity); err != nil {
		t.Fatal(err)
	}
	address := socket.Addr().String()
	// The pid of the process that will be the gateway is known to itself alone.
	gw := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, binary, "run", "--primary", "127.0.0.1:1", "--listen",
		address)
	gw.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=evergate.socket", "WATCHDOG_USEC=400000",
		"NOTIFY_SOCKET="+filepath.Join(dir, "notify"), fmt.Sprintf("JOURNAL_STREAM=%d:%d", identity.Dev, identity.Ino))
	gw.ExtraFiles, gw.Stderr = []*os.File{passed}, journal
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = gw.Process.Kill() }()
	states := []string{"READY=1\nSTATUS=serving clients", "WATCHDOG=1", "WATCHDOG=1"}
	for _, want := range states {
		if got := nextState(t, heard); got != want {
			t.Errorf("systemd heard %q, want %q", got, want)
		}
	}
	if reply, err := servers.MustDial(t, address).Do("PING"); err != nil || string(reply) != "+PONG\r\n" {
		t.Errorf("%q %v", reply, err)
	}
	for _, c := range []struct {
		signal syscall.Signal
		wants  []string
	}{
		{syscall.SIGHUP, []string{"RELOADING=1\nMONOTONIC_USEC=", "READY=1\nSTATUS=serving clients"}},
		{syscall.SIGTERM, []string{"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=15000000"}},
	} {
		if err := gw.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.wants {
			got := "WATCHDOG=1"
			for got == "WATCHDOG=1" {
				got = nextState(t, heard)
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("after %s systemd heard %q, want %q", c.signal, got, want)
			}
		}
	}
	err = gw.Wait()
	text, readErr := os.ReadFile(journal.Name())
	if errors.Join(err, readErr) != nil || !regexp.MustCompile(`(?m)^<6>\[INFO\]  evergate: listening: address=`+
		regexp.QuoteMeta(address)).Match(text) || strings.Count(string(text), "\n") != strings.Count(string(text), "<") {
		t.Errorf("%v, journal:\n%s", errors.Join(err, readErr), text)
	}
	waiting, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("the socket does not outlive the gateway: %v", err)
	}
	_ = waiting.Close()
}

// nextState returns what systemd hears next.
func nextState(t *testing.T, heard *net.UnixConn) string {
	t.Helper()
	if err := heard.SetReadDeadline(time.Now().Add(servers.Patience)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := heard.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}
