package gateway

import (
	"slices"
	"strings"
	"testing"

	"evergate/gateway/config"
	"evergate/gateway/facade"
)

// emulating is a valid config with every facade, in two services.
func emulating() config.Gateway {
	c := behindOne()
	one := &c.Services[0]
	one.Listen = []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"}
	one.ListenFacade = map[string]config.Facade{"127.0.0.1:2": config.FacadeCluster, "127.0.0.1:3": config.FacadeReplica,
		"127.0.0.1:4": config.FacadeSentinel}
	two := config.DefaultService()
	two.Name, two.Listen, two.Primary = "jobs", []string{"127.0.0.1:5"}, "10.0.0.2:6379"
	c.Services = append(c.Services, two)
	return c
}

func TestSubServicesAndListeners(t *testing.T) {
	c := emulating()
	r := (&roster{}).with(&c)
	one, two := r.services[0], r.services[1]
	want := []subService{{service: one}, {service: one, sentinel: true}, {service: two}, {service: two, sentinel: true}}
	if !slices.Equal(r.parts, want) {
		t.Fatalf("%+v", r.parts)
	}
	numbers, own := listenerIDs(&c, r)
	if !slices.Equal(numbers, []int{4, 5, 6, 7, 8}) {
		t.Fatal(numbers)
	}
	for i, want := range []struct {
		part int
		kind facade.Kind
	}{{0, facade.Cluster}, {0, facade.Replica}, {1, facade.Sentinel}} {
		if l := own[1+i]; l.Service != want.part || l.Role.Kind != want.kind {
			t.Errorf("listener %d: %+v, %+v", i, l, l.Role)
		}
	}
}

// A name of the Sentinels is told where it can mean one service only.
func TestMastersByBothNames(t *testing.T) {
	service := func(name, master string) config.Service {
		return config.Service{Name: name, MasterName: master, Listen: []string{"127.0.0.1:1"}}
	}
	c := config.Gateway{Services: []config.Service{service("a", "same"), service("b", "same"), service("c", "own"),
		service("d", "a"),
		service("e", "e")}}
	var got []string
	for _, m := range mastersOf(&c, slices.Repeat([][]facade.Address{{{}}}, 5), false) {
		got = append(got, m.Name)
	}
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e", "own"}) {
		t.Error(got)
	}
}

// TestFacadesReportListenersOfTheirKind has a plain and a TLS listener of each kind: clients use TLS for all addresses
// or for none.
func TestFacadesReportListenersOfTheirKind(t *testing.T) {
	s := config.DefaultService()
	s.Listen = []string{"a:1", "a:2"}
	s.TLSListen = []string{"a:3", "a:4", "a:5"}
	s.ListenFacade = map[string]config.Facade{"a:2": config.FacadeReplica, "a:3": config.FacadeReplica,
		"a:5": config.FacadeSentinel}
	if plain, secure := s.Writer(false), s.Writer(true); plain != 0 || secure != 3 {
		t.Errorf("writers %d and %d, want 0 and 3", plain, secure)
	}
	c := config.Gateway{Services: []config.Service{s}}
	addresses := [][]facade.Address{{}}
	for port := range 5 {
		addresses[0] = append(addresses[0], facade.Address{Host: "a", Port: port + 1})
	}
	for withTLS, want := range map[bool][2]int{false: {1, 2}, true: {4, 3}} {
		m := mastersOf(&c, addresses, withTLS)
		if len(m) != 1 || m[0].Addr.Port != want[0] || len(m[0].Replicas) != 1 || m[0].Replicas[0].Port != want[1] {
			t.Errorf("TLS %v: %+v, want ports %v", withTLS, m, want)
		}
	}
	s.TLSListen, s.ListenFacade = []string{"a:5"}, map[string]config.Facade{"a:5": config.FacadeSentinel}
	if got := s.Writer(true); got != 0 {
		t.Errorf("without a TLS listener for data the writer is %d", got)
	}
	c = config.Gateway{Services: []config.Service{s}}
	ids, own := listenerIDs(&c, (&roster{}).with(&c))
	if len(ids) != 3 || len(own) != 3 || own[2].Service != 1 {
		t.Errorf("%v, %v", ids, own)
	}
}

func TestDenyAtAListener(t *testing.T) {
	c := config.Default()
	s := config.DefaultService()
	s.Primary, s.Listen = "a:1", []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	s.Access = config.Access{Deny: []string{"flushall", "127.0.0.1:2=keys", "127.0.0.1:2=@hash"}}
	c.Services = []config.Service{s}
	r := (&roster{}).with(&c)
	numbers, own := listenerIDs(&c, r)
	if len(own) != 3 || numbers[0] != 2 || numbers[1] != 3 || numbers[2] != 4 {
		t.Fatalf("the listeners are %v, %+v", numbers, own)
	}
	made, err := newGates(&c, r, (&directory{first: 2}).with(&c, r))
	if err != nil {
		t.Fatal(err)
	}
	users := made[0].own.Users()
	for listener, want := range map[int]string{2: "+@all -flushall", 3: "+@all -flushall -keys -@hash"} {
		if got := users.At(listener).Initial().String(); !strings.HasSuffix(got, want) {
			t.Errorf("at %d: %s", listener, got)
		}
	}
}
