package gateway

import (
	"net"

	"evergate/gateway/config"
	"evergate/gateway/facade"
)

var facadeKinds = map[config.Facade]facade.Kind{
	config.FacadeCluster: facade.Cluster, config.FacadeReplica: facade.Replica, config.FacadeSentinel: facade.Sentinel,
}

// subService is a service as the workers know it. Each service of the config is one, with the same index; behind them
// come those for clients under other rules.
type subService struct {
	service int // index in the config
	reads   config.ReadPolicy
	// sentinel: it has no servers.
	sentinel bool
	// nth numbers the sub-services of one service that have servers, from 0.
	nth int
}

// used are the reads of its connections: from replicas as well if any user reads there.
func (p *subService) used(s *config.Service) config.ReadPolicy {
	if p.nth > 0 || p.sentinel {
		return p.reads
	}
	return s.UsedReads()
}

// subServicesOf returns the services that the workers know.
func subServicesOf(c *config.Gateway) []subService {
	subServices := make([]subService, len(c.Services))
	for i := range c.Services {
		subServices[i] = subService{service: i, reads: c.Services[i].Reads}
	}
	for i := range c.Services {
		s := &c.Services[i]
		if s.Reads == config.ReadPrimary && s.HasFacade(config.FacadeReplica) {
			subServices = append(subServices, subService{service: i, reads: config.ReadPreferReplica, nth: 1})
		}
		if s.HasFacade(config.FacadeSentinel) {
			subServices = append(subServices, subService{service: i, reads: s.Reads, sentinel: true})
		}
	}
	return subServices
}

// subServiceOf finds the sub-service behind a listener of a service with the facade.
func subServiceOf(subServices []subService, service int, f config.Facade) int {
	for i := len(subServices) - 1; i >= 0; i-- {
		p := &subServices[i]
		if p.service == service && p.sentinel == (f == config.FacadeSentinel) && (p.nth == 0 || f == config.FacadeReplica) {
			return i
		}
	}
	return service
}

// settlers is how many acknowledge that they have stopped using a demoted primary of a service: each worker, for each
// sub-service with servers. A new primary waits for all of them.
func (g *Gateway) settlers(service int) int {
	serving := 0
	for _, p := range g.subServices {
		if p.service == service && !p.sentinel {
			serving++
		}
	}
	return g.conf().Workers * serving
}

// settler is the number of a worker among those of a sub-service's service.
func (g *Gateway) settler(subService, worker int) int {
	return g.subServices[subService].nth*g.conf().Workers + worker
}

// announceFacades sets the addresses of the facades, now that the ports are known. It is called with all listeners
// open, before the first client is accepted.
func (g *Gateway) announceFacades() {
	addresses := make([][]facade.Address, len(g.conf().Services)) // by service and listener
	for _, ln := range g.listeners {
		s := &g.conf().Services[ln.service]
		host, port := s.Announced(s.Listeners()[len(addresses[ln.service])])
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		addresses[ln.service] = append(addresses[ln.service], facade.Address{Host: host, Port: port})
	}
	masters := [2][]facade.Master{mastersOf(g.conf(), addresses, false), mastersOf(g.conf(), addresses, true)}
	at := make([]int, len(g.conf().Services))
	for _, ln := range g.listeners {
		s, own := &g.conf().Services[ln.service], addresses[ln.service]
		if _, role := g.listenerOf(ln.id); role != nil {
			index := at[ln.service]
			role.Self = own[index]
			switch {
			case role.Kind == facade.Replica:
				role.Primary = own[s.Writer(s.IsTLS(index))]
			case role.Kind == facade.Sentinel && s.IsTLS(index):
				role.Masters = masters[1]
			case role.Kind == facade.Sentinel:
				role.Masters = masters[0]
			}
		}
		at[ln.service]++
	}
}

// mastersOf returns the services as a Sentinel facade, with or without TLS, reports them: by name, and by the name
// that their own Sentinels use if that is unambiguous.
func mastersOf(c *config.Gateway, addresses [][]facade.Address, withTLS bool) []facade.Master {
	var masters, others []facade.Master
	named := map[string]int{} // how many services have a name
	for i := range c.Services {
		s := &c.Services[i]
		named[s.Name]++
		if s.MasterName != "" && s.MasterName != s.Name {
			named[s.MasterName]++
		}
	}
	for i := range c.Services {
		s := &c.Services[i]
		writer := s.Writer(withTLS)
		if writer < 0 { // only without a Sentinel facade, as Validate makes sure
			continue
		}
		m := facade.Master{Name: s.Name, Addr: addresses[i][writer]}
		for k, listen := range s.Listeners() {
			if s.FacadeAt(listen) == config.FacadeReplica && s.IsTLS(k) == s.IsTLS(writer) {
				m.Replicas = append(m.Replicas, addresses[i][k])
			}
		}
		masters = append(masters, m)
		if s.MasterName != "" && s.MasterName != s.Name && named[s.MasterName] == 1 {
			m.Name = s.MasterName
			others = append(others, m)
		}
	}
	return append(masters, others...)
}

// listenerOf finds what belongs to a listener's ID: the sub-service, and the emulated role if there is one.
func (g *Gateway) listenerOf(id int) (subService int, role *facade.Role) {
	if own := id - len(g.subServices); own >= 0 {
		known := &g.directory.Load().known[own]
		return known.Service, known.Role
	}
	return id, nil
}
