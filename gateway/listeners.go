package gateway

import (
	"evergate/gateway/config"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// listenerIDs returns the ID of each listener, by service in the order of Listeners: that of the service, or one behind
// all sub-services if the listener has a hold or a deny of its own, or a facade. The facades of the latter have no
// addresses yet.
func listenerIDs(c *config.Gateway) (numbers []int, own []worker.Listener) {
	parts := subServicesOf(c)
	for i := range c.Services {
		s := &c.Services[i]
		_, denies := s.Access.Denied()
		_, only := s.Access.Only()
		for _, listen := range s.Listeners() {
			pretends := s.FacadeAt(listen)
			_, isOwn := s.ListenHold[listen]
			if isOwn = isOwn || len(denies[listen])+len(only[listen]) > 0; !isOwn && pretends == config.FacadeNone {
				numbers = append(numbers, i)
				continue
			}
			listener := worker.Listener{Service: subServiceOf(parts, i, pretends), Hold: session.Hold(s.HoldAt(listen))}
			if pretends != config.FacadeNone {
				listener.Role = &facade.Role{Kind: facadeKinds[pretends]}
			}
			numbers = append(numbers, len(parts)+len(own))
			own = append(own, listener)
		}
	}
	return numbers, own
}

// share divides a limit of the process among workers.
func share[T int | int64](whole T, workers int) int {
	return int((whole + T(workers) - 1) / T(workers))
}
