package gateway

import (
	"crypto/tls"
	"errors"
	"net"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// SelfConfig returns the configuration for connections to a service's own TLS listeners. Their certificate must be
// one of the service's files, whatever its name; it is presented as that of a client, too.
func SelfConfig(s *config.Service) (func(addr string) *tls.Config, error) {
	made, err := certs.NewServer(s.TLS)
	if err != nil {
		return nil, err
	}
	return func(string) *tls.Config { return made.Self() }, nil
}

// SelfTLS runs the TLS handshake on a connection to one of a service's own TLS listeners.
func SelfTLS(s *config.Service, conn net.Conn) (net.Conn, error) {
	conf, err := SelfConfig(s)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, conf(""))
	if err := secure.Handshake(); err != nil {
		return nil, errors.New("TLS: " + certs.Explain(err))
	}
	return secure, nil
}
