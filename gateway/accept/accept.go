// Package accept is what a connection passes before it is a client: the networks that a listener allows, the PROXY
// header of a load balancer, and the TLS handshake.
package accept

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// UnixWord stands for all unix sockets among the words of Networks.
const UnixWord = "unix"

// Networks are ranges of addresses, and perhaps unix sockets. Nil contains nothing.
type Networks struct {
	prefixes []netip.Prefix
	unix     bool
}

// ParseNetworks reads words such as 10.0.0.0/8, 2001:db8::/32, an address alone, or UnixWord. Its errors continue a
// sentence that begins with the word.
func ParseNetworks(words []string) (*Networks, error) {
	n := &Networks{}
	for _, word := range words {
		if word == UnixWord {
			n.unix = true
			continue
		}
		prefix, err := parsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("%q %w", word, err)
		}
		n.prefixes = append(n.prefixes, prefix)
	}
	return n, nil
}

func parsePrefix(word string) (netip.Prefix, error) {
	if !strings.Contains(word, "/") {
		addr, err := netip.ParseAddr(word)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("is not a network, such as 10.0.0.0/8, nor an address, nor %s", UnixWord)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(word)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("is not a network, such as 10.0.0.0/8 or 2001:db8::/32")
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("is IPv4 written as IPv6; write the IPv4 network")
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("has bits set behind its prefix; the network is %s", prefix.Masked())
	}
	return prefix, nil
}

// ContainsRemote reports whether an address as CLIENT LIST shows it is among them: "192.0.2.1:5000", or a path.
func (n *Networks) ContainsRemote(remote string) bool {
	if at, err := netip.ParseAddrPort(remote); err == nil {
		return n.Contains(net.TCPAddrFromAddrPort(at))
	}
	return n.Contains(&net.UnixAddr{Name: remote, Net: "unix"})
}

// Contains reports whether an address, of a connection's end, is among them.
func (n *Networks) Contains(addr net.Addr) bool {
	switch addr := addr.(type) {
	case *net.TCPAddr:
		ip := addr.AddrPort().Addr().Unmap().WithZone("")
		return n != nil && slices.ContainsFunc(n.prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
	case *net.UnixAddr:
		return n != nil && n.unix
	}
	return false
}
