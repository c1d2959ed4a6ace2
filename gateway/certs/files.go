package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// fileBytesMax bounds the reading of a file: a system's whole list of CAs has a quarter of that.
const fileBytesMax = 1 << 20

// file is a file as it was read.
type file struct {
	option, path string
	text         []byte
}

func (f *file) fault(err error) *Fault { return &Fault{Option: f.option, File: f.path, Err: err} }

// files reads files, and has the digest of all that it has read.
type files struct{ digest [sha256.Size]byte }

// read reads a file; an empty path is a file that is not set. Its errors are of type *Fault.
func (f *files) read(option, path string) (*file, error) {
	if path == "" {
		return nil, nil
	}
	read := file{option: option, path: path}
	in, err := os.Open(path)
	if err == nil {
		read.text, err = io.ReadAll(io.LimitReader(in, fileBytesMax+1))
		_ = in.Close()
	}
	var of *os.PathError
	switch {
	case errors.As(err, &of): // its text repeats the path
		return nil, read.fault(of.Err)
	case err != nil:
		return nil, read.fault(err)
	case len(read.text) > fileBytesMax:
		return nil, read.fault(fmt.Errorf("is longer than %d bytes", fileBytesMax))
	}
	sum := sha256.New()
	_, _ = sum.Write(f.digest[:])
	_, _ = fmt.Fprintf(sum, "%s %d ", option, len(read.text))
	_, _ = sum.Write(read.text)
	sum.Sum(f.digest[:0])
	return &read, nil
}

// blocks returns the PEM blocks of a file whose type ends in kind. A block that is cut off or damaged is an error: the
// decoder would skip it.
func (f *file) blocks(kind string) (found []*pem.Block, err error) {
	begun, rest := bytes.Count(f.text, []byte("-----BEGIN ")), f.text
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		begun--
		if strings.HasSuffix(block.Type, kind) {
			found = append(found, block)
		}
	}
	if begun != 0 {
		return nil, f.fault(errors.New("has a PEM block that is cut off or damaged"))
	}
	return found, nil
}

// certificates returns the certificates of a file, at least one.
func (f *file) certificates() (found []*x509.Certificate, err error) {
	blocks, err := f.blocks("CERTIFICATE")
	if err != nil {
		return nil, err
	}
	for i, block := range blocks {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, f.fault(fmt.Errorf("certificate %d of %d: %s", i+1, len(blocks), plain(err)))
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, f.fault(errNoCertificate)
	}
	return found, nil
}

// pool returns the CAs of a file; nil without a file.
func (f *file) pool() (*x509.CertPool, error) {
	if f == nil {
		return nil, nil
	}
	all, err := f.certificates()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range all {
		pool.AddCert(c)
	}
	return pool, nil
}

// pair joins a certificate and its private key.
func pair(cert, key *file) (tls.Certificate, error) {
	if _, err := cert.certificates(); err != nil {
		return tls.Certificate{}, err
	}
	keys, err := key.blocks("PRIVATE KEY")
	switch {
	case err != nil:
		return tls.Certificate{}, err
	case len(keys) == 0:
		return tls.Certificate{}, key.fault(errors.New("has no private key (a block -----BEGIN PRIVATE KEY-----)"))
	case keys[0].Type == "ENCRYPTED PRIVATE KEY" || keys[0].Headers["DEK-Info"] != "":
		return tls.Certificate{}, key.fault(errors.New("is encrypted; store the private key without a passphrase"))
	}
	joined, err := tls.X509KeyPair(cert.text, key.text)
	if err != nil && strings.Contains(err.Error(), "does not match") {
		return tls.Certificate{}, key.fault(fmt.Errorf("is not the private key of %s", cert.path))
	} else if err != nil {
		return tls.Certificate{}, key.fault(errors.New(plain(err)))
	}
	return joined, nil
}

// plain returns the text of an error of the standard library without the package's name.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"tls: ", "x509: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}
