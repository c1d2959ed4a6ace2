package watch

import (
	"strings"
	"testing"

	"evergate/topology"
)

// TestJudgementOfZones: a zone without a server, or without a replica, is a hint.
func TestJudgementOfZones(t *testing.T) {
	for _, c := range []struct {
		primary, replica, wants string
		near                    int
	}{
		{"a", "", "shard m has no replica for reads in the zone a", 0},
		{"b", "a", "", 1},
		{"b", "c", "no server is in the zone a: they are in b, c", 0},
		{"", "", "zone a: no server reports its zone", 0},
	} {
		f := Findings{View: &topology.View{Shards: []topology.Shard{{Name: "m",
			Primary:  &topology.Node{Addr: "p:1", Zone: c.primary},
			Replicas: []*topology.Node{{Addr: "r:1", Zone: c.replica}}, Near: c.near}}}}
		f.judge(Service{Primary: "p:1", Zones: NewZones("a", nil)}, &survey{})
		var hints []string
		for _, p := range f.Problems {
			if p.Grade == Hint && strings.Contains(p.Text, "zone") {
				hints = append(hints, p.Text)
			}
		}
		if text := strings.Join(hints, "\n"); !strings.HasPrefix(text, c.wants) || (text == "") != (c.wants == "") {
			t.Errorf("primary in %q, replica in %q: %q, want %q", c.primary, c.replica, text, c.wants)
		}
	}
}
