package accept

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/pires/go-proxyproto"
)

const (
	// lineBytes is the longest header of version 1, its end included.
	lineBytes = 107
	// moreBytes bounds what follows the fixed part of version 2: load balancers send a few hundred bytes.
	moreBytes = 4 << 10
)

// The first bytes of both versions.
var (
	version1 = []byte("PROXY ")
	version2 = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// ErrSilent is the error about a connection that ended before it sent anything, as a health check does.
var ErrSilent = errors.New("it sent nothing")

var errNoHeader = errors.New("it sent no PROXY header")

// ReadHeader reads a PROXY header of version 1 or 2 from the start of a connection, and returns the connection with the
// address of the client that the header names. It reads nothing that comes behind the header. A load balancer that
// speaks for itself, as for a health check, has its own address. A deadline of the connection bounds it; conn is not
// closed.
//
// See https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt.
func ReadHeader(conn net.Conn) (net.Conn, error) {
	sent, err := collect(conn)
	if err != nil {
		return nil, err
	}
	header, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(sent), len(sent)))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its PROXY header is malformed: %w", err)
	case header.Command.IsLocal() || header.TransportProtocol.IsUnspec():
		return conn, nil
	}
	client, ok := header.SourceAddr.(*net.TCPAddr)
	if !ok {
		return nil, errors.New("its PROXY header names no client of TCP")
	}
	return &Proxied{conn, client}, nil
}

// collect reads the bytes of one header. The package that parses them takes them as one piece only.
func collect(conn net.Conn) ([]byte, error) {
	sent := make([]byte, 0, 2*lineBytes)
	more := func(n int) error {
		have := len(sent)
		sent = append(sent, make([]byte, n)...)
		if _, err := io.ReadFull(conn, sent[have:]); errors.Is(err, io.EOF) && have == 0 {
			return ErrSilent
		} else if err != nil {
			return fmt.Errorf("it sent no whole PROXY header: %w", err)
		}
		return nil
	}
	for len(sent) < len(version1) || !bytes.HasPrefix(sent, version1) && len(sent) < len(version2) {
		if err := more(1); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(version1, sent) && !bytes.HasPrefix(version2, sent) && !bytes.HasPrefix(sent, version1) {
			return nil, errNoHeader
		}
	}
	if sent[0] == version2[0] {
		if err := more(4); err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint16(sent[len(sent)-2:]))
		if n > moreBytes {
			return nil, fmt.Errorf("its PROXY header has %d bytes, %d are the limit", n, moreBytes)
		}
		return sent, more(n)
	}
	for sent[len(sent)-1] != '\n' {
		if len(sent) == lineBytes {
			return nil, fmt.Errorf("its PROXY header has no end within %d bytes", lineBytes)
		}
		if err := more(1); err != nil {
			return nil, err
		}
	}
	return sent, nil
}

// Proxied is a connection through a load balancer.
type Proxied struct {
	net.Conn
	client *net.TCPAddr
}

// RemoteAddr is the address of the client.
func (p *Proxied) RemoteAddr() net.Addr { return p.client }

// SyscallConn implements syscall.Conn.
func (p *Proxied) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := p.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
