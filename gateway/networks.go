package gateway

import (
	"evergate/gateway/accept"
	"evergate/gateway/config"
)

// origins are what a listener asks of a connection before it is a client.
type origins struct {
	// proxies send a PROXY header, allowed may be clients; nil: nobody, and everybody.
	proxies, allowed *accept.Networks
}

// newOrigins needs valid networks.
func newOrigins(n *config.Networks, listen string) (o origins) {
	o.proxies, _ = accept.ParseNetworks(n.ProxyFrom)
	if words := n.AllowAt(listen); len(words) > 0 {
		o.allowed, _ = accept.ParseNetworks(words)
	}
	return o
}
