package e2e

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// TestSubscribersAreClosedOnAGapAndNobodyElseIsCounted kills the primary of subscribers of two channels twice. With
// --on-gap close they are closed each time, and channels without subscribers are subscribed nowhere: a server would
// count them for ever.
func TestSubscribersAreClosedOnAGapAndNobodyElseIsCounted(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--workers", "2",
		"--on-gap", "close")
	if err := env.UsualPeriods(); err != nil {
		t.Fatal(err)
	}
	counted := func(conn *servers.Conn, n int) error {
		want := []string{pushed("x", n, "y", n, "other", 0), fmt.Sprintf(":%d\r\n", n), fmt.Sprintf(":%d\r\n", n)}
		for i, words := range [][]string{
			{"PUBSUB", "NUMSUB", "x", "y", "other"}, {"PUBLISH", "x", "m"}, {"PUBLISH", "y", "m"},
		} {
			if got, err := conn.Do(words...); err != nil || string(got) != want[i] {
				return fmt.Errorf("%v: %q, %v, want %q", words, got, err, want[i])
			}
		}
		return nil
	}
	for range 2 {
		speaker := servers.MustDial(t, gate.Addr)
		speaker.Timeout = 30 * time.Second
		conns := make([]*servers.Conn, 4)
		for i := range conns {
			conns[i] = servers.MustDial(t, gate.Addr)
			conns[i].Timeout = 30 * time.Second
			expect(t, conns[i], pushed("subscribe", "x", 1), "SUBSCRIBE", "x")
			expect(t, conns[i], pushed("subscribe", "y", 2), "SUBSCRIBE", "y")
		}
		if err := counted(speaker, len(conns)); err != nil {
			t.Fatal(err)
		}
		servers.Until(t, soakPatience, "a planned switch", env.Groups[0].Failover)
		for _, c := range conns {
			comes(t, c, pushed("message", "x", "m"))
			comes(t, c, pushed("message", "y", "m"))
			if got, err := c.Frame(); !errors.Is(err, io.EOF) {
				t.Fatalf("got %q, %v, want the end of the connection", got, err)
			}
		}
		servers.Until(t, soakPatience, "Sentinels that know everyone", env.SentinelsKnowAll)
		servers.Until(t, soakPatience, "a primary without subscribers", func() error { return counted(speaker, 0) })
	}
}
