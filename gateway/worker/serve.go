package worker

import (
	"slices"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Services of the settings are added and removed while the worker runs. One that was removed leaves its place empty for
// good: whatever names it by its number can never mean another one.

// serveAll begins to serve the services of the configuration that are not served yet.
func (w *Worker) serveAll() {
	n := len(w.conf.Services)
	w.latency.Grow(n)
	w.hot.Grow(n)
	if w.env.Slow == nil {
		w.conf.SlowerThan = -1
	}
	w.slow.grow(&w.conf)
	w.clients.Grow(n)
	for ; w.served < n; w.served++ {
		s := &w.conf.Services[w.served]
		fresh := s.Fresh
		if fresh == nil {
			fresh = freshness.New(w.conf.Seed, time.Time{}, func() {})
		}
		kill := s.Kill
		if kill == nil {
			kill = &upstream.KillList{}
		}
		up := w.pool.Add(s.Name, w.conf.reads(w.served), s.SilentAfter, fresh, kill)
		if s.Pass {
			up.KnowUsers()
		}
		(*users)(w).serve(up, w.env.Users(up.Index))
		w.x.SetHedge(up.Index, s.Hedge)
	}
}

// Remove ends services that are not served any more: it closes their clients as Drain does, then the
// connections to their servers, and forgets them. It must be called again until it returns 0: the number of clients and
// services that are left. atOnce: it waits for no reply.
func Remove(w *Worker, services []int, all, atOnce bool, most int) (left int) {
	of := func(c *sessions.Session) bool { return slices.Contains(services, c.Service.Of) }
	if atOnce {
		for c := range w.x.All {
			if of(c) {
				w.x.Close(c, session.Drained)
			}
		}
	} else {
		w.drain(of, all, most)
	}
	for c := range w.x.All {
		if of(c) {
			left++
		}
	}
	if left > 0 {
		return left
	}
	for key, s := range w.users {
		if slices.Contains(services, s.Of) && s.Abandon(atOnce) {
			(*users)(w).forget(key, s)
		}
	}
	for _, i := range services {
		if s := w.services[i]; s != nil && !w.remove(s, atOnce) {
			left++
		}
	}
	return left
}

// remove forgets a service without clients. It returns false if a server still owes a reply.
func (w *Worker) remove(s *service, atOnce bool) bool {
	for _, other := range w.users {
		if other.Of == s.Of {
			return false
		}
	}
	if !s.Abandon(atOnce) {
		return false
	}
	w.notices.Forget(s.Of)
	w.latency.Forget(s.Of)
	w.hot.Forget(s.Of)
	w.x.ReportScript(s.Service) // it waits for none
	w.x.Forget(s.Of)
	w.pubsub.Forget(s.Index)
	w.subscribers.Forget(s.Index)
	s.Drop()
	w.services[s.Index] = nil
	return true
}
