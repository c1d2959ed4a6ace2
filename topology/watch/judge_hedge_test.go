package watch

import (
	"slices"
	"strings"
	"testing"

	"evergate/topology"
)

// TestJudgementOfHedges: a shard without a second replica is a hint.
func TestJudgementOfHedges(t *testing.T) {
	replica := &topology.Node{Addr: "r:1"}
	for replicas, hint := range map[int]bool{0: true, 1: true, 2: false} {
		for _, hedges := range []bool{false, true} {
			f := Findings{View: &topology.View{Shards: []topology.Shard{{Name: "m",
				Primary:  &topology.Node{Addr: "p:1"},
				Replicas: slices.Repeat([]*topology.Node{replica}, replicas)}}}}
			f.judge(Service{Primary: "p:1", Hedges: hedges}, &survey{})
			found := slices.ContainsFunc(f.Problems, func(p Problem) bool {
				return p.Grade == Hint && strings.Contains(p.Text, "hedge has no effect")
			})
			if found != (hint && hedges) {
				t.Errorf("%d replicas, hedges %t: %+v", replicas, hedges, f.Problems)
			}
		}
	}
}
