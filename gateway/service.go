package gateway

import (
	"context"
	"slices"
	"sync/atomic"

	"evergate/gateway/certs"
	"evergate/gateway/config"
	"evergate/gateway/direct"
	"evergate/gateway/freshness"
	"evergate/gateway/gates"
	"evergate/gateway/measured"
	"evergate/gateway/observe"
	"evergate/gateway/outage"
	"evergate/gateway/poller"
	"evergate/gateway/shared"
	"evergate/gateway/status"
	"evergate/gateway/upstream"
	"evergate/topology"
	"evergate/topology/watch"
)

// service is all that is kept of one service of the settings while it is served.
type service struct {
	// name identifies it among the services of the settings.
	name string
	// parts are the numbers of its sub-services: its own, which no other service ever has, and that of clients of its
	// Sentinel facade, which it may have from a reload on.
	parts    [2]int
	settings atomic.Pointer[config.Service]
	// evicts is a primary that evicts keys which it has not served for long; nil: there is none. reportedPrimary: the log
	// says that therefore reads go to primaries; reloads.reloading guards it.
	evicts          atomic.Pointer[topology.Node]
	reportedPrimary bool
	tls             atomic.Pointer[tlsOf]
	// limits are those of its users.
	limits atomic.Pointer[userLimits]
	// gate has the users of its clients, facadeGate those of its Sentinel facade.
	gate, facadeGate *gates.Gate

	watch.Watched
	// fresh has which replicas have the writes of this gateway; poller polls the servers for it, when it is nudged.
	fresh *freshness.Service
	// kill has the connections that its workers have lost, and its servers perhaps not.
	kill    upstream.KillList
	nudged  <-chan struct{}
	poller  *poller.Poller
	denials shared.Denials
	// scripts are those that it has forwarded.
	scripts *shared.Scripts
	// longScripts counts the workers where one has been under way for a while.
	longScripts atomic.Int32
	// failovers has what its events report.
	failovers status.Failovers
	direct    *direct.Service
	monitors  monitors
	census    census
	unserved  *outage.Service
	// end ends what runs for it, beside its keeper.
	end      context.CancelFunc
	measured *measured.Service
	observed *observe.Service
}

// conf are its settings in use; they must not be changed.
func (s *service) conf() *config.Service { return s.settings.Load() }

// view returns its newest view; nil while there is none.
func (s *service) view() *topology.View { return s.Keeper.View() }

// use puts settings to use.
func (s *service) use(c *config.Service, tls *tlsOf) {
	limits := userLimitsOf(c)
	s.settings.Store(c)
	s.tls.Store(tls)
	s.limits.Store(&limits)
}

// replace has its gates become others.
func (s *service) replace(others gatesOf) {
	s.gate.Replace(others.own)
	s.facadeGate.Replace(others.facade)
}

// behind returns the sub-service behind a listener with a facade.
func (s *service) behind(f config.Facade) int {
	if f == config.FacadeSentinel {
		return s.parts[1]
	}
	return s.parts[0]
}

// subService is a service as the workers know it. Each service of the settings is one; more are for clients under other
// rules.
type subService struct {
	service *service
	// sentinel: it has no servers.
	sentinel bool
}

// users has those of its clients.
func (p *subService) users() *gates.Gate {
	if p.sentinel {
		return p.service.facadeGate
	}
	return p.service.gate
}

// roster has the services that are served. It never changes: another one takes its place.
type roster struct {
	// services are in the order of the settings.
	services []*service
	// parts are the sub-services, by the numbers by which the workers know them.
	parts []subService
}

// with returns the roster of settings. A service that r has stays the same value; others are new.
func (r *roster) with(c *config.Gateway) *roster {
	next := &roster{parts: slices.Clone(r.parts)}
	for i := range c.Services {
		s := r.named(c.Services[i].Name)
		if s == nil {
			s = &service{name: c.Services[i].Name, parts: [2]int{len(next.parts), len(next.parts) + 1}}
			s.beginFreshness()
			next.parts = append(next.parts, subService{service: s}, subService{service: s, sentinel: true})
		}
		next.services = append(next.services, s)
	}
	return next
}

// settings are those of a service in c; the last ones of a service that is not there any more.
func (r *roster) settings(s *service, c *config.Gateway) *config.Service {
	if at := slices.Index(r.services, s); at >= 0 {
		return &c.Services[at]
	}
	return s.conf()
}

// without returns a roster in which another service stands for one that is gone.
func (r *roster) without(gone, nowhere *service) *roster {
	next := &roster{services: r.services, parts: slices.Clone(r.parts)}
	for i := range next.parts {
		if next.parts[i].service == gone {
			next.parts[i].service = nowhere
		}
	}
	return next
}

// has reports whether a service is among those that are served.
func (r *roster) has(s *service) bool { return slices.Contains(r.services, s) }

// named returns the service of a name; nil for none.
func (r *roster) named(name string) *service {
	for _, s := range r.services {
		if s.name == name {
			return s
		}
	}
	return nil
}

// of returns the service of a sub-service.
func (g *Gateway) of(part int) *service { return g.part(part).service }

// part returns a sub-service.
func (g *Gateway) part(of int) *subService { return &g.roster.Load().parts[of] }

// tlsOf is the TLS of one service; nil where there is none.
type tlsOf struct {
	server              *certs.Server // for clients
	upstream, sentinels *certs.Client
}
