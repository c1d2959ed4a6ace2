package gateway

import (
	"context"
	"net"

	"evergate/gateway/dial"
	"evergate/topology/watch"
)

// servers are those of a sub-service, for a new connection to one of them.
func (g *Gateway) servers(of int) dial.Servers {
	s := g.of(of)
	return dial.Servers{Credentials: s.conf().Upstream.Read, TLS: s.tls.Load().upstream}
}

// Connect implements watch.TLS for the control plane's connections to the servers, with the material of the moment.
func (s *service) Connect(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	if of := s.tls.Load().upstream; of != nil {
		return of.Connect(ctx, conn, addr)
	}
	return conn, nil // TLS was turned off after the dial had begun
}

// watchedBy is a service for the control plane. What can be reloaded is read anew for each connection.
func watchedBy(s *service) watch.Service {
	of := watched(s.conf(), s.tls.Load())
	of.Upstream = func() (user, password string, err error) { return s.conf().Upstream.Read() }
	of.Sentinel = func() (user, password string, err error) { return s.conf().Sentinel.Read() }
	if of.UpstreamTLS != nil {
		of.UpstreamTLS = s
	}
	return of
}

// malformed logs a client that was closed because its input is no request.
func (g *Gateway) malformed(of int, remote, text string) {
	service := g.of(of).name
	if more, due := g.repeats.Due(service + " " + text); due {
		g.logger.Warn("client closed, malformed input", "service", service, "client", remote, "error", text, "repeated", more)
	}
}
