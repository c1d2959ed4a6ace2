package servers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority is a CA made on the fly, whose key never leaves the memory. The zero value is none: what it issues signs
// itself.
type Authority struct {
	// Certificate is its own certificate; PEM is the same as a file has it.
	Certificate *x509.Certificate
	PEM         []byte
	key         *ecdsa.PrivateKey
}

// Issue describes a certificate to sign. The zero value is one without a name, valid for a day.
type Issue struct {
	// Name is the common name, Hosts the names and addresses that it is for.
	Name  string
	Hosts []string
	// From and Until are its validity. Default: from an hour ago, for a day.
	From, Until time.Time
	// Usage is what it may be used for. Default: servers and clients alike.
	Usage []x509.ExtKeyUsage
}

// NewAuthority makes a CA that signs itself.
func NewAuthority(name string) (*Authority, error) {
	return authority(Issue{Name: name}, nil)
}

// Intermediate makes a CA that a signs.
func (a *Authority) Intermediate(i Issue) (*Authority, error) { return authority(i, a) }

func authority(i Issue, parent *Authority) (*Authority, error) {
	template := i.template()
	template.IsCA, template.BasicConstraintsValid, template.ExtKeyUsage = true, true, nil
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, key, err := sign(template, parent)
	if err != nil {
		return nil, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{made, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key}, nil
}

// Sign makes a certificate and its private key, both as PEM.
func (a *Authority) Sign(i Issue) (cert, key []byte, err error) {
	der, private, err := sign(i.template(), a)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

func (i Issue) template() *x509.Certificate {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // never fails (crypto/rand)
	if i.From.IsZero() {
		i.From = time.Now().Add(-time.Hour)
	}
	if i.Until.IsZero() {
		i.Until = i.From.Add(24 * time.Hour)
	}
	if i.Usage == nil {
		i.Usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	c := &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: i.Name},
		NotBefore: i.From, NotAfter: i.Until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: i.Usage}
	for _, host := range i.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

// sign makes a key and signs its certificate, with the new key itself if there is no parent.
func sign(template *x509.Certificate, parent *Authority) (der []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	signer, signerKey := template, key
	if parent != nil && parent.key != nil {
		signer, signerKey = parent.Certificate, parent.key
	}
	der, err = x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signerKey)
	return der, key, err
}

// WritePair signs a certificate and writes it to NAME.crt and its key to NAME.key in dir. It returns the paths.
func (a *Authority) WritePair(dir, name string, i Issue) (cert, key string, err error) {
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	certText, keyText, err := a.Sign(i)
	if err != nil {
		return "", "", err
	}
	return cert, key, errors.Join(Replace(cert, certText), Replace(key, keyText))
}

// WriteCAs writes the certificates of CAs to a file.
func WriteCAs(path string, all ...*Authority) error {
	var text bytes.Buffer
	for _, a := range all {
		text.Write(a.PEM)
	}
	return Replace(path, text.Bytes())
}

// Replace writes a file of mode 0600 in such a way that no reader sees half of it.
func Replace(path string, text []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
