package status

import (
	"fmt"

	"evergate/gateway/backend"
	"evergate/gateway/session"
)

// failover is what the workers did while servers changed their roles, moved keys or were lost.
func failover(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	b = fmt.Appendf(b, "# Failover\r\nheld_now:%d\r\nholds:%d\r\nholds_ended:%d\r\nheld:%d\r\nheld_released:%d\r\n"+
		"held_expired:%d\r\nheld_left:%d\r\nhold_refused:%d\r\nhold_overfull:%d\r\nwould_have_held:%d\r\n",
		f.Stats.Waiting, s.Holds, s.HoldsEnded, s.Held, s.HoldReleased, s.HoldExpired, s.HoldLeft, s.HoldRefused,
		s.HoldOverfull, s.WouldHaveHeld)
	b = fmt.Appendf(b, "withheld:%d\r\nwithheld_released:%d\r\nsilent_now:%d\r\nlanes_silent:%d\r\nreads_sent_on:%d\r\n",
		s.Withheld, s.WithheldReleased, f.Stats.Silent, s.LanesSilent, s.ReadElsewhere)
	refusals := uint64(0)
	for _, n := range s.RefusedByServer {
		refusals += n
	}
	b = fmt.Appendf(b, "refused_by_servers:%d\r\n", refusals)
	b = append(b, byReason("parked_for", s.ParkedFor[:], func(i int) string { return session.ParkReason(i).String() })...)
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
