package gateway

import (
	"fmt"
	"slices"

	"evergate/gateway/certs"
	"evergate/gateway/dial"
)

// addTLS reads what each service shows to its clients, and returns what the gateway shows to each service's servers.
func (g *Gateway) addTLS() (servers []dial.Servers, err error) {
	g.tls, servers = make([]*certs.Server, len(g.conf.Services)), make([]dial.Servers, len(g.conf.Services))
	for i := range g.conf.Services {
		s := &g.conf.Services[i]
		var material *certs.Client
		if len(s.TLSListen) > 0 {
			if g.tls[i], err = certs.NewServer(s.TLS); err != nil {
				return nil, fmt.Errorf("service %s: %w", s.Name, err)
			}
		}
		if s.UpstreamTLS.Enabled {
			if material, err = certs.NewClient(s.UpstreamTLS); err != nil {
				return nil, fmt.Errorf("service %s: %w", s.Name, err)
			}
		}
		servers[i] = dial.Servers{Credentials: s.Upstream.read, TLS: material}
	}
	return servers, nil
}

// Listeners are the addresses of a service: those without TLS, then those with it.
func (s *Service) Listeners() []string { return slices.Concat(s.Listen, s.TLSListen) }

// malformed logs a client that was closed because its input is no request.
func (g *Gateway) malformed(of int, remote, text string) {
	service := g.conf.Services[g.subServices[of].service].Name
	if more, due := g.repeats.due(service + " " + text); due {
		g.logger.Warn("client closed, malformed input", "service", service, "client", remote, "error", text, "repeated", more)
	}
}
