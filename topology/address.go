package topology

import (
	"strings"
)

// SplitAddr splits host:port at the last colon, as Redis writes IPv6 addresses without brackets ("::1:7000"); brackets
// are removed. port is empty without a colon.
func SplitAddr(addr string) (host, port string) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr, ""
	}
	host, port = addr[:i], addr[i+1:]
	if len(host) >= 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return host, port
}

// JoinAddr returns an address that can be dialled: IPv6 hosts get brackets.
func JoinAddr(host, port string) string {
	if strings.IndexByte(host, ':') >= 0 {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}

// Announce returns an address in the form that servers use in MOVED: without brackets.
func Announce(addr string) string {
	host, port := SplitAddr(addr)
	return host + ":" + port
}

// MapAddr returns the address to dial for an announced one. A key of m is "host:port" (tried first) or "host"; a value
// of the form "host" keeps the announced port.
func MapAddr(m map[string]string, announced string) string {
	host, port := SplitAddr(announced)
	dial := JoinAddr(host, port)
	to, ok := m[dial]
	if !ok {
		to, ok = m[host+":"+port]
	}
	if ok {
		return withPort(to, port)
	}
	if to, ok = m[host]; !ok {
		return dial
	}
	return withPort(to, port)
}

// withPort completes a mapped address without a port. An IPv6 host needs no brackets there: more than one colon and no
// closing bracket before the last means host only.
func withPort(to, port string) string {
	bare := strings.Count(to, ":") > 1 && !strings.Contains(to, "]:")
	if bare || strings.IndexByte(to, ':') < 0 {
		return JoinAddr(strings.Trim(to, "[]"), port)
	}
	return to
}
