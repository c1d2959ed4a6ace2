package config

import (
	"time"

	"evergate/gateway/session"
)

// hedgeMin is the shortest time after which a read may be sent to another replica as well.
const hedgeMin = time.Millisecond

// hedge checks when reads are sent to another replica as well, and that there may be another one.
func (v *validation) hedge(s *Service) {
	if s.Hedge.Off() {
		return
	}
	if !s.Hedge.P99 {
		within(v, "hedge", s.Hedge.After, hedgeMin, longest)
	}
	switch onReplicas := s.readsReplicas(); {
	case !onReplicas && s.Consistency == ConsistencyStrong && s.UsedReads() != ReadPrimary:
		v.fault(Fault{Setting: "hedge", Other: "consistency", Text: "conflicts with consistency strong: the primary serves " +
			"all reads"})
	case !onReplicas:
		v.needs("hedge", "reads", "no client reads from replicas")
	case len(s.Replicas) == 1:
		v.fault(Fault{Setting: "hedge", Other: "replica", Text: "needs a second replica, and replica names only one"})
	}
}

// readsReplicas reports whether any client reads from replicas, unless it has chosen so for itself.
func (s *Service) readsReplicas() bool {
	for _, listen := range s.Listeners() {
		reading := s.ReadingAt(listen)
		if !reading.OnPrimary() {
			return true
		}
		for _, u := range s.UserSettings {
			own := reading
			if u.Reads != "" {
				own.From = u.Reads.Session()
			}
			if u.Consistency != "" {
				own.Consistency = u.Consistency.Session()
			}
			if own.From != session.FromPrimary && !own.OnPrimary() {
				return true
			}
		}
	}
	return false
}
