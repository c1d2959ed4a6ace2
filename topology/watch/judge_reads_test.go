package watch

import (
	"slices"
	"strings"
	"testing"

	"evergate/topology"
)

func TestJudgementOfReads(t *testing.T) {
	auto := Reads{Replicas: true, Auto: true, OwnWrites: true}
	two := []string{ClientNames + "a", ClientNames + "b"}
	for name, c := range map[string]struct {
		reads    Reads
		eviction string
		gateways []string
		grade    Grade
		wants    string // empty: none of its grade or worse
	}{
		"by default": {auto, "noeviction", two[:1], Hint, ""},
		"LRU":        {auto, "allkeys-lru", nil, Hint, "reads go to primaries: p:1 evicts by allkeys-lru"},
		"LFU, although replicas are set": {Reads{Replicas: true}, "volatile-lfu", nil, Warning,
			"p:1 evicts by volatile-lfu"},
		"LRU, all on primaries": {Reads{}, "allkeys-lru", nil, Hint, ""},
		"two gateways":          {auto, "noeviction", two, Warning, "2 gateways use p:1"},
		"two gateways, set": {Reads{Replicas: true, OwnWrites: true}, "noeviction", two, Warning,
			"2 gateways use p:1"},
		"two gateways, eventual":    {Reads{Replicas: true}, "noeviction", two, Hint, ""},
		"two gateways, on primary":  {Reads{OwnWrites: true}, "noeviction", two, Hint, ""},
		"two gateways, LRU":         {auto, "allkeys-lru", two, Warning, ""},
		"two gateways, LRU, forced": {Reads{Replicas: true, OwnWrites: true}, "allkeys-lru", two, Warning, "2 gateways"},
	} {
		p := heardNode("p:1", topology.RolePrimary, func(n *NodeFound) { n.Gateways = c.gateways })
		f := Findings{Nodes: []NodeFound{p}, View: &topology.View{Shards: []topology.Shard{{Name: "m",
			Primary: &topology.Node{Addr: "p:1", Eviction: c.eviction}}}}}
		j := &judgement{Findings: &f, s: Service{Reads: c.reads}, c: &survey{}}
		j.reads()
		j.gateways()
		met := slices.ContainsFunc(f.Problems, func(p Problem) bool {
			return p.Grade == c.grade && c.wants != "" && strings.Contains(p.Text, c.wants)
		})
		none := !slices.ContainsFunc(f.Problems, func(p Problem) bool { return p.Grade <= c.grade })
		if met != (c.wants != "") || c.wants == "" && !none {
			t.Errorf("%s: %+v, want %q", name, f.Problems, c.wants)
		}
	}
}

func TestGatewaysIn(t *testing.T) {
	list := "id=3 addr=1:1 name= cmd=info\nid=4 addr=1:2 name=evergate-b db=0\nid=5 name=evergate-a x=evergate-c\n" +
		"id=6 name=evergate-b db=0\nid=7 name=app-evergate-d\n"
	if got := gatewaysIn(list); !slices.Equal(got, []string{"evergate-a", "evergate-b"}) {
		t.Error(got)
	}
}
