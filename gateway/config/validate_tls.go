package config

import (
	"errors"

	"evergate/gateway/certs"
)

// tls checks the settings of TLS, without their files.
func (v *validation) tls(s *Service) {
	if len(s.TLSListen) > 0 {
		v.tlsFault(clientsTLS, "tls-listen", s.TLS.Check())
	} else if option := firstOf([]optionSet{
		{"cert-file", len(s.TLS.CertFiles) > 0}, {"key-file", len(s.TLS.KeyFiles) > 0}, {"ca-file", s.TLS.CAFile != ""},
		{"auth-clients", s.TLS.ClientAuth != ""}, {"protocols", len(s.TLS.Protocols) > 0},
		{"ciphers", len(s.TLS.Ciphers) > 0},
	}); option != "" {
		v.needs(clientsTLS+option, "tls-listen", "no listener speaks TLS")
	}
	v.tlsClient(upstreamTLS, "upstream-tls", &s.UpstreamTLS)
	v.tlsClient(sentinelsTLS, "sentinel-tls", &s.SentinelTLS)
	if s.SentinelTLS.Enabled && len(s.Sentinels) == 0 {
		v.needs("sentinel-tls", "sentinel", "no Sentinel is set")
	}
}

// tlsClient checks one of the legs to servers and Sentinels.
func (v *validation) tlsClient(prefix, toggle string, o *certs.ClientOptions) {
	if o.Enabled {
		v.tlsFault(prefix, toggle, o.Check())
		if err := checkHost(o.ServerName); err != nil {
			v.addf(prefix+"server-name", "%q %v", o.ServerName, err)
		}
		return
	}
	option := firstOf([]optionSet{
		{"ca-file", o.CAFile != ""}, {"cert-file", o.CertFile != ""}, {"key-file", o.KeyFile != ""},
		{"server-name", o.ServerName != ""},
	})
	if option != "" {
		v.needs(prefix+option, toggle, "TLS is off there")
	}
}

// optionSet is an option, and whether it is set.
type optionSet struct {
	name string
	set  bool
}

// firstOf returns the first option that is set.
func firstOf(options []optionSet) string {
	for _, o := range options {
		if o.set {
			return o.name
		}
	}
	return ""
}

// tlsFault adds a fault of options; other is the setting that turns them on.
func (v *validation) tlsFault(prefix, other string, err error) {
	var fault *certs.Fault
	if errors.As(err, &fault) {
		v.fault(Fault{Setting: prefix + fault.Option, Other: other, Text: fault.Error()})
	}
}
