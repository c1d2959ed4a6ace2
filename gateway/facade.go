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

// Facade is what a listener pretends to be, for clients that accept nothing else.
type Facade string

const (
	// FacadeNone is a listener that is one Redis.
	FacadeNone Facade = ""
	// FacadeCluster is the only node of a Redis Cluster.
	FacadeCluster Facade = "cluster"
	// FacadeReplica is a replica: it takes no writes, and its reads go to replicas unless Service.Reads says otherwise.
	FacadeReplica Facade = "replica"
	// FacadeSentinel is a Sentinel that knows every service of the gateway, and serves no data.
	FacadeSentinel Facade = "sentinel"
)

var faceKinds = map[Facade]facade.Kind{
	FacadeCluster: facade.Cluster, FacadeReplica: facade.Replica, FacadeSentinel: facade.Sentinel,
}

// FacadeAt is the facade of one of the service's listeners.
func (s *Service) FacadeAt(listen string) Facade {
	if f, own := s.ListenFacade[listen]; own {
		return f
	}
	return s.Facade
}

// announced is the address of a listener that clients are told, with port 0 where that of the listener is to be taken.
// The host is empty where nobody said one.
func (s *Service) announced(listen string) (host string, port int) {
	said := cmp.Or(s.ListenAnnounce[listen], s.Announce)
	network, address, err := SplitListen(listen)
	if err == nil && network == "tcp" {
		var own string
		own, port, _ = splitHostPort(address, 0)
		if !isEvery(own) {
			host = own
		}
	}
	if said == "" {
		return host, port
	}
	said, saidPort := splitAnnounce(said)
	return said, cmp.Or(saidPort, port)
}

// splitAnnounce cuts HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT. The port is 0 where none is said.
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

// writer is the listener whose address Sentinels and replicas name as the primary's: the first without a facade, else
// the first that is a node of a cluster. It is the index in Listen, -1 where there is none.
func (s *Service) writer() int {
	for _, wanted := range []Facade{FacadeNone, FacadeCluster} {
		if i := slices.IndexFunc(s.Listen, func(listen string) bool { return s.FacadeAt(listen) == wanted }); i >= 0 {
			return i
		}
	}
	return -1
}

// part is a service as the workers know it. Each service of the Config is one, under its own number; behind them come
// those whose clients are served otherwise.
type part struct {
	service int // of the Config
	reads   ReadPolicy
	// sentinel: it has no servers.
	sentinel bool
	// nth tells parts of one service that have servers apart, from 0.
	nth int
}

// parts are the services that the workers know.
func (c *Config) parts() []part {
	parts := make([]part, len(c.Services))
	for i := range c.Services {
		parts[i] = part{service: i, reads: c.Services[i].Reads}
	}
	for i := range c.Services {
		s := &c.Services[i]
		if s.Reads == ReadPrimary && s.has(FacadeReplica) {
			parts = append(parts, part{service: i, reads: ReadPreferReplica, nth: 1})
		}
		if s.has(FacadeSentinel) {
			parts = append(parts, part{service: i, reads: s.Reads, sentinel: true})
		}
	}
	return parts
}

// has says whether one of the listeners has the facade.
func (s *Service) has(f Facade) bool {
	return slices.ContainsFunc(s.Listen, func(listen string) bool { return s.FacadeAt(listen) == f })
}

// partOf finds the part that serves a listener of a service with the facade.
func partOf(parts []part, service int, f Facade) int {
	for i := len(parts) - 1; i >= 0; i-- {
		p := &parts[i]
		if p.service == service && p.sentinel == (f == FacadeSentinel) && (p.nth == 0 || f == FacadeReplica) {
			return i
		}
	}
	return service
}

// tellers is how many say of a service that they have left a former primary: each worker, for each part with servers.
// A new primary waits for all of them.
func (g *Gateway) tellers(service int) int {
	serving := 0
	for _, p := range g.parts {
		if p.service == service && !p.sentinel {
			serving++
		}
	}
	return g.conf.Workers * serving
}

// teller is the number of a worker among those of a part's service.
func (g *Gateway) teller(part, worker int) int { return g.parts[part].nth*g.conf.Workers + worker }

// unmask tells the facades the addresses, now that the ports are known. Called with all listeners open, before anybody
// is let in.
func (g *Gateway) unmask() {
	addresses := make([][]facade.Address, len(g.conf.Services)) // by service and listener
	for _, ln := range g.listeners {
		s := &g.conf.Services[ln.service]
		host, port := s.announced(s.Listen[len(addresses[ln.service])])
		if tcp, ok := ln.Addr().(*net.TCPAddr); ok && port == 0 {
			port = tcp.Port
		}
		addresses[ln.service] = append(addresses[ln.service], facade.Address{Host: host, Port: port})
	}
	masters := g.conf.masters(addresses)
	at := make([]int, len(g.conf.Services))
	for _, ln := range g.listeners {
		s, own := &g.conf.Services[ln.service], addresses[ln.service]
		if _, face := g.behind(ln.door); face != nil {
			face.Self = own[at[ln.service]]
			switch face.Kind {
			case facade.Replica:
				face.Primary = own[s.writer()]
			case facade.Sentinel:
				face.Masters = masters
			}
		}
		at[ln.service]++
	}
}

// masters are the services as Sentinels tell them: by name, and by the name that their own Sentinels have for them
// where that is clear.
func (c *Config) masters(addresses [][]facade.Address) []facade.Master {
	var masters, others []facade.Master
	named := map[string]int{} // how many services a name may mean
	for i := range c.Services {
		s := &c.Services[i]
		named[s.Name]++
		if s.MasterName != "" && s.MasterName != s.Name {
			named[s.MasterName]++
		}
	}
	for i := range c.Services {
		s := &c.Services[i]
		writer := s.writer()
		if writer < 0 { // only without a Sentinel: Validate sees to it
			continue
		}
		m := facade.Master{Name: s.Name, Addr: addresses[i][writer]}
		for k, listen := range s.Listen {
			if s.FacadeAt(listen) == FacadeReplica {
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

// behind finds what is behind a door: the part, and what its listener pretends to be.
func (g *Gateway) behind(door int) (part int, face *facade.Face) {
	if own := door - len(g.parts); own >= 0 {
		return g.doors[own].Service, g.doors[own].Face
	}
	return door, nil
}
