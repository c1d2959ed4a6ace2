package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// zone checks the gateway's zone, and those of the servers.
func (v *validation) zone(s *Service) {
	const unprintable = "contains a space or a control character"
	odd := func(zone string) bool {
		return strings.ContainsFunc(zone, func(r rune) bool { return r <= ' ' || r == 127 })
	}
	if odd(s.Zone) {
		v.addf("zone", "%q %s", s.Zone, unprintable)
	}
	for _, from := range slices.Sorted(maps.Keys(s.ZoneMap)) {
		if err := checkServers(from); err != nil {
			v.fault(Fault{Setting: "zone-map", Item: from, Text: quoted(from) + " " + err.Error()})
		}
		if zone := s.ZoneMap[from]; odd(zone) {
			v.fault(Fault{Setting: "zone-map", Item: from, Text: fmt.Sprintf("%q %s", zone, unprintable)})
		}
	}
	switch {
	case s.Zone == "" && len(s.ZoneMap) > 0:
		v.needs("zone-map", "zone", "the gateway's own zone")
	case s.Zone != "" && s.UsedReads() == ReadPrimary && !s.HasFacade(FacadeReplica):
		v.needs("zone", "reads", "no client reads from replicas")
	case s.Zone != "" && len(s.ZoneMap) > 0 && !slices.Contains(slices.Collect(maps.Values(s.ZoneMap)), s.Zone):
		v.fault(Fault{Setting: "zone", Other: "zone-map", Text: fmt.Sprintf("%q is the zone of no server: zone-map has %s",
			s.Zone, strings.Join(slices.Compact(slices.Sorted(maps.Values(s.ZoneMap))), ", "))})
	}
}

// checkServers checks a side of a zone-map: HOST:PORT, HOST, NETWORK or a pattern of host names.
func checkServers(from string) error {
	if strings.ContainsRune(from, '/') {
		if _, err := netip.ParsePrefix(from); err != nil {
			return errors.New("is no network: use an address with the length of its prefix, 10.0.1.0/24")
		}
		return nil
	}
	if strings.ContainsAny(from, "*?") {
		if _, err := path.Match(from, ""); err != nil || strings.ContainsRune(from, ':') {
			return errors.New("is no pattern of host names: use *.a.example.com")
		}
		return nil
	}
	return checkHostMaybePort(from)
}
