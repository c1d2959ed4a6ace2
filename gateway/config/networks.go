package config

import (
	"maps"
	"slices"

	"evergate/gateway/accept"
)

// Networks is where clients of a service come from. Networks are written as accept.ParseNetworks reads them.
type Networks struct {
	// ProxyFrom are the load balancers whose connections begin with a PROXY header, of version 1 or 2. Default none.
	ProxyFrom []string
	// Allow are those that clients may come from; ListenAllow overrides it for single listeners. Default all.
	Allow       []string
	ListenAllow map[string][]string
}

// SetAllow sets Allow and ListenAllow.
func (n *Networks) SetAllow(all []string, of map[string][]string) { n.Allow, n.ListenAllow = all, of }

// AllowAt returns the networks of one listener; nil: all.
func (n *Networks) AllowAt(listen string) []string {
	if own, is := n.ListenAllow[listen]; is {
		return own
	}
	return n.Allow
}

// networks checks where clients may come from.
func (v *validation) networks(s *Service) {
	v.network("proxy-from", "", s.Networks.ProxyFrom)
	v.network("allow-networks", "", s.Networks.Allow)
	for _, listen := range slices.Sorted(maps.Keys(s.Networks.ListenAllow)) {
		if !slices.Contains(s.Listeners(), listen) {
			v.noListener("allow-networks", listen)
		}
		v.network("allow-networks", listen, s.Networks.ListenAllow[listen])
	}
}

func (v *validation) network(setting, listen string, words []string) {
	if _, err := accept.ParseNetworks(words); err != nil {
		v.fault(Fault{Setting: setting, Item: listen, Text: err.Error()})
	}
}
