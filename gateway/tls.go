package gateway

import "evergate/gateway/dial"

// servers are those of each service, for connections to them.
func (g *Gateway) servers() []dial.Servers {
	servers := make([]dial.Servers, len(g.conf.Services))
	for i := range servers {
		servers[i] = dial.Servers{Credentials: g.conf.Services[i].Upstream.Read, TLS: g.material.upstream[i]}
	}
	return servers
}

// malformed logs a client that was closed because its input is no request.
func (g *Gateway) malformed(of int, remote, text string) {
	service := g.conf.Services[g.subServices[of].service].Name
	if more, due := g.repeats.Due(service + " " + text); due {
		g.logger.Warn("client closed, malformed input", "service", service, "client", remote, "error", text, "repeated", more)
	}
}
