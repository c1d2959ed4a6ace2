package gateway

import (
	"crypto/tls"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// material is the TLS of all services, in the order of the settings.
type material struct {
	certs.Set
	of []*tlsOf
}

// newMaterial reads all files. Where the options are those of old, which may be nil, it has the material of old.
func newMaterial(services []config.Service, old *material) (*material, error) {
	m := &material{}
	if old != nil {
		m.Keep(&old.Set)
	}
	for i := range services {
		s := &services[i]
		var of tlsOf
		var err error
		if len(s.TLSListen) > 0 {
			of.server, err = m.Server("tls-listen", s.Name, s.TLS)
		}
		if err == nil && s.UpstreamTLS.Enabled {
			of.upstream, err = m.Client("upstream-tls", s.Name, s.UpstreamTLS)
		}
		if err == nil && s.SentinelTLS.Enabled {
			of.sentinels, err = m.Client("sentinel-tls", s.Name, s.SentinelTLS)
		}
		if err != nil {
			return nil, err
		}
		m.of = append(m.of, &of)
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
	if t := m.of[0].upstream; t != nil {
		server = t.Config
	}
	if t := m.of[0].sentinels; t != nil {
		sentinel = t.Config
	}
	return server, sentinel, nil
}
