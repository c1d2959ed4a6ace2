package watch

import (
	"context"
	"slices"
	"time"

	"evergate/topology"
)

// The registry of followers: however many services share a set of Sentinels, each Sentinel has one follower. Watch.mu
// guards all of it, and is never held during a call to another type.

// followerKey identifies a follower: one Sentinel is followed twice only with different credentials or TLS.
type followerKey struct {
	addr, user, password string
	tls                  TLS
}

// sentinelIdentity returns the credentials at the start, which separate the service's followers from those of other
// services. They may rotate later, for all services that share them.
func (s Service) sentinelIdentity() followerKey {
	key := followerKey{tls: s.SentinelTLS}
	if s.Sentinel == nil {
		return key
	}
	var err error
	if key.user, key.password, err = s.Sentinel(); err != nil {
		// A file that cannot be read now is read again at each dial. Such a follower is not shared.
		key.user = "\x00" + s.Name
	}
	return key
}

// follow adds the service to the listeners of the Sentinel at addr, with a new follower if there is none.
func (w *Watch) follow(s *service, addr string, named bool) {
	key := s.identity
	key.addr = addr
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.left {
		return
	}
	f := w.followers[key]
	if f == nil {
		var ctx context.Context
		f = &follower{watch: w, key: key, addr: addr, access: s.toSentinels(), wake: make(chan struct{}, 1)}
		ctx, f.end = context.WithCancel(w.ctx)
		if !w.startLocked(func() { f.run(ctx) }) {
			f.end()
			return
		}
		w.followers[key] = f
	}
	f.named = f.named || named
	if !f.hasListener(s) {
		f.listeners = append(f.listeners, s)
		nudge(f.wake)
	}
}

// unfollow removes the service from the listeners of all Sentinels, and ends the followers that have none left. The
// caller has Watch.mu.
func (w *Watch) unfollow(s *service) {
	s.left = true
	for _, f := range w.followers {
		f.listeners = slices.DeleteFunc(slices.Clone(f.listeners), func(other *service) bool { return other == s })
		if len(f.listeners) == 0 {
			delete(w.followers, f.key)
			f.end()
			continue
		}
		f.access = f.listeners[0].toSentinels() // that of a service which is there
	}
}

// known reports whether the service already listens to the Sentinel with this id.
func (w *Watch) known(s *service, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.followers {
		if id != "" && f.id == id && f.hasListener(s) {
			return true
		}
	}
	return false
}

// followed returns the addresses of the Sentinels that the service listens to.
func (w *Watch) followed(s *service) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var addrs []string
	for _, f := range w.followers {
		if f.hasListener(s) {
			addrs = append(addrs, f.addr)
		}
	}
	return addrs
}

func (w *Watch) listenersOf(f *follower) []*service {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(f.listeners)
}

// askFollowers wakes the followers with these names that the service listens to.
func (w *Watch) askFollowers(s *service, names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.followers {
		if slices.Contains(names, f.addr) && f.hasListener(s) {
			nudge(f.wake)
		}
	}
}

// identified records which Sentinel a follower has reached. If two followers have reached the same one under two
// addresses, one stays: the one that the settings name, else the other one than f.
func (w *Watch) identified(f *follower, id string) {
	dropped, listeners := w.merge(f, id)
	for _, s := range listeners {
		s.observe(topology.SentinelLost{Sentinel: dropped.addr, Why: sameSentinel, Twin: true})
	}
}

// merge returns the follower that was ended, and the services that listened to it.
func (w *Watch) merge(f *follower, id string) (*follower, []*service) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.id = id
	for _, g := range w.followers {
		if !f.alike(g) {
			continue
		}
		keep, drop := g, f
		if f.named && !g.named {
			keep, drop = f, g
		}
		listeners := drop.listeners
		for _, s := range listeners {
			if !keep.hasListener(s) {
				keep.listeners = append(keep.listeners, s)
			}
		}
		keep.named = keep.named || drop.named
		nudge(keep.wake)
		delete(w.followers, drop.key)
		drop.listeners = nil
		drop.end()
		return drop, listeners
	}
	return nil, nil
}

// forget ends a follower that no settings name, if it has been unreachable since lostAt for long enough.
func (w *Watch) forget(f *follower, lostAt time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.named || time.Since(lostAt) < learntKeptFor {
		return false
	}
	delete(w.followers, f.key)
	f.listeners = nil
	f.end()
	return true
}
