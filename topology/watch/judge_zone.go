package watch

import (
	"slices"
	"strings"
)

// zone reports a zone that no server is in, or no replica of a shard.
func (j *judgement) zone() {
	own := j.s.Zones.Own
	if own == "" || j.View == nil {
		return
	}
	var zones []string
	for i := range j.View.Shards {
		shard := &j.View.Shards[i]
		members := slices.Clone(shard.Replicas)
		for _, unused := range shard.Unused {
			members = append(members, unused.Node)
		}
		if primary := shard.Standing(); primary != nil {
			members = append(members, primary)
		}
		for _, n := range members {
			if n.Zone != "" {
				zones = append(zones, n.Zone)
			}
		}
	}
	slices.Sort(zones)
	switch zones = slices.Compact(zones); {
	case len(zones) == 0:
		j.problem(Hint, "zone %s: no server reports its zone (availability-zone): set zone-map", own)
		return
	case !slices.Contains(zones, own):
		j.problem(Hint, "no server is in the zone %s: they are in %s", own, strings.Join(zones, ", "))
		return
	}
	for i := range j.View.Shards {
		if shard := &j.View.Shards[i]; shard.Near == 0 {
			j.problem(Hint, "shard %s has no replica for reads in the zone %s: other zones serve them", shard.Name, own)
		}
	}
}
