package shared

import (
	"fmt"
	"testing"
	"time"
)

func TestGuessesAreSlowed(t *testing.T) {
	many := 0
	now := time.Unix(1000, 0)
	g := NewGuesses(func(string, string, int) { many++ })
	g.now = func() time.Time { return now }
	var delays []time.Duration
	for i := range 20 {
		if d := g.Delay(0, fmt.Sprintf("10.0.0.1:%d", i), "app"); len(delays) == 0 && d > 0 || len(delays) > 0 {
			delays = append(delays, d)
		}
		g.Failed(0, fmt.Sprintf("10.0.0.1:%d", 1000+i), "app")
	}
	if got := fmt.Sprint(delays); got != "[50ms 100ms 200ms 400ms 800ms 1.6s 2s 2s 2s 2s]" {
		t.Error(got)
	}
	for _, other := range []struct {
		service      int
		remote, user string
	}{{1, "10.0.0.1:1", "app"}, {0, "10.0.0.2:1", "app"}, {0, "10.0.0.1:1", "other"}, {0, "10.0.0.1:1", ""}} {
		if d := g.Delay(other.service, other.remote, other.user); d != 0 {
			t.Errorf("%+v waits for %v", other, d)
		}
	}
	now = now.Add(guessForget - 1)
	if g.Delay(0, "10.0.0.1:1", "app") != guessDelayMax {
		t.Error("the failures are forgotten too early")
	}
	if now = now.Add(1); g.Delay(0, "10.0.0.1:1", "app") != 0 {
		t.Error("the failures are not forgotten")
	}
	g.Failed(0, "10.0.0.1:1", "app")
	if g.Delay(0, "10.0.0.1:1", "app") != 0 {
		t.Error("one failure is enough")
	}
	if many != 1 {
		t.Errorf("reported %d times", many)
	}
}

func TestGuessersAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	g := NewGuesses(func(string, string, int) {})
	g.now = func() time.Time { return now }
	for i := range guessersMax + 100 {
		g.Failed(0, fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), "app")
	}
	if len(g.seen) != guessersMax {
		t.Errorf("%d are remembered", len(g.seen))
	}
	now = now.Add(guessForget)
	if g.Failed(0, "11.0.0.1:1", "app"); len(g.seen) != 1 {
		t.Errorf("%d are remembered of those that have stopped", len(g.seen))
	}
}

func TestHostOf(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1", "[::ffff:10.0.0.1]:5": "10.0.0.1", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:5": "fe80::/64", "/run/evergate.sock:0": "/run/evergate.sock", "": "", "[::1]:5": "::/64",
	} {
		if got := hostOf(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}
