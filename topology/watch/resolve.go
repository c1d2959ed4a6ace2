package watch

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"evergate/topology"
)

// resolve looks up the names of a plain list at the start, then every ResolveInterval and when the keeper asks. A name
// that cannot be resolved keeps its addresses.
func (s *service) resolve() {
	last := map[string][]string{}
	failures := 0
	for {
		failed := false
		for _, name := range append([]string{s.Primary}, s.Replicas...) {
			addrs, err := s.lookUp(name)
			if err != nil {
				if last[name] == nil && failures == 0 {
					s.logger.Warn("name resolution failed", "name", name, "error", err)
				}
				if s.tap != nil && last[name] == nil {
					s.tap(topology.Resolved{Name: name, Why: words(err)})
				}
				failed = true
				continue
			}
			if !slices.Equal(addrs, last[name]) {
				last[name] = addrs
				s.observe(topology.Resolved{Name: name, Addrs: addrs})
			}
		}
		wait := s.watch.options.ResolveInterval
		if failed {
			failures++
			wait = backoff(failures, wait)
		} else {
			failures = 0
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-s.resolveNow:
			// A name server is queried less often than nodes.
			t.Stop()
			if !pause(s.ctx, probeBackoff) {
				return
			}
		case <-s.ctx.Done():
			t.Stop()
			return
		}
	}
}

// lookUp returns the dial addresses of host:port, sorted: an answer in another order is no change.
func (s *service) lookUp(name string) ([]string, error) {
	host, port := topology.SplitAddr(topology.MapAddr(s.AddressMap, name))
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{topology.JoinAddr(host, port)}, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, 2*s.watch.dialTimeout())
	defer cancel()
	hosts, err := s.watch.options.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	addrs := make([]string, 0, len(hosts))
	for _, h := range hosts {
		addrs = append(addrs, topology.JoinAddr(h, port))
	}
	slices.Sort(addrs)
	return slices.Compact(addrs), nil
}
