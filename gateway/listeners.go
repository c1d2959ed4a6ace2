package gateway

import (
	"evergate/gateway/config"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// listenerIDs returns the ID of each listener, by service in the order of Listeners, and what the workers know of each:
// the IDs are behind those of all sub-services. The facades have no addresses yet.
func listenerIDs(c *config.Gateway) (ids []int, known []worker.Listener) {
	parts := subServicesOf(c)
	for i := range c.Services {
		s := &c.Services[i]
		for _, listen := range s.Listeners() {
			pretends := s.FacadeAt(listen)
			listener := worker.Listener{Service: subServiceOf(parts, i, pretends), Hold: session.Hold(s.HoldAt(listen))}
			if pretends != config.FacadeNone {
				listener.Role = &facade.Role{Kind: facadeKinds[pretends]}
			}
			ids = append(ids, len(parts)+len(known))
			known = append(known, listener)
		}
	}
	return ids, known
}

// share divides a limit of the process among workers.
func share[T int | int64](whole T, workers int) int {
	return int((whole + T(workers) - 1) / T(workers))
}
