package decide

import (
	"slices"
	"time"

	"evergate/topology"
)

// A node of another cluster: an address may have been reused by now, and the higher epoch of another cluster means
// nothing in this one. Node IDs show it: no two clusters have one in common.

// strangerAfter is how long a node must be a stranger before that is reported: a node that is new to its cluster is one
// too, until they have met.
const strangerAfter = 3 * time.Second

// refuse reports whether an answer must be ignored, and remembers its sender.
func (r *cluster) refuse(o topology.SlotsSeen) bool {
	e := r.s.nodes.dial(o.Asked)
	if !r.strange(o) {
		delete(r.strangers, e)
		r.s.alarm("cluster of "+o.Asked, "")
		return false
	}
	if r.strangers[e].IsZero() {
		r.strangers[e] = r.s.now
	}
	if r.s.now.Sub(r.strangers[e]) >= strangerAfter {
		r.s.alarm("cluster of "+o.Asked, o.Asked+" belongs to another cluster: its answers are ignored")
	}
	return true
}

// strange reports whether a node knows none of the nodes that the others know. If no other has answered for long the
// cluster may have been rebuilt, and a node that the settings name is believed.
func (r *cluster) strange(o topology.SlotsSeen) bool {
	if len(o.IDs) == 0 || r.s.view == nil {
		return false
	}
	others := map[string]bool{}
	answered := 0
	for asked, a := range r.answers {
		if asked == o.Asked || len(a.seen.IDs) == 0 {
			continue
		}
		answered++
		for _, id := range a.seen.IDs {
			others[id] = true
		}
	}
	switch answered {
	case 0:
		return !anyOf(o.IDs, r.ids) && !slices.ContainsFunc(r.s.settings.Seeds, func(seed string) bool {
			return topology.MapAddr(r.s.settings.AddressMap, seed) == o.Asked
		})
	case 1: // either of the two may be the stranger
		return false
	}
	return !anyOf(o.IDs, others)
}

// know records the IDs in the present answers.
func (r *cluster) know() {
	clear(r.ids)
	for _, a := range r.answers {
		for _, id := range a.seen.IDs {
			r.ids[id] = true
		}
	}
}

func anyOf(ids []string, known map[string]bool) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return known[id] })
}
