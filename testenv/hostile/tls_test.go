package main

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestKeyUpdatesAreUnderstood: the records that are made by hand are those of TLS, so that the attack is what it says.
func TestKeyUpdatesAreUnderstood(t *testing.T) {
	ca, err := servers.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Sign(servers.Issue{Hosts: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	var log strings.Builder
	client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &log})
	server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true})
	go func() { _ = server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if suite := client.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("no AES on this machine: ", tls.CipherSuiteName(suite))
	}
	keys, err := newTrafficKeys(log.String())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var b []byte
		for range 3 {
			b, _ = keys.record(b, []byte{24, 0, 0, 1, 0, 22}) // without a request, which a pipe could not take
			_ = keys.update()
		}
		b, _ = keys.record(b, []byte("hello\x17"))
		_, _ = ours.Write(b)
	}()
	text := make([]byte, 5)
	if _, err := io.ReadFull(server, text); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
}
