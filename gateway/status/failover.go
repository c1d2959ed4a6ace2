package status

import (
	"fmt"

	"evergate/gateway/backend"
	"evergate/gateway/wait"
)

// failover is what the workers did while servers changed their roles, moved keys or were lost.
func failover(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	b = fmt.Appendf(b, "# Failover\r\nhold:%s\r\nheld_now:%d\r\nsilent_now:%d\r\n", f.Hold, f.Stats.Waiting,
		f.Stats.Silent)
	for _, c := range []struct {
		name  string
		count uint64
	}{
		{"holds", s.Holds}, {"holds_ended", s.HoldsEnded}, {"held", s.Held}, {"held_released", s.HoldReleased},
		{"held_expired", s.HoldExpired}, {"held_left", s.HoldLeft}, {"hold_refused", s.HoldRefused},
		{"hold_overfull", s.HoldOverfull}, {"would_have_held", s.WouldHaveHeld}, {"withheld", s.Withheld},
		{"withheld_released", s.WithheldReleased}, {"lanes_silent", s.LanesSilent}, {"reads_sent_on", s.ReadElsewhere},
		{"reads_doubted", s.Doubted}, {"fenced", s.Fenced},
	} {
		b = fmt.Appendf(b, "%s:%d\r\n", c.name, c.count)
	}
	refusals := uint64(0)
	for _, n := range s.RefusedByServer {
		refusals += n
	}
	b = fmt.Appendf(b, "refused_by_servers:%d\r\n", refusals)
	b = append(b, byReason("parked_for", s.ParkedFor[:], func(i int) string { return wait.Reason(i).String() })...)
	b = appendStory(b, f.Failovers)
	lanes := byReason("lanes_lost", s.LanesLost[:], func(i int) string { return backend.LostReason(i).String() })
	return append(b, lanes...)
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
