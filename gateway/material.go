package gateway

import "evergate/gateway/certs"

// material is the TLS of all services, by the index of the service; nil where there is none.
type material struct {
	certs.Set
	servers             []*certs.Server // for clients
	upstream, sentinels []*certs.Client
}

// newMaterial reads all files.
func newMaterial(services []Service) (*material, error) {
	m := &material{}
	for i := range services {
		s := &services[i]
		var server *certs.Server
		var upstream, sentinels *certs.Client
		var err error
		if len(s.TLSListen) > 0 {
			server, err = m.Server("tls-listen", s.Name, s.TLS)
		}
		if err == nil && s.UpstreamTLS.Enabled {
			upstream, err = m.Client("upstream-tls", s.Name, s.UpstreamTLS)
		}
		if err == nil && s.SentinelTLS.Enabled {
			sentinels, err = m.Client("sentinel-tls", s.Name, s.SentinelTLS)
		}
		if err != nil {
			return nil, err
		}
		m.servers, m.upstream = append(m.servers, server), append(m.upstream, upstream)
		m.sentinels = append(m.sentinels, sentinels)
	}
	return m, nil
}
