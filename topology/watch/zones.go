package watch

import (
	"cmp"
	"net/netip"
	"path"
	"slices"
	"strings"

	"evergate/topology"
)

// Zones knows in which zone (of a cloud, a rack) servers are. The zero value knows nothing.
type Zones struct {
	// Own is the gateway's own zone.
	Own      string
	exact    map[string]string
	networks []zoneRule
	patterns []zoneRule
}

// zoneRule is a network or a pattern, with its zone.
type zoneRule struct {
	network netip.Prefix
	pattern string
	zone    string
}

// NewZones returns the zones by rules: from HOST:PORT, HOST, NETWORK (10.0.1.0/24) or PATTERN (*.a.example.com) to the
// name of a zone. The most exact rule counts; malformed ones never match.
func NewZones(own string, rules map[string]string) Zones {
	z := Zones{Own: own, exact: map[string]string{}}
	for from, zone := range rules {
		network, err := netip.ParsePrefix(from)
		switch {
		case err == nil:
			z.networks = append(z.networks, zoneRule{network: network.Masked(), zone: zone})
		case isPattern(from):
			z.patterns = append(z.patterns, zoneRule{pattern: strings.ToLower(from), zone: zone})
		default:
			z.exact[strings.ToLower(from)] = zone
		}
	}
	slices.SortFunc(z.networks, func(a, b zoneRule) int { return cmp.Compare(b.network.Bits(), a.network.Bits()) })
	slices.SortFunc(z.patterns, func(a, b zoneRule) int {
		return cmp.Or(cmp.Compare(len(b.pattern), len(a.pattern)), strings.Compare(a.pattern, b.pattern))
	})
	return z
}

func isPattern(rule string) bool { return strings.ContainsAny(rule, "*?") }

// Of returns the zone of a server with these addresses (host:port): by a rule, else as the server itself reported it,
// else the own one if that is a label of its host name (redis-1.zone-a.example.com). Empty if it is unknown.
func (z *Zones) Of(reported string, addrs ...string) string {
	for _, addr := range addrs {
		host, port := topology.SplitAddr(strings.ToLower(addr))
		if zone := cmp.Or(z.exact[topology.JoinAddr(host, port)], z.exact[host]); zone != "" {
			return zone
		}
	}
	for _, addr := range addrs {
		host, _ := topology.SplitAddr(strings.ToLower(addr))
		if zone := z.byNetwork(host); zone != "" {
			return zone
		}
		for _, r := range z.patterns {
			if match, err := path.Match(r.pattern, host); match && err == nil {
				return r.zone
			}
		}
	}
	if reported != "" || z.Own == "" {
		return reported
	}
	for _, addr := range addrs {
		host, _ := topology.SplitAddr(addr)
		if slices.ContainsFunc(strings.Split(host, "."), func(label string) bool { return strings.EqualFold(label, z.Own) }) {
			return z.Own
		}
	}
	return ""
}

func (z *Zones) byNetwork(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	for _, r := range z.networks {
		if r.network.Contains(ip.Unmap()) {
			return r.zone
		}
	}
	return ""
}
