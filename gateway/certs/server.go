package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// Server is the TLS material of listeners. Its methods may be called at any time, from any goroutine.
type Server struct {
	options ServerOptions
	config  *tls.Config
	loading sync.Mutex // held by Reload
	current atomic.Pointer[serverMaterial]
}

// serverMaterial is immutable.
type serverMaterial struct {
	config *tls.Config
	digest [sha256.Size]byte
}

// NewServer reads the files. Its errors are of type *Fault.
func NewServer(options ServerOptions) (*Server, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	s := &Server{options: options}
	if _, err := s.Reload(); err != nil {
		return nil, err
	}
	// Tickets are encrypted with the keys of this configuration: it outlives all material, and replaces the keys every
	// day. A client whose CA was removed cannot resume: its chain is verified against the current CAs each time.
	s.config = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return s.current.Load().config, nil
	}}
	return s, nil
}

// Config returns the same configuration each time; handshakes through it use the current material.
func (s *Server) Config() *tls.Config { return s.config }

// Reload reads the files again, and reports whether they have changed. After an error the old material stays in use,
// whole. Connections that exist are not affected. Its errors are of type *Fault.
func (s *Server) Reload() (changed bool, err error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	fresh, err := s.options.load(s.current.Load())
	if err != nil || fresh == nil {
		return false, err
	}
	s.current.Store(fresh)
	return true, nil
}

// load returns what is in the files now, or nil if that is the same as old.
func (o *ServerOptions) load(old *serverMaterial) (*serverMaterial, error) {
	read := &files{}
	var certs, keys []*file
	for i := range o.CertFiles {
		cert, err := read.read("cert-file", o.CertFiles[i])
		if err != nil {
			return nil, err
		}
		key, err := read.read("key-file", o.KeyFiles[i])
		if err != nil {
			return nil, err
		}
		certs, keys = append(certs, cert), append(keys, key)
	}
	cas, err := read.read("ca-file", o.CAFile)
	if err != nil || old != nil && old.digest == read.digest {
		return nil, err
	}
	config, err := base(o.Protocols, o.Ciphers)
	if err != nil {
		return nil, err
	}
	config.ClientAuth = map[ClientAuth]tls.ClientAuthType{
		AuthOptional: tls.VerifyClientCertIfGiven, AuthYes: tls.RequireAndVerifyClientCert,
	}[o.Auth()]
	if config.ClientCAs, err = cas.pool(); err != nil {
		return nil, err
	}
	for i := range certs {
		joined, err := pair(certs[i], keys[i])
		if err != nil {
			return nil, err
		}
		config.Certificates = append(config.Certificates, joined)
	}
	return &serverMaterial{config, read.digest}, nil
}

// Leaves returns the certificates in use, without those of CAs, in the order of the options.
func (s *Server) Leaves() []*x509.Certificate { return leaves(s.current.Load().config.Certificates) }

func leaves(pairs []tls.Certificate) (all []*x509.Certificate) {
	for i := range pairs {
		all = append(all, pairs[i].Leaf)
	}
	return all
}

// Self returns the configuration of a client on the same machine that checks a listener of its own: it believes the
// certificates in use, whatever their names, and presents the first of them if it is asked for one.
func (s *Server) Self() *tls.Config {
	own := s.current.Load().config.Certificates
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(state tls.ConnectionState) error {
		if !slices.ContainsFunc(own, func(c tls.Certificate) bool { return c.Leaf.Equal(state.PeerCertificates[0]) }) {
			return errors.New("the listener has a certificate that is not in tls-cert-file")
		}
		return nil
	}, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own[0], nil }}
}
