package config

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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

// FacadeAt returns the facade of one of the service's listeners.
func (s *Service) FacadeAt(listen string) Facade {
	if f, own := s.ListenFacade[listen]; own {
		return f
	}
	return s.Facade
}

// Announced returns the address of a listener that clients get; port 0 stands for the listener's own. The host is empty
// if none is configured.
func (s *Service) Announced(listen string) (host string, port int) {
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

// Writer is the listener whose address a Sentinel or replica facade, with or without TLS, reports as the primary's: one
// of the same kind if there is one, since clients use TLS for all addresses or for none; of those the first without a
// facade, or else the first cluster facade. It returns the index in Listeners, -1 if there is none.
func (s *Service) Writer(withTLS bool) int {
	other := -1
	for _, wanted := range []Facade{FacadeNone, FacadeCluster} {
		for i, listen := range s.Listeners() {
			switch {
			case s.FacadeAt(listen) != wanted:
			case s.IsTLS(i) == withTLS:
				return i
			case other < 0:
				other = i
			}
		}
	}
	return other
}

// HasFacade reports whether one of the listeners has the facade.
func (s *Service) HasFacade(f Facade) bool {
	return slices.ContainsFunc(s.Listeners(), func(listen string) bool { return s.FacadeAt(listen) == f })
}
