package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Explain puts an error of a connection to a server in words: a phrase about the server, the same each time.
func Explain(err error) string {
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &header):
		return "it does not speak TLS: " + answered(header.RecordHeader)
	case invalid(err) != "":
		return "its certificate " + invalid(err)
	case errors.As(err, &op) && op.Op == remote:
		return byServer(op.Err)
	case isTimeout(err):
		return "timeout during the TLS handshake: perhaps it does not speak TLS"
	case isEnd(err):
		return "it closes the connection during the TLS handshake"
	case strings.Contains(err.Error(), "unsupported protocol version"):
		return "it has no common version of TLS with the gateway"
	}
	return fallback(err)
}

// ExplainClient puts an error of a client's connection in words: a phrase about the client, the same each time.
func ExplainClient(err error) string {
	var header tls.RecordHeaderError
	var op *net.OpError
	text := err.Error()
	switch {
	case errors.As(err, &header):
		return sent(header.RecordHeader)
	case invalid(err) != "":
		return "its certificate " + invalid(err)
	case errors.As(err, &op) && op.Op == remote:
		return byClient(op.Err)
	case isTimeout(err):
		return "it did not finish the TLS handshake in time"
	case isEnd(err):
		return "it closed the connection during the TLS handshake"
	case strings.Contains(text, "didn't provide a certificate"):
		return "it has no client certificate, which tls-auth-clients requires"
	case strings.Contains(text, "offered only unsupported versions"):
		return "it has no common version of TLS with the gateway"
	case strings.Contains(text, "no cipher suite supported by both"):
		return "it has no common cipher suite with the gateway"
	}
	return fallback(err)
}

// Is reports whether TLS itself caused an error, and not the connection below it.
func Is(err error) bool {
	var op *net.OpError
	return errors.As(err, new(tls.RecordHeaderError)) || errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, &op) && (op.Op == remote || op.Op == "local error") ||
		err != nil && strings.HasPrefix(err.Error(), "tls: ")
}

// remote is the operation of an error that the other side reported by a TLS alert.
const remote = "remote error"

// answered describes who answers a greeting of TLS with these bytes.
func answered(header [5]byte) string {
	switch text := string(header[:]); {
	case strings.HasPrefix(text, "HTTP"):
		return "an HTTP server answers"
	case strings.ContainsRune("-+:$*", rune(text[0])):
		return "a Redis server without TLS answers"
	}
	return "its answer is no TLS record"
}

// sent describes a client that begins with these bytes.
func sent(header [5]byte) string {
	switch text := string(header[:]); {
	case strings.HasPrefix(text, "GET /"), strings.HasPrefix(text, "HEAD "), strings.HasPrefix(text, "POST "),
		strings.HasPrefix(text, "PUT /"), strings.HasPrefix(text, "OPTIO"), strings.HasPrefix(text, "CONNE"),
		strings.HasPrefix(text, "PRI *"):
		return "it sent an HTTP request to a TLS port"
	case strings.HasPrefix(text, "PROXY"), strings.HasPrefix(text, "\r\n\r\n\x00"):
		return "it sent a header of the PROXY protocol to a TLS port that expects none"
	case header[0] == '*' || header[0] == '$':
		return "it sent a Redis command without TLS to a TLS port"
	case header[0]&0x80 != 0 && header[2] == 1:
		return "it greeted in SSL 2"
	case !strings.ContainsFunc(text, func(r rune) bool { return r > '~' || r < ' ' && r != '\r' && r != '\n' }):
		return "it sent text without TLS to a TLS port"
	}
	return "it sent no TLS to a TLS port"
}

// alerts of the other side, by number (RFC 8446, section 6).
const (
	handshakeFailure       tls.AlertError = 40
	badCertificate         tls.AlertError = 42
	unsupportedCertificate tls.AlertError = 43
	revokedCertificate     tls.AlertError = 44
	expiredCertificate     tls.AlertError = 45
	unknownCertificate     tls.AlertError = 46
	unknownCA              tls.AlertError = 48
	accessDenied           tls.AlertError = 49
	protocolVersion        tls.AlertError = 70
	unrecognizedName       tls.AlertError = 112
	certificateRequired    tls.AlertError = 116
)

// refusals are the alerts that reject a certificate, with the reason.
var refusals = map[tls.AlertError]string{
	badCertificate: "bad certificate", unsupportedCertificate: "its kind is not supported", revokedCertificate: "revoked",
	expiredCertificate: "expired", unknownCertificate: "unknown certificate", unknownCA: "unknown CA",
	accessDenied: "access denied",
}

// alertOf returns the number of an alert; package tls has numbers and texts, but the type of its errors is its own.
func alertOf(err error) tls.AlertError {
	for n := range 256 {
		if a := tls.AlertError(n); a.Error() == err.Error() {
			return a
		}
	}
	return 0
}

// byServer explains an alert of a server.
func byServer(err error) string {
	alert := alertOf(err)
	if why := refusals[alert]; why != "" {
		return "it rejects the client certificate: " + why
	}
	switch alert {
	case certificateRequired:
		return "it requires a client certificate"
	case handshakeFailure:
		return "it refuses the TLS handshake: it requires a client certificate, or has no common cipher suite with the " +
			"gateway"
	case protocolVersion:
		return "it has no common version of TLS with the gateway"
	case unrecognizedName:
		return "it has no certificate for the server name"
	}
	return "it ends TLS: " + plain(err)
}

// byClient explains an alert of a client.
func byClient(err error) string {
	alert := alertOf(err)
	switch alert {
	case badCertificate:
		return "it rejects the gateway's certificate: wrong name or bad certificate"
	case protocolVersion:
		return "it has no common version of TLS with the gateway"
	}
	if why := refusals[alert]; why != "" {
		return "it rejects the gateway's certificate: " + why
	}
	return "it ended TLS: " + plain(err)
}

// invalid describes what is wrong with the other side's certificate; empty if that is not the reason.
func invalid(err error) string {
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) {
		return ""
	}
	leaf := refused.UnverifiedCertificates[0]
	var name x509.HostnameError
	var of x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &name):
		return misnamed(name)
	case errors.As(err, &of) && of.Reason == x509.Expired:
		return outdated(leaf, of.Cert)
	case errors.As(err, &of) && of.Reason == x509.IncompatibleUsage:
		return "is not meant for this side of TLS (extended key usage)"
	case errors.As(err, &of) && of.Reason == x509.NotAuthorizedToSign:
		return fmt.Sprintf("is signed by %s, which is no CA", titled(of.Cert))
	case errors.As(err, &unknown):
		return unsigned(leaf, unknown)
	}
	return "is not valid: " + plain(refused.Err)
}

// unsigned describes a certificate that no trusted CA signed.
func unsigned(leaf *x509.Certificate, err x509.UnknownAuthorityError) string {
	switch {
	case leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return "is signed by itself, and is not among the trusted CAs"
	case strings.Contains(err.Error(), "possibly because of"): // a candidate was tried
		return fmt.Sprintf("is signed by %q, but not by the trusted CA of that name", leaf.Issuer)
	}
	return fmt.Sprintf("is signed by an unknown CA, %q", leaf.Issuer)
}

// outdated describes a certificate outside of its time, or one of a chain.
func outdated(leaf, cert *x509.Certificate) string {
	text := Outdated(cert, time.Now())
	if !cert.Equal(leaf) {
		text = fmt.Sprintf("is signed by a CA, %s, that %s", titled(cert), text)
	}
	return text
}

// Outdated describes a certificate that is not valid now, or expires within the last tenth of its life; empty for any
// other.
func Outdated(c *x509.Certificate, now time.Time) string {
	left, life := c.NotAfter.Sub(now), c.NotAfter.Sub(c.NotBefore)
	switch {
	case left <= 0:
		return "expired on " + date(c.NotAfter)
	case now.Before(c.NotBefore):
		return "is not valid before " + date(c.NotBefore) + ": a clock may be wrong"
	case left < life/10:
		return "expires on " + date(c.NotAfter)
	}
	return ""
}

func titled(c *x509.Certificate) string { return fmt.Sprintf("%q", c.Subject) }

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// misnamed describes a certificate of another name.
func misnamed(err x509.HostnameError) string {
	if names := Names(err.Certificate); len(names) > 0 {
		return fmt.Sprintf("is for %s, not for %s", strings.Join(names, ", "), err.Host)
	}
	return fmt.Sprintf("is not for %s: it has no subject alternative name", err.Host)
}

// Names returns the host names and addresses that a certificate is for.
func Names(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &network) && network.Timeout()
}

// isEnd reports whether the other side closed the connection.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

func fallback(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "local error" {
		return "it broke the rules of TLS: " + plain(op.Err)
	}
	if text := plain(err); text != err.Error() {
		return "TLS: " + text
	}
	return err.Error()
}
