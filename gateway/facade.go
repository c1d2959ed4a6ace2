package gateway

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"evergate/gateway/facade"
)

// Facade is the role that a listener emulates, for clients that accept nothing else.
type Facade string

const (
	// FacadeNone is a listener that acts as one Redis.
	FacadeNone Facade = ""
	// FacadeCluster acts as the only node of a Redis Cluster.
	FacadeCluster Facade = "cluster"
	// FacadeReplica acts as a replica: it takes no writes, and its reads go to replicas unless Service.Reads says
	// otherwise.
	FacadeReplica Facade = "replica"
	// FacadeSentinel acts as a Sentinel that knows every service of the gateway, and serves no data.
	FacadeSentinel Facade = "sentinel"
)

var facadeKinds = map[Facade]facade.Kind{
	FacadeCluster: facade.Cluster, FacadeReplica: facade.Replica, FacadeSentinel: facade.Sentinel,
}

// FacadeAt returns the facade of one of the service's listeners.
func (s *Service) FacadeAt(listen string) Facade {
	if f, own := s.ListenFacade[listen]; own {
		return f
	}
	return s.Facade
}

// announced returns the address of a listener that clients get; port 0 stands for the listener's own. The host is empty
// if none is configured.
func (s *Service) announced(listen string) (host string, port int) {
	announce := cmp.Or(s.ListenAnnounce[listen], s.Announce)
	network, address, err := SplitListen(listen)
	if err == nil && network == "tcp" {
		var own string
		own, port, _ = splitHostPort(address, 0)
		if !isEvery(own) {
			host = own
		}
	}
	if announce == "" {
		return host, port
	}
	announce, announcePort := splitAnnounce(announce)
	return announce, cmp.Or(announcePort, port)
}

// splitAnnounce splits HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT. The port is 0 if there is none.
func splitAnnounce(text string) (host string, port int) {
	if _, err := netip.ParseAddr(text); err == nil || !strings.Contains(text, ":") {
		return text, 0
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return text, 0
	}
	port, _ = strconv.Atoi(digits)
	return host, port
}

// writer is the listener whose address a Sentinel or replica facade, with or without TLS, reports as the primary's: one
// of the same kind if there is one, since clients use TLS for all addresses or for none; of those the first without a
// facade, or else the first cluster facade. It returns the index in Listeners, -1 if there is none.
func (s *Service) writer(withTLS bool) int {
	other := -1
	for _, wanted := range []Facade{FacadeNone, FacadeCluster} {
		for i, listen := range s.Listeners() {
			switch {
			case s.FacadeAt(listen) != wanted:
			case s.isTLS(i) == withTLS:
				return i
			case other < 0:
				other = i
			}
		}
	}
	return other
}

// subService is a service as the workers know it. Each service of the Config is one, with the same index; behind them
// come those for clients under other rules.
type subService struct {
	service int // index in the Config
	reads   ReadPolicy
	// sentinel: it has no servers.
	sentinel bool
	// nth numbers the sub-services of one service that have servers, from 0.
	nth int
}

// subServices are the services that the workers know.
func (c *Config) subServices() []subService {
	subServices := make([]subService, len(c.Services))
	for i := range c.Services {
		subServices[i] = subService{service: i, reads: c.Services[i].Reads}
	}
	for i := range c.Services {
		s := &c.Services[i]
		if s.Reads == ReadPrimary && s.has(FacadeReplica) {
			subServices = append(subServices, subService{service: i, reads: ReadPreferReplica, nth: 1})
		}
		if s.has(FacadeSentinel) {
			subServices = append(subServices, subService{service: i, reads: s.Reads, sentinel: true})
		}
	}
	return subServices
}

// has reports whether one of the listeners has the facade.
func (s *Service) has(f Facade) bool {
	return slices.ContainsFunc(s.Listeners(), func(listen string) bool { return s.FacadeAt(listen) == f })
}

// subServiceOf finds the sub-service behind a listener of a service with the facade.
func subServiceOf(subServices []subService, service int, f Facade) int {
	for i := len(subServices) - 1; i >= 0; i-- {
		p := &subServices[i]
		if p.service == service && p.sentinel == (f == FacadeSentinel) && (p.nth == 0 || f == FacadeReplica) {
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
	return g.conf.Workers * serving
}

// settler is the number of a worker among those of a sub-service's service.
func (g *Gateway) settler(subService, worker int) int {
	return g.subServices[subService].nth*g.conf.Workers + worker
}

// announceFacades sets the addresses of the facades, now that the ports are known. It is called with all listeners
// open, before the first client is accepted.
func (g *Gateway) announceFacades() {
	addresses := make([][]facade.Address, len(g.conf.Services)) // by service and listener
	for _, ln := range g.listeners {
		s := &g.conf.Services[ln.service]
		host, port := s.announced(s.Listeners()[len(addresses[ln.service])])
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		addresses[ln.service] = append(addresses[ln.service], facade.Address{Host: host, Port: port})
	}
	masters := [2][]facade.Master{g.conf.masters(addresses, false), g.conf.masters(addresses, true)}
	at := make([]int, len(g.conf.Services))
	for _, ln := range g.listeners {
		s, own := &g.conf.Services[ln.service], addresses[ln.service]
		if _, role := g.listenerOf(ln.id); role != nil {
			index := at[ln.service]
			role.Self = own[index]
			switch {
			case role.Kind == facade.Replica:
				role.Primary = own[s.writer(s.isTLS(index))]
			case role.Kind == facade.Sentinel && s.isTLS(index):
				role.Masters = masters[1]
			case role.Kind == facade.Sentinel:
				role.Masters = masters[0]
			}
		}
		at[ln.service]++
	}
}

// masters are the services as a Sentinel facade, with or without TLS, reports them: by name, and by the name that their
// own Sentinels use if that is unambiguous.
func (c *Config) masters(addresses [][]facade.Address, withTLS bool) []facade.Master {
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
		writer := s.writer(withTLS)
		if writer < 0 { // only without a Sentinel facade, as Validate makes sure
			continue
		}
		m := facade.Master{Name: s.Name, Addr: addresses[i][writer]}
		for k, listen := range s.Listeners() {
			if s.FacadeAt(listen) == FacadeReplica && s.isTLS(k) == s.isTLS(writer) {
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
		return g.ownListeners[own].Service, g.ownListeners[own].Role
	}
	return id, nil
}
