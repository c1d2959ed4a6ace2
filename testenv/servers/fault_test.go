package servers

import (
	"bufio"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// startEcho answers every line with itself, prefixed by '+'.
func startEcho(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					_, _ = c.Write([]byte("+" + lines.Text() + "\r\n"))
				}
			}()
		}
	}()
	return l.Addr().String()
}

func echo(t *testing.T, c *Conn, line string) {
	t.Helper()
	if err := c.SendRaw([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Frame(); err != nil || string(got) != "+"+line+"\r\n" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestFaultRelaysAndDelays(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction("evergate/testenv/servers.startEcho.func2.1"),
		goleak.IgnoreAnyFunction("evergate/testenv/servers.startEcho.func2"))
	f, err := NewFault(startEcho(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := MustDial(t, f.Addr)
	echo(t, c, "plain")
	f.Slice(1)
	echo(t, c, "in pieces")
	f.Delay(30 * time.Millisecond)
	began := time.Now()
	echo(t, c, "slow")
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("a delay of 30 ms each way took %v", took)
	}
	if f.Links() != 1 {
		t.Errorf("%d links", f.Links())
	}
}

func TestFaultHoldsWithoutLoss(t *testing.T) {
	f := StartFault(t, startEcho(t))
	c := MustDial(t, f.Addr)
	echo(t, c, "before")
	f.Hold(ToClient, true)
	if err := c.SendRaw([]byte("held\n")); err != nil {
		t.Fatal(err)
	}
	c.Timeout = 50 * time.Millisecond
	if got, err := c.Frame(); err == nil {
		t.Fatalf("%q came through", got)
	}
	f.BlackHole(false)
	c.Timeout = ReplyPatience
	if got, err := c.Frame(); err != nil || string(got) != "+held\r\n" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestFaultCutsResetsAndRefuses(t *testing.T) {
	f := StartFault(t, startEcho(t))
	c := MustDial(t, f.Addr)
	echo(t, c, "x")
	f.Cut()
	if rest, err := c.Rest(); err != nil || len(rest) > 0 {
		t.Errorf("after a cut: %q, %v", rest, err)
	}
	c = MustDial(t, f.Addr)
	echo(t, c, "x")
	f.Reset()
	if _, err := c.Frame(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
	Until(t, Patience, "no links", func() error {
		if f.Links() > 0 {
			return errors.New("some")
		}
		return nil
	})
	f.Refuse(true)
	c = MustDial(t, f.Addr)
	if rest, err := c.Rest(); err != nil || len(rest) > 0 {
		t.Errorf("when refusing: %q, %v", rest, err)
	}
}
