package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// networkSettings are where the clients of a service come from.
var networkSettings = []*Setting{
	listSetting("proxy-from", "NETWORK,...",
		"load balancers whose connections begin with a PROXY header, version 1 or 2: 10.0.0.0/8, an address or unix",
		func(t target) *[]string { return &t.service.Networks.ProxyFrom }),
	allowNetworksSetting(),
}

// allowNetworksSetting takes networks for all listeners of the service, and LISTEN=NETWORK for single ones; each may
// have several.
func allowNetworksSetting() *Setting {
	return &Setting{Name: "allow-networks", Wants: "NETWORK,...", kind: pairs,
		usage: "networks that clients may come from (default: all); LISTEN=NETWORK,... for one listener",
		set: func(t target, texts []string) error {
			all, of, err := parseNetworks(texts)
			t.service.Networks.SetAllow(all, of)
			return err
		},
		show: func(t target) string {
			words := slices.Clone(t.service.Networks.Allow)
			for _, listen := range slices.Sorted(maps.Keys(t.service.Networks.ListenAllow)) {
				for _, network := range t.service.Networks.ListenAllow[listen] {
					words = append(words, listen+"="+network)
				}
			}
			return strings.Join(words, ", ")
		}}
}

func parseNetworks(texts []string) (all []string, of map[string][]string, err error) {
	var wrong []error
	for _, text := range texts {
		at := strings.LastIndexByte(text, '=')
		switch {
		case at < 0:
			all = append(all, text)
		case at == 0 || at == len(text)-1:
			wrong = append(wrong, fmt.Errorf("%q is not LISTEN=NETWORK", text))
		default:
			if of == nil {
				of = map[string][]string{}
			}
			of[text[:at]] = append(of[text[:at]], text[at+1:])
		}
	}
	return all, of, errors.Join(wrong...)
}
