package gateway

import (
	"context"
	"net"

	"evergate/gateway/dial"
	"evergate/topology/watch"
)

// servers are those of a service, for a new connection to one of them.
func (g *Gateway) servers(service int) dial.Servers {
	return dial.Servers{Credentials: g.conf().Services[service].Upstream.Read, TLS: g.material.Load().upstream[service]}
}

// serverTLS is the TLS of the control plane's connections to the servers of a service.
type serverTLS struct {
	g       *Gateway
	service int
}

// Connect implements watch.TLS, with the material of the moment.
func (t serverTLS) Connect(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	return t.g.material.Load().upstream[t.service].Connect(ctx, conn, addr)
}

// watchedBy is a service for the control plane. What can be reloaded is read anew for each connection.
func watchedBy(g *Gateway, service int) watch.Service {
	of := watched(g.conf(), service, g.material.Load())
	of.Upstream = func() (user, password string, err error) { return g.conf().Services[service].Upstream.Read() }
	of.Sentinel = func() (user, password string, err error) { return g.conf().Services[service].Sentinel.Read() }
	if of.UpstreamTLS != nil {
		of.UpstreamTLS = serverTLS{g, service}
	}
	return of
}

// malformed logs a client that was closed because its input is no request.
func (g *Gateway) malformed(of int, remote, text string) {
	service := g.conf().Services[g.subServices[of].service].Name
	if more, due := g.repeats.Due(service + " " + text); due {
		g.logger.Warn("client closed, malformed input", "service", service, "client", remote, "error", text, "repeated", more)
	}
}
