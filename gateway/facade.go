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

// announce gives the facades of a directory the addresses that they report, now that the ports of all its listeners are
// known, which are in the order of its ids. It is called before any worker knows the directory. Clients of a listener
// that is gone get the addresses of those that are there.
func (d *directory) announce(c *config.Gateway, services []*service, listeners []listener) {
	addresses, own := make([][]facade.Address, len(services)), map[place]facade.Address{}
	for k, ln := range listeners {
		i := slices.Index(services, ln.service)
		host, port := c.Services[i].Announced(ln.address)
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		address := facade.Address{Host: host, Port: port}
		addresses[i] = append(addresses[i], address)
		own[d.keys[d.ids[k]-d.first].place] = address
	}
	masters := map[bool][]facade.Master{false: mastersOf(c, addresses, false), true: mastersOf(c, addresses, true)}
	for k := range d.known {
		if d.known[k].Role == nil {
			continue
		}
		role, at := *d.known[k].Role, d.keys[k].place
		if address, there := own[at]; there {
			role.Self = address
		}
		i := slices.Index(services, at.service)
		switch {
		case role.Kind == facade.Sentinel:
			role.Masters = masters[at.isTLS]
		case role.Kind == facade.Replica && i >= 0:
			if writer := c.Services[i].Writer(at.isTLS); writer >= 0 {
				role.Primary = addresses[i][writer]
			}
		}
		d.known[k] = d.known[k].Emulating(&role)
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
