package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"evergate/gateway/facade"
)

// faced is a sound Config with every facade, in two services.
func faced() Config {
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
	change := func(f func(one, two *Service)) Config {
		c := faced()
		f(&c.Services[0], &c.Services[1])
		return c
	}
	if err := faced().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
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
		if host, port := s.announced(c.listen); host != c.host || port != c.port {
			t.Errorf("%+v: %q, %d", c, host, port)
		}
	}
}

func TestSubServicesAndListeners(t *testing.T) {
	c := faced()
	parts := c.subServices()
	want := []subService{{service: 0, reads: ReadPrimary}, {service: 1, reads: ReadPrimary},
		{service: 0, reads: ReadPreferReplica, nth: 1}, {service: 0, reads: ReadPrimary, sentinel: true}}
	if !slices.Equal(parts, want) {
		t.Fatalf("%+v", parts)
	}
	numbers, own := c.listenerIDs()
	if !slices.Equal(numbers, []int{0, 4, 5, 6, 1}) {
		t.Fatal(numbers)
	}
	for i, want := range []struct {
		part int
		kind facade.Kind
	}{{0, facade.Cluster}, {2, facade.Replica}, {3, facade.Sentinel}} {
		if own[i].Service != want.part || own[i].Role.Kind != want.kind {
			t.Errorf("door %d: %+v, %+v", i, own[i], own[i].Role)
		}
	}
	c.Services[0].Reads = ReadReplica // a replica's clients are served as all are
	if _, own := c.listenerIDs(); own[1].Service != 0 || own[2].Service != 2 {
		t.Errorf("%+v", own)
	}
}

// A new primary waits for every worker in every part: none may speak for another.
func TestEachWorkerSettlesForEachSubService(t *testing.T) {
	c := faced()
	c.Workers = 3
	g := &Gateway{conf: c, subServices: c.subServices()}
	for service := range c.Services {
		told := make([]bool, g.settlers(service))
		for of, p := range g.subServices {
			if p.service != service || p.sentinel {
				continue
			}
			for worker := range c.Workers {
				if n := g.settler(of, worker); told[n] {
					t.Errorf("worker %d speaks in part %d as another does", worker, of)
				} else {
					told[n] = true
				}
			}
		}
		if slices.Contains(told, false) {
			t.Errorf("service %d waits for one who never speaks: %v", service, told)
		}
	}
}

// A name of the Sentinels is told where it can mean one service only.
func TestMastersByBothNames(t *testing.T) {
	service := func(name, master string) Service {
		return Service{Name: name, MasterName: master, Listen: []string{"127.0.0.1:1"}}
	}
	c := Config{Services: []Service{service("a", "same"), service("b", "same"), service("c", "own"), service("d", "a"),
		service("e", "e")}}
	var got []string
	for _, m := range c.masters(slices.Repeat([][]facade.Address{{{}}}, 5), false) {
		got = append(got, m.Name)
	}
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e", "own"}) {
		t.Error(got)
	}
}
