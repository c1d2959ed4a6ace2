package certs

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// sessionsMax bounds the sessions of a leg that can be resumed, one for each server.
const sessionsMax = 256

// Client is the TLS material towards servers or towards Sentinels. Its methods may be called at any time, from any
// goroutine.
type Client struct {
	options ClientOptions
	loading sync.Mutex // held by Reload
	current atomic.Pointer[clientMaterial]
}

// clientMaterial is immutable, except that the configuration's cache of sessions fills.
type clientMaterial struct {
	config *tls.Config
	pairs  []tls.Certificate
	digest [sha256.Size]byte
}

// NewClient reads the files. Its errors are of type *Fault.
func NewClient(options ClientOptions) (*Client, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	c := &Client{options: options}
	_, err := c.Reload()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns the configuration for a connection to an address: HOST or HOST:PORT. Call it for each connection, so
// that the current material is used.
func (c *Client) Config(address string) *tls.Config {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host, _, _ = strings.Cut(host, "%") // a zone of IPv6 is this machine's own word
	config := c.current.Load().config.Clone()
	config.ServerName = cmp.Or(c.options.ServerName, host)
	config.ClientSessionCache = sessionsOf{config.ClientSessionCache, address}
	return config
}

// sessionsOf are the sessions with one server: by their name alone, as crypto/tls keeps them, servers of the same name
// would overwrite each other's.
type sessionsOf struct {
	all     tls.ClientSessionCache
	address string
}

func (s sessionsOf) Get(name string) (*tls.ClientSessionState, bool) {
	return s.all.Get(s.address + " " + name)
}

func (s sessionsOf) Put(name string, state *tls.ClientSessionState) {
	s.all.Put(s.address+" "+name, state)
}

// Reload reads the files again, and reports whether they have changed. After an error the old material stays in use,
// whole. Connections that exist are not affected; new ones resume no session of the old material. Its errors are of
// type *Fault.
func (c *Client) Reload() (changed bool, err error) {
	c.loading.Lock()
	defer c.loading.Unlock()
	fresh, err := c.options.load(c.current.Load())
	if err != nil || fresh == nil {
		return false, err
	}
	c.current.Store(fresh)
	return true, nil
}

// load returns what is in the files now, or nil if that is the same as old.
func (o *ClientOptions) load(old *clientMaterial) (*clientMaterial, error) {
	read := &files{}
	cert, err := read.read("cert-file", o.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := read.read("key-file", o.KeyFile)
	if err != nil {
		return nil, err
	}
	cas, err := read.read("ca-file", o.CAFile)
	if err != nil || old != nil && old.digest == read.digest {
		return nil, err
	}
	fresh := &clientMaterial{digest: read.digest}
	if fresh.config, err = base(o.Protocols, o.Ciphers); err != nil {
		return nil, err
	}
	fresh.config.ClientSessionCache = tls.NewLRUClientSessionCache(sessionsMax)
	if fresh.config.RootCAs, err = cas.pool(); err != nil {
		return nil, err
	}
	if cert == nil {
		return fresh, nil
	}
	joined, err := pair(cert, key)
	if err != nil {
		return nil, err
	}
	fresh.pairs = []tls.Certificate{joined}
	// The certificate is presented even if the server does not name its CA: then the server reports what is wrong with
	// it, and not that there is none.
	fresh.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &fresh.pairs[0], nil
	}
	return fresh, nil
}

// Leaves returns the certificate that is presented to servers, if there is one.
func (c *Client) Leaves() []*x509.Certificate { return leaves(c.current.Load().pairs) }
