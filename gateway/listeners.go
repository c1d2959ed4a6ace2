package gateway

import (
	"slices"

	"evergate/gateway/config"
	"evergate/gateway/facade"
	"evergate/gateway/gates"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// directory has all listeners that there were since the start, since clients outlive theirs: an ID never means another
// one. It never changes; a reload makes another directory.
type directory struct {
	// ids are those of the listeners of the settings, by service in the order of Listeners.
	ids []int
	// first is the lowest ID. It is behind the numbers of all sub-services.
	first int
	// keys have each listener in the order of their IDs, known what the workers know of it, and rules what its clients may
	// do. Those of a listener that was removed stay as they were: clients may have outlived it.
	keys  []listenerKey
	known []worker.Listener
	rules []gates.Rules
}

// listenerKey identifies a listener in the settings. Port 0 may be there several times.
type listenerKey struct {
	service *service
	address string
	isTLS   bool
	nth     int
}

// with returns a directory with the listeners of other settings, and of their roster. Facades have no addresses yet,
// unless d has them.
func (d *directory) with(c *config.Gateway, r *roster) *directory {
	next := &directory{first: d.first, keys: slices.Clone(d.keys), known: slices.Clone(d.known),
		rules: slices.Clone(d.rules)}
	for i, service := range r.services {
		s := &c.Services[i]
		seen := map[listenerKey]int{}
		for n, listen := range s.Listeners() {
			key := listenerKey{service: service, address: listen, isTLS: s.IsTLS(n)}
			key.nth, seen[key] = seen[key], seen[key]+1
			pretends := s.FacadeAt(listen)
			reading := s.ReadingAt(listen)
			made := worker.Listener{Service: service.behind(pretends), Hold: session.Hold(s.HoldAt(listen)),
				Reading: &reading, Acks: s.Acks.At(listen)}
			at := slices.Index(next.keys, key)
			switch {
			case at >= 0:
				next.known[at] = made.As(next.known[at])
			case pretends != config.FacadeNone:
				made.Role = &facade.Role{Kind: facadeKinds[pretends]}
				fallthrough
			default:
				at = len(next.keys)
				next.keys, next.known = append(next.keys, key), append(next.known, made)
				next.rules = append(next.rules, gates.Rules{})
			}
			next.rules[at] = gates.RulesAt(&s.Access, listen)
			next.ids = append(next.ids, next.first+at)
		}
	}
	return next
}

// without returns a directory in which another service stands for one that is gone.
func (d *directory) without(gone, nowhere *service) *directory {
	next := *d
	next.keys = slices.Clone(d.keys)
	for i := range next.keys {
		if next.keys[i].service == gone {
			next.keys[i].service = nowhere
		}
	}
	return &next
}

// rulesOf returns the rules of a service's listeners that have some, by their IDs.
func (d *directory) rulesOf(service *service) map[int]gates.Rules {
	at := map[int]gates.Rules{}
	for i, r := range d.rules {
		if d.keys[i].service == service && len(r.Denied)+len(r.Only) > 0 {
			at[d.first+i] = r
		}
	}
	return at
}

// listenerIDs is the first directory of settings.
func listenerIDs(c *config.Gateway, r *roster) (ids []int, known []worker.Listener) {
	d := (&directory{first: len(r.parts)}).with(c, r)
	return d.ids, d.known
}

// share divides a limit of the process among workers.
func share[T int | int64](whole T, workers int) int {
	return int((whole + T(workers) - 1) / T(workers))
}
