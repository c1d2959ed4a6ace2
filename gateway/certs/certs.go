// Package certs has the TLS material of one leg: certificates, private keys and CAs from PEM files, read again when
// they change, and a tls.Config made of them. Explain and ExplainClient put in words why a handshake failed.
//
// Material changes as a whole: if a file is missing, damaged or does not fit the others, the material in use stays, so
// that a certificate never meets the key of another one.
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ClientAuth decides whether a server asks clients for a certificate: Redis's tls-auth-clients.
type ClientAuth string

const (
	// AuthByCA is AuthYes if there is a file of CAs, and AuthNo without one.
	AuthByCA ClientAuth = ""
	// AuthNo asks for no certificate.
	AuthNo ClientAuth = "no"
	// AuthOptional verifies a certificate if the client has one.
	AuthOptional ClientAuth = "optional"
	// AuthYes requires a certificate.
	AuthYes ClientAuth = "yes"
)

// Protocols are the words for versions of TLS, as in Redis's tls-protocols.
var Protocols = []string{"TLSv1.2", "TLSv1.3"}

// ServerOptions is the TLS of listeners, towards clients.
type ServerOptions struct {
	// CertFiles and KeyFiles belong together by index: a certificate, followed by those of intermediate CAs, and its
	// private key. Of several, the first that fits the name which the client asks for (SNI) is used, or else the first.
	CertFiles, KeyFiles []string
	// CAFile has the certificates of the CAs that sign clients' certificates.
	CAFile string
	// ClientAuth is whether clients need a certificate.
	ClientAuth ClientAuth
	// Protocols are words of the variable Protocols. Default all.
	Protocols []string
	// Ciphers are the cipher suites for TLS 1.2, in OpenSSL's or the standard's names. Default those of Go. The suites of
	// TLS 1.3 cannot be chosen.
	Ciphers []string
}

// ClientOptions is the TLS towards servers or towards Sentinels.
type ClientOptions struct {
	// Enabled turns TLS on; the other fields need it.
	Enabled bool
	// CAFile has the certificates of the CAs that sign the servers' certificates. Default the system's CAs.
	CAFile string
	// CertFile and KeyFile are presented to servers that ask for a certificate. Both are set, or none.
	CertFile, KeyFile string
	// ServerName is the name that every server's certificate must have, and the one asked for (SNI). Default the host of
	// the address that is dialled.
	ServerName string
	// Protocols and Ciphers are as in ServerOptions.
	Protocols, Ciphers []string
}

// Fault is one thing wrong with options or their files.
type Fault struct {
	// Option is the option in the words of the settings, without their prefix: cert-file, key-file, ca-file,
	// auth-clients, protocols or ciphers. File is the file at fault, if it is one.
	Option, File string
	Err          error
}

func (f *Fault) Error() string {
	if f.File != "" {
		return f.File + ": " + f.Err.Error()
	}
	return f.Err.Error()
}

func (f *Fault) Unwrap() error { return f.Err }

func fault(option, format string, args ...any) *Fault {
	return &Fault{Option: option, Err: fmt.Errorf(format, args...)}
}

// Auth returns whether clients need a certificate, with the default resolved.
func (o *ServerOptions) Auth() ClientAuth {
	switch {
	case o.ClientAuth != AuthByCA:
		return o.ClientAuth
	case o.CAFile != "":
		return AuthYes
	}
	return AuthNo
}

// Check checks the options without their files. Its errors are of type *Fault.
func (o *ServerOptions) Check() error {
	switch auth := o.Auth(); {
	case len(o.CertFiles) == 0:
		return fault("cert-file", "is missing: a TLS server has a certificate")
	case len(o.CertFiles) != len(o.KeyFiles):
		return fault("key-file", "the numbers of private keys (%d) and of certificates (%d) differ", len(o.KeyFiles),
			len(o.CertFiles))
	case !slices.Contains([]ClientAuth{AuthNo, AuthOptional, AuthYes}, auth):
		return fault("auth-clients", "%q is not one of no, optional, yes", auth)
	case auth != AuthNo && o.CAFile == "":
		return fault("auth-clients", "needs a file of the CAs that sign the clients' certificates")
	case auth == AuthNo && o.CAFile != "":
		return fault("ca-file", "is unused: clients are asked for no certificate")
	}
	_, err := base(o.Protocols, o.Ciphers)
	return err
}

// Check checks the options without their files. Its errors are of type *Fault.
func (o *ClientOptions) Check() error {
	switch {
	case o.CertFile == "" && o.KeyFile != "":
		return fault("cert-file", "is missing: a private key belongs to a certificate")
	case o.CertFile != "" && o.KeyFile == "":
		return fault("key-file", "is missing: a certificate is presented with its private key")
	}
	_, err := base(o.Protocols, o.Ciphers)
	return err
}

// base returns what is the same for all material of a leg.
func base(protocols, ciphers []string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13,
		// Small records for the first bytes help browsers; here they only cost.
		DynamicRecordSizingDisabled: true}
	versions := []uint16{tls.VersionTLS12, tls.VersionTLS13}
	if len(protocols) > 0 {
		var chosen []uint16
		for _, word := range protocols {
			i := slices.IndexFunc(Protocols, func(p string) bool { return strings.EqualFold(p, word) })
			if i < 0 {
				return nil, fault("protocols", "%q is not one of %s", word, strings.Join(Protocols, ", "))
			}
			chosen = append(chosen, versions[i])
		}
		c.MinVersion, c.MaxVersion = slices.Min(chosen), slices.Max(chosen)
	}
	if len(ciphers) == 0 {
		return c, nil
	}
	if c.MinVersion > tls.VersionTLS12 {
		return nil, fault("ciphers", "is unused: the cipher suites of TLS 1.3 cannot be chosen")
	}
	for _, name := range ciphers {
		id, err := cipher(name)
		if err != nil {
			return nil, &Fault{Option: "ciphers", Err: err}
		}
		c.CipherSuites = append(c.CipherSuites, id)
	}
	return c, nil
}

// cipher finds a cipher suite by its standard name or OpenSSL's.
func cipher(name string) (uint16, error) {
	var known []string
	for _, suite := range tls.CipherSuites() {
		old := slices.Contains(suite.SupportedVersions, tls.VersionTLS12)
		switch {
		case !strings.EqualFold(name, suite.Name) && !strings.EqualFold(name, openSSL(suite.Name)):
		case !old:
			return 0, fmt.Errorf("%s is a cipher suite of TLS 1.3, which cannot be chosen", name)
		default:
			return suite.ID, nil
		}
		if old {
			known = append(known, openSSL(suite.Name))
		}
	}
	for _, suite := range tls.InsecureCipherSuites() {
		if strings.EqualFold(name, suite.Name) || strings.EqualFold(name, openSSL(suite.Name)) {
			return 0, fmt.Errorf("%s is not secure; choose from %s", name, strings.Join(known, ", "))
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", name, strings.Join(known, ", "))
}

// openSSL returns OpenSSL's name of a cipher suite of TLS 1.2.
func openSSL(name string) string {
	return strings.NewReplacer("TLS_RSA_WITH_", "", "TLS_", "", "_WITH_", "-", "AES_", "AES", "_CBC", "",
		"3DES_EDE_CBC", "DES-CBC3", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "_", "-").Replace(name)
}

var errNoCertificate = errors.New("has no certificate (a block -----BEGIN CERTIFICATE-----)")
