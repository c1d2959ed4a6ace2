package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"evergate/testenv/servers"
)

// TestFailoverIsReported runs a planned failover, and checks its record in INFO and in the log.
func TestFailoverIsReported(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true})
	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main", "--hold", "20s")
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "SET", "k", "v")
	expect(t, conn, ":2\r\n", "WAIT", "2", "5000") // a replica gets no writes yet just after it has synchronized
	old := env.Primary()
	line := regexp.MustCompile(`failover\d+:shard=main,began=[^,]+,reason=[^,]+,from=` + old.Addr +
		`,to=[^,]+,started_ms=\d+,promoted_ms=\d+,resumed_ms=\d+(,confirmed_ms=\d+)?,acknowledged=1,lost_at_most=[01]\r\n`)
	switched := regexp.MustCompile(`failovers_switched:[1-9]`)
	servers.Until(t, servers.Patience, "a switch in INFO", func() error {
		text, err := conn.Do("INFO", "failover")
		if err == nil && line.Match(text) && switched.Match(text) {
			return nil
		}
		if env.Primary() == old { // Sentinels that have given up an attempt must be asked again
			err = errors.Join(err, env.Groups[0].Failover())
		}
		return fmt.Errorf("%s, %w", text, err)
	})
	expect(t, conn, "$1\r\nv\r\n", "GET", "k")
}
