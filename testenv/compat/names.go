package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	// gatewaysName is the name of two gateways.
	gatewaysName = "gateways.test"
	nameServer   = "127.0.0.1"
)

// gatewayHosts are the addresses of the name.
var gatewayHosts = [2]string{"127.0.0.2", "127.0.0.3"}

// inDNS has two gateways at the two addresses of one name.
func inDNS(_ context.Context, primary string) (*place, error) {
	dir, err := os.MkdirTemp("", "evergate-names-")
	if err != nil {
		return nil, err
	}
	p := &place{primary: primary, close: func() error { return os.RemoveAll(dir) }}
	for i, host := range gatewayHosts {
		p.addrs[i] = net.JoinHostPort(host, "6379")
		p.args[i] = []string{"--listen", p.addrs[i]}
	}
	file := filepath.Join(dir, "resolv.conf")
	err = errors.Join(os.WriteFile(file, []byte("nameserver "+nameServer+"\n"), 0o644),
		commands("mount --bind "+file+" /etc/resolv.conf"))
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.front = func() (*front, error) {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(nameServer, "53"))
		if err != nil {
			return nil, err
		}
		var all sync.WaitGroup
		all.Go(func() { serveNames(conn) })
		end := func() {
			_ = conn.Close()
			all.Wait()
			_ = commands("umount /etc/resolv.conf")
		}
		return &front{at: net.JoinHostPort(gatewaysName, "6379"), close: end}, nil
	}
	return p, nil
}

// serveNames answers each query with the addresses of the gateways, the other one first each time, until conn is
// closed.
func serveNames(conn net.PacketConn) {
	query := make([]byte, 512)
	for turn := 0; ; turn++ {
		n, from, err := conn.ReadFrom(query)
		if err != nil {
			return
		}
		if reply := answerName(query[:n], turn); reply != nil {
			_, _ = conn.WriteTo(reply, from)
		}
	}
}

// answerName returns the reply to a query (RFC 1035); nil if it is none. It has addresses only if the query asks for
// IPv4 addresses of the name.
func answerName(query []byte, turn int) []byte {
	const header, typeA = 12, 1
	if len(query) < header || binary.BigEndian.Uint16(query[4:]) != 1 {
		return nil
	}
	var labels []string
	at := header
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		if end > len(query) {
			return nil
		}
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	if at += 5; at > len(query) {
		return nil
	}
	count, rcode := uint16(0), byte(0)
	switch {
	case !strings.EqualFold(strings.Join(labels, "."), gatewaysName):
		rcode = 3 // there is no such name
	case binary.BigEndian.Uint16(query[at-4:]) == typeA:
		count = uint16(len(gatewayHosts))
	}
	reply := append([]byte{}, query[:2]...)
	reply = append(reply, 0x80|query[2]&1, 0x80|rcode, 0, 1) // a reply of a server that recurses, with one question
	reply = append(binary.BigEndian.AppendUint16(reply, count), 0, 0, 0, 0)
	reply = append(reply, query[header:at]...)
	for i := range int(count) {
		reply = append(reply, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4) // the name again, for no time
		reply = append(reply, net.ParseIP(gatewayHosts[(turn+i)%len(gatewayHosts)]).To4()...)
	}
	return reply
}
