package gateway

import (
	"net"
	"slices"

	"evergate/gateway/config"
	"evergate/gateway/facade"
)

var facadeKinds = map[config.Facade]facade.Kind{
	config.FacadeCluster: facade.Cluster, config.FacadeReplica: facade.Replica, config.FacadeSentinel: facade.Sentinel,
}

// announceFacades sets the addresses of the facades, now that the ports are known. It is called with all listeners
// open, before the first client is accepted.
func (g *Gateway) announceFacades() {
	services := g.roster.Load().services
	addresses := make([][]facade.Address, len(services)) // by service and listener
	for _, ln := range g.listeners {
		s, i := ln.service.conf(), slices.Index(services, ln.service)
		host, port := s.Announced(s.Listeners()[len(addresses[i])])
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		addresses[i] = append(addresses[i], facade.Address{Host: host, Port: port})
	}
	masters := [2][]facade.Master{mastersOf(g.conf(), addresses, false), mastersOf(g.conf(), addresses, true)}
	at := make([]int, len(services))
	for _, ln := range g.listeners {
		s, i := ln.service.conf(), slices.Index(services, ln.service)
		own := addresses[i]
		if _, role := g.listenerOf(ln.id); role != nil {
			index := at[i]
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
		at[i]++
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
	if d := g.directory.Load(); id >= d.first {
		known := &d.known[id-d.first]
		return known.Service, known.Role
	}
	return id, nil
}
