package config

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"evergate/gateway/certs"
)

// Listeners returns the addresses of all the service's listeners, those with TLS last.
func (s *Service) Listeners() []string { return slices.Concat(s.Listen, s.TLSListen) }

// OnlyListen drops all listeners but the one with TLS at this address, if there is one. Otherwise one on loopback
// stands for it.
func (s *Service) OnlyListen(address string) {
	s.ListenHold, s.ListenFacade, s.ListenAnnounce = nil, nil, nil
	s.ListenReads, s.ListenConsistency, s.ListenMaxLag = nil, nil, nil
	s.Acks.ListenLevel, s.Acks.ListenTimeout = nil, nil
	if slices.Contains(s.TLSListen, address) {
		s.Listen, s.TLSListen, s.NoAuth = nil, []string{address}, s.Password.IsZero() && !s.Access.Defined()
		return
	}
	s.Listen, s.NoAuth = []string{DefaultListen}, false
	s.TLSListen, s.TLS = nil, certs.ServerOptions{}
}

// IsTLS reports whether the listener with this index speaks TLS.
func (s *Service) IsTLS(index int) bool { return index >= len(s.Listen) }

// listenSetting is the setting that has the listener with this index.
func (s *Service) listenSetting(index int) string {
	if s.IsTLS(index) {
		return "tls-listen"
	}
	return "listen"
}

// TLSClientAuths and TLSProtocols are the words of tls-auth-clients and of tls-protocols.
var (
	TLSClientAuths = []string{string(certs.AuthNo), string(certs.AuthOptional), string(certs.AuthYes)}
	TLSProtocols   = certs.Protocols
)

// TLSClientAuth is a word of TLSClientAuths. Empty: yes if there is a file of CAs for clients, no without one.
type TLSClientAuth = certs.ClientAuth

// TLSClient is the TLS towards servers or Sentinels.
type TLSClient = certs.ClientOptions

// prefix of the settings of each leg.
const (
	clientsTLS   = "tls-"
	upstreamTLS  = "upstream-tls-"
	sentinelsTLS = "sentinel-tls-"
)

// TLSFiles opens the files of the service's TLS, which Validate does not. It returns what is wrong with them, and
// certificates that have expired or will soon. Legs that are not valid otherwise are left out: Validate reports them.
func (s *Service) TLSFiles(now time.Time) (faults, warnings Faults) {
	if len(s.TLSListen) > 0 && s.TLS.Check() == nil {
		made, err := certs.NewServer(s.TLS)
		if err != nil {
			faults = append(faults, fileFault(clientsTLS, err))
		} else {
			warnings = append(warnings, outdated(clientsTLS, s.TLS.CertFiles, made.Leaves(), now)...)
		}
	}
	for _, leg := range []struct {
		prefix  string
		options certs.ClientOptions
	}{{upstreamTLS, s.UpstreamTLS}, {sentinelsTLS, s.SentinelTLS}} {
		if !leg.options.Enabled || leg.options.Check() != nil {
			continue
		}
		made, err := certs.NewClient(leg.options)
		if err != nil {
			faults = append(faults, fileFault(leg.prefix, err))
		} else {
			warnings = append(warnings, outdated(leg.prefix, []string{leg.options.CertFile}, made.Leaves(), now)...)
		}
	}
	return faults, warnings
}

// fileFault converts an error of a leg's material.
func fileFault(prefix string, err error) Fault {
	var fault *certs.Fault
	if !errors.As(err, &fault) {
		return Fault{Setting: prefix + "cert-file", Text: err.Error(), Cause: err}
	}
	return Fault{Setting: prefix + fault.Option, Item: fault.File, Text: fault.Error(), Cause: fault.Err}
}

// outdated returns a warning for each certificate that is not valid now, or will not be for long.
func outdated(prefix string, files []string, leaves []*x509.Certificate, now time.Time) (warnings Faults) {
	for i, leaf := range leaves {
		if text := certs.Outdated(leaf, now); text != "" {
			warnings = append(warnings, Fault{Setting: prefix + "cert-file", Item: files[i], Text: files[i] + ": " + text})
		}
	}
	return warnings
}

// RequiresCertificates reports whether clients of the TLS listeners need a certificate.
func (s *Service) RequiresCertificates() bool { return s.TLS.Auth() == certs.AuthYes }

// WithoutTLSListeners is the service as its servers see it, for a machine that may lack the listeners' certificates.
func (s *Service) WithoutTLSListeners() Service {
	other := *s
	other.TLSListen = nil
	return other
}
