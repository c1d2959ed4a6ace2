package config

import (
	"fmt"
	"strings"
	"testing"
)

// faced is a sound Gateway with every facade, in two services.
func faced() Gateway {
	c := sound()
	one := &c.Services[0]
	one.Name, one.Listen = "carts", []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"}
	one.ListenFacade = map[string]Facade{"127.0.0.1:2": FacadeCluster, "127.0.0.1:3": FacadeReplica,
		"127.0.0.1:4": FacadeSentinel}
	two := DefaultService()
	two.Name, two.Listen, two.Sentinels, two.MasterName = "jobs", []string{"127.0.0.1:5"}, []string{"s:1"}, "mymaster"
	c.Services = append(c.Services, two)
	return c
}

func TestValidateFindsEachFaultOfAFacade(t *testing.T) {
	change := func(f func(one, two *Service)) Gateway {
		c := faced()
		f(&c.Services[0], &c.Services[1])
		return c
	}
	if err := faced().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Gateway{
		`facade: "a:1" is not one of the addresses of listen`: change(func(one, _ *Service) {
			one.ListenFacade["a:1"] = FacadeCluster
		}),
		`facade: "proxy" is not one of cluster, replica, sentinel`: change(func(one, _ *Service) { one.Facade = "proxy" }),
		`facade: "x" is not one of cluster`: change(func(one, _ *Service) {
			one.ListenFacade["127.0.0.1:1"] = "x"
		}),
		`hold: "127.0.0.1:4" is a Sentinel facade`: change(func(one, _ *Service) {
			one.ListenHold = map[string]Hold{"127.0.0.1:4": {}}
		}),
		`announce: "a:1" is not one of the addresses of listen`: change(func(one, _ *Service) {
			one.ListenAnnounce = map[string]string{"a:1": "b:1"}
		}),
		`announce: "127.0.0.1:4" is a Sentinel facade, whose own`: change(func(one, _ *Service) {
			one.ListenAnnounce = map[string]string{"127.0.0.1:4": "b:1"}
		}),
		`announce: "b:x" has no port from 1 to 65535`: change(func(one, _ *Service) { one.Announce = "b:x" }),
		`announce: "0.0.0.0" is every address`:        change(func(one, _ *Service) { one.Announce = "0.0.0.0" }),
		`announce: is missing: a facade reports the address ":5"`: change(func(_, two *Service) {
			two.Listen, two.NoAuth = []string{":5"}, true
		}),
		`announce: is missing: a facade reports the address "unix:/s"`: change(func(_, two *Service) {
			two.Listen, two.Announce = []string{"unix:/s"}, "b"
		}),
		`announce: b port 7 would be reported for "127.0.0.1:1" and for "127.0.0.1:2"`: change(func(one, _ *Service) {
			one.Announce = "b:7"
		}),
		`facade: needs listen: a replica facade reports`: change(func(one, _ *Service) {
			one.Facade, one.ListenFacade = FacadeReplica, nil
		}),
		`facade: needs listen: a Sentinel facade reports`: change(func(_, two *Service) { two.Facade = FacadeSentinel }),
		`announce: needs facade: only facades`: change(func(one, two *Service) {
			one.ListenFacade, two.Announce = nil, "b"
		}),
		`facade-password-file: needs facade: no listener`: change(func(_, two *Service) { two.FacadePassword.File = "f" }),
		`facade-password: needs facade: no listener`:      change(func(_, two *Service) { two.FacadePassword.Value = "v" }),
		`facade-password-file: conflicts with facade-passwo`: change(func(one, _ *Service) {
			one.FacadePassword = Secret{"f", "v"}
		}),
	} {
		if got := fmt.Sprint(c.Validate()); !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestFacadesOnEveryAddressNeedNoPasswordForSentinels(t *testing.T) {
	c := faced()
	one := &c.Services[0]
	one.Listen[3] = "0.0.0.0:4"
	one.ListenFacade["0.0.0.0:4"] = FacadeSentinel
	delete(one.ListenFacade, "127.0.0.1:4")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	one.ListenFacade["0.0.0.0:4"] = FacadeCluster
	if got := fmt.Sprint(c.Validate()); !strings.Contains(got, `"0.0.0.0:4" is reachable from other machines`) {
		t.Error(got)
	}
}

func TestAnnouncedAddresses(t *testing.T) {
	for _, c := range []struct {
		listen, all, own, host string
		port                   int
	}{
		{"127.0.0.1:1", "", "", "127.0.0.1", 1},
		{"[::1]:1", "", "", "::1", 1},
		{"localhost:0", "", "", "localhost", 0},
		{"0.0.0.0:1", "", "", "", 1},
		{":1", "gate", "", "gate", 1},
		{":1", "gate", "other:7", "other", 7},
		{":1", "gate:5", "other", "other", 1},
		{":1", "2001:db8::1", "", "2001:db8::1", 1},
		{":1", "", "[2001:db8::1]:9", "2001:db8::1", 9},
		{"unix:/s", "gate:5", "", "gate", 5},
		{"unix:/s", "", "", "", 0},
	} {
		s := Service{Announce: c.all}
		if c.own != "" {
			s.ListenAnnounce = map[string]string{c.listen: c.own}
		}
		if host, port := s.Announced(c.listen); host != c.host || port != c.port {
			t.Errorf("%+v: %q, %d", c, host, port)
		}
	}
}
