package status

import (
	"fmt"

	"evergate/gateway/freshness"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// failover is what the workers did while servers changed their roles, moved keys or were lost.
func failover(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	b = fmt.Appendf(b, "# Failover\r\nhold:%s\r\nrequests_buffered_now:%d\r\nconnections_silent_now:%d\r\n", f.Hold,
		f.Stats.Waiting, f.Stats.Silent)
	for _, c := range []struct {
		name  string
		count uint64
	}{
		{"buffering_started", s.Holds}, {"buffering_ended", s.HoldsEnded}, {"requests_buffered", s.Held},
		{"buffered_resumed", s.HoldReleased}, {"buffered_timed_out", s.HoldExpired}, {"buffered_abandoned", s.HoldLeft},
		{"rejected_after_timeout", s.HoldRefused}, {"rejected_buffer_full", s.HoldOverfull},
		{"rejected_dry_run", s.WouldHaveHeld}, {"replies_withheld", s.Withheld},
		{"replies_withheld_released", s.WithheldReleased}, {"connections_silent", s.ConnsSilent},
		{"reads_rerouted", s.ReadElsewhere},
		{"replicas_left_out", s.ReplicasLeftOut}, {"hedges_sent", s.Hedges.Sent}, {"hedges_won", s.Hedges.Won},
		{"hedges_lost", s.Hedges.Lost}, {"hedges_denied", s.Hedges.Denied}, {"hedges_no_replica", s.Hedges.NoReplica},
		{"reads_retried_on_primary", s.Suspected},
		{"stale_connections_killed", s.Fenced},
	} {
		b = fmt.Appendf(b, "%s:%d\r\n", c.name, c.count)
	}
	refusals := uint64(0)
	for _, n := range s.RefusedByServer {
		refusals += n
	}
	b = fmt.Appendf(b, "rejected_by_servers:%d\r\n", refusals)
	b = append(b, byReason("sessions_blocked", s.BlockedFor[:], func(i int) string { return wait.Reason(i).String() })...)
	all := f.Stats.Counted()
	b = append(b, byReason("reads_on_primary", all.OnPrimary[:], func(i int) string {
		return freshness.OnPrimary(i).String()
	})...)
	b = appendHistory(b, f.Failovers)
	lost := byReason("connections_lost", s.ConnsLost[:], func(i int) string { return upstream.LostReason(i).String() })
	return append(b, lost...)
}

// byReason is a line of counters with their typed reasons.
func byReason(name string, counters []uint64, reason func(int) string) []byte {
	b := append([]byte(name), ':')
	for i, n := range counters {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%s=%d", reason(i), n)
	}
	return append(b, "\r\n"...)
}
