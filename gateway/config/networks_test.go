package config

import (
	"strings"
	"testing"
)

func TestNetworksAreValidated(t *testing.T) {
	c := Default()
	s := DefaultService()
	s.Primary = "a:1"
	s.Networks = Networks{ProxyFrom: []string{"10.0.0.1/8"}, Allow: []string{"x"},
		ListenAllow: map[string][]string{"1.2.3.4:5": {"10.0.0.0/8"}}}
	c.Services = []Service{s}
	err := c.Validate()
	for _, want := range []string{
		"proxy-from: ", "the network is 10.0.0.0/8", "allow-networks: ", "is not one of the addresses",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: no %q", err, want)
		}
	}
}
