package certs

import (
	"context"
	"crypto/tls"
	"net"
)

// Failure is an error that TLS caused, in the words of Explain. It wraps none: it is neither a timeout nor the end of a
// connection, after which the same would be tried again.
type Failure string

func (f Failure) Error() string { return "TLS: " + string(f) }

// Connect begins TLS on a connection to addr, HOST:PORT, and ends the handshake before ctx ends. Errors that TLS
// causes, now or later, are Failures: a server of TLS 1.3 rejects a client certificate after the handshake.
func (c *Client) Connect(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	config, made := c.Config(addr), &explained{}
	given := config.GetClientCertificate
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if given == nil {
			made.suspicion = "perhaps it requires a client certificate"
			return &tls.Certificate{}, nil
		}
		made.suspicion = "perhaps it rejects the client certificate"
		return given(request)
	}
	made.Conn = tls.Client(conn, config)
	if err := made.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, Failure(Explain(err))
	}
	return made, nil
}

// explained is a connection whose errors are in words.
type explained struct {
	*tls.Conn
	// suspicion is why the server may close the connection before it has sent anything: the alert that says so is lost
	// if bytes of ours meet the closed socket.
	suspicion string
}

func (c *explained) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.suspicion = ""
	}
	return n, c.explain(err)
}

func (c *explained) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.explain(err)
}

func (c *explained) explain(err error) error {
	switch {
	case Is(err):
		return Failure(Explain(err))
	case err != nil && c.suspicion != "" && isEnd(err):
		return Failure("it closes the connection after the TLS handshake: " + c.suspicion)
	}
	return err
}
