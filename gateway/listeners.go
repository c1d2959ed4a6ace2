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
	// do. Those of a listener that was removed stay as they were: clients may have outlived it. One whose facade changes
	// has another ID from then on; clients that were there keep the facade, and all else is as at the new one.
	keys  []listenerKey
	known []worker.Listener
	rules []gates.Rules
}

// listenerKey identifies a listener: its place, and the role that it emulates.
type listenerKey struct {
	place
	pretends config.Facade
}

// place identifies a listener in the settings. Port 0 may be there several times.
type place struct {
	service *service
	address string
	isTLS   bool
	nth     int
}

// with returns a directory with the listeners of other settings, and of their roster. announce completes it.
func (d *directory) with(c *config.Gateway, r *roster) *directory {
	next := &directory{first: d.first, keys: slices.Clone(d.keys), known: slices.Clone(d.known),
		rules: slices.Clone(d.rules)}
	for i, service := range r.services {
		s := service.now(&c.Services[i])
		seen := map[place]int{}
		for n, listen := range s.Listeners() {
			at := place{service: service, address: listen, isTLS: s.IsTLS(n)}
			at.nth, seen[at] = seen[at], seen[at]+1
			next.ids = append(next.ids, next.first+next.find(listenerKey{at, s.FacadeAt(listen)}))
			reading := s.ReadingAt(listen)
			made := worker.Listener{Hold: session.Hold(s.HoldAt(listen)), Reading: &reading, Acks: s.Acks.At(listen)}
			for k := range next.keys {
				if next.keys[k].place == at {
					next.known[k] = made.As(next.known[k])
					next.rules[k] = gates.RulesAt(&s.Access, listen)
				}
			}
		}
	}
	return next
}

// find returns the place of a listener in keys, known and rules, to which it is added if it is not there.
func (d *directory) find(key listenerKey) int {
	if at := slices.Index(d.keys, key); at >= 0 {
		return at
	}
	known := worker.Listener{Service: key.service.behind(key.pretends)}
	if key.pretends != config.FacadeNone {
		known.Role = &facade.Role{Kind: facadeKinds[key.pretends]}
	}
	d.keys, d.known, d.rules = append(d.keys, key), append(d.known, known), append(d.rules, gates.Rules{})
	return len(d.keys) - 1
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
