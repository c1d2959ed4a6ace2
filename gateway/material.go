package gateway

import (
	"crypto/tls"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// material is the TLS of all services, by the index of the service; nil where there is none.
type material struct {
	certs.Set
	servers             []*certs.Server // for clients
	upstream, sentinels []*certs.Client
}

// newMaterial reads all files. Where the options are those of old, which may be nil, it has the material of old.
func newMaterial(services []config.Service, old *material) (*material, error) {
	m := &material{}
	if old != nil {
		m.Keep(&old.Set)
	}
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

// ConnectTLS returns the configurations for connections to an address of one of a service's servers, and of its
// Sentinels; nil: no TLS.
func ConnectTLS(s *config.Service) (server, sentinel func(addr string) *tls.Config, err error) {
	m, err := newMaterial([]config.Service{s.WithoutTLSListeners()}, nil)
	if err != nil {
		return nil, nil, err
	}
	if t := m.upstream[0]; t != nil {
		server = t.Config
	}
	if t := m.sentinels[0]; t != nil {
		sentinel = t.Config
	}
	return server, sentinel, nil
}
