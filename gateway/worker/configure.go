package worker

import (
	"evergate/gateway/facade"
	"evergate/gateway/sessions"
)

// fill sets what the caller has left out.
func (c *Config) fill() {
	if c.PushBytesMax == 0 {
		c.PushBytesMax = c.OutputBytesMax
	}
	if c.GatherFrom == 0 {
		c.GatherFrom = sessions.GatherFrom
	}
	if c.Places == 0 {
		c.Places = len(c.Services)
	}
}

// ofSessions are the limits of sessions.
func (c *Config) ofSessions() sessions.Limits {
	return sessions.Limits{QueryBytesMax: c.QueryBytesMax, HoldSessionsMax: c.HoldSessionsMax,
		HoldBytesMax: c.HoldBytesMax, IdleMax: c.IdleMax, AuthMax: c.AuthMax}
}

// configure takes a new configuration. It happens at the start of a round only, before its views: all steps of a round
// see one. A session that waits decides again; one that is in the middle of something ends that first.
func (w *Worker) configure(c *Config) {
	w.configured, w.conf = c, *c
	w.conf.fill()
	w.pool.SetDedicatedMax(w.conf.DedicatedMax)
	w.x.SetLimits(w.conf.ofSessions())
	w.x.SetMemoryMax(w.conf.ClientMemory.Max)
	w.policy.SetAudits(!w.conf.Unaudited)
	w.hot.Switch(w.conf.HotKeys)
	w.x.ReplaceTerms(func() func(*sessions.Session) *sessions.Terms {
		w.terms = newTerms(&w.conf, w.x.Sessions)
		return func(c *sessions.Session) *sessions.Terms { return w.terms.of(c.Listener, c.User) }
	})
	w.x.SetRoles(func(listener int) *facade.Role {
		_, role := w.behind(listener)
		return role
	})
	w.notices.SetHolds(holdsOf(&w.conf))
	w.serveAll()
	for s := range w.services.All {
		conf := &w.conf.Services[s.Of]
		s.Servers.SetPolicy(w.conf.reads(s.Of), conf.SilentAfter)
		s.Service.SetPolicy(conf.BlockingLost, conf.Allowed)
		s.SetCloseOnGap(conf.CloseOnGap)
		w.x.SetHedge(s.Of, conf.Hedge)
		if s.View != nil {
			w.viewChanged(s, s.View) // other servers may serve reads, and who waits may do so no longer
		}
		s.WakeFull()
	}
	w.throttle.Renew()
	w.x.Evict()
}
