package systemd

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// listening stands for systemd, which hears the process.
func listening(t *testing.T) *net.UnixConn {
	t.Helper()
	at := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", at)
	return conn
}

func heard(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := conn.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestStatesAreThoseOfTheProtocol(t *testing.T) {
	conn := listening(t)
	if err := errors.Join(Ready("serving"), Stopping(15*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1\nSTATUS=serving", "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=15000000"} {
		if got := heard(t, conn); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := Reloading(); err != nil {
		t.Fatal(err)
	}
	// systemd compares the time with that of its request to reload.
	if got := heard(t, conn); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
	_ = conn.Close()
	if Ready("serving") == nil {
		t.Error("nobody listens, and that is no error")
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Ready("serving"); err != nil {
		t.Errorf("without systemd: %v", err)
	}
}

// TestWatchdogHearsOnlyOfLivingLoops: a ping comes only after alive has returned nil.
func TestWatchdogHearsOnlyOfLivingLoops(t *testing.T) {
	conn := listening(t)
	t.Setenv("WATCHDOG_USEC", "40000")
	ctx, cancel := context.WithCancel(t.Context())
	calls, stuck := 0, make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watch(ctx, func(ctx context.Context) error {
			calls++
			switch {
			case calls == 1:
				return nil
			case calls < 5: // an event loop that does not turn
				<-ctx.Done()
				return ctx.Err()
			}
			return notify("ALIVE=1")
		}, func(err error) {
			select {
			case stuck <- err:
			default:
			}
		})
	}()
	for _, want := range []string{"WATCHDOG=1", "ALIVE=1", "WATCHDOG=1", "ALIVE=1"} {
		if got := heard(t, conn); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := <-stuck; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	cancel()
	<-ended
	for _, value := range []string{"", "x"} {
		t.Setenv("WATCHDOG_USEC", value)
		Watch(t.Context(), func(context.Context) error { panic("there is no watchdog") }, nil)
	}
}

func TestSocketsOfOtherProcessesAreLeftAlone(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	if got := Sockets(); len(got) > 0 {
		t.Errorf("%d sockets", len(got))
	}
}
