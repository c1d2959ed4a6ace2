package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/topology"
)

// goneAfter is how many consecutive probes must fail before a plain primary counts as gone: a single one may have met a
// slow command, and no epoch would correct the mistake.
const goneAfter = 2

// severalPrimaries ends the alarm about nodes of a list that all claim the role.
const severalPrimaries = " all report the role primary"

// IsSeveralPrimaries reports whether an alarm is about several primaries in a plain list.
func IsSeveralPrimaries(why string) bool { return strings.HasSuffix(why, severalPrimaries) }

// plain is the rule of a list in the settings. There are no epochs, only the servers' own reports. The current primary
// is kept as long as it reports that role; another one that does is followed only when the current one is gone or
// reports to be a replica.
type plain struct {
	s *State
	// resolved are the addresses of each name of the settings.
	resolved map[string][]string
	current  *entry
	// old is the primary before current; nil before the first switch.
	old *entry
	// byName: current was chosen because the settings name it. Then it must stay named, and the name must still resolve to
	// it.
	byName bool
	// reported are the replicas that current reported last; used if the settings name none.
	reported []*entry
}

func newPlain(s *State) *plain {
	return &plain{s: s, resolved: map[string][]string{}}
}

func (r *plain) observe(o topology.Observation) {
	switch o := o.(type) {
	case topology.Resolved:
		if len(o.Addrs) > 0 {
			r.resolved[o.Name] = o.Addrs
		}
		for _, name := range r.s.settings.Replicas {
			if name == o.Name {
				for _, a := range o.Addrs {
					r.s.named[a] = true
				}
			}
		}
	case topology.RoleSeen:
		r.roleSeen(o)
	case topology.Report, topology.NodeLost:
		if r.current != nil && !r.current.reports(topology.RolePrimary) {
			r.s.refresh()
		}
	}
	if r.current != nil && r.current.reports(topology.RoleReplica) && r.current.role.Primary != "" {
		r.s.chase(r.s.nodes.announced(r.current.role.Primary))
	}
	members := r.members()
	for _, e := range members {
		r.s.probe(e, probeEvery)
	}
	r.follow(members)
}

func (r *plain) roleSeen(o topology.RoleSeen) {
	if r.current == nil || r.current.addr != o.Addr || o.Role != topology.RolePrimary {
		return
	}
	r.reported = r.reported[:0]
	for _, addr := range o.Replicas {
		r.reported = append(r.reported, r.s.nodes.announced(addr))
	}
}

// addrs are the entries of a name of the settings.
func (r *plain) addrs(name string) []*entry {
	var list []*entry
	for _, a := range r.resolved[name] {
		list = append(list, r.s.nodes.dial(a))
	}
	return list
}

// members are all nodes of the list now, each once: the named ones, those that the current primary reported if no
// replica is named, and the node that a named primary follows if it is a replica.
func (r *plain) members() []*entry {
	primaries := r.addrs(r.s.settings.Primary)
	list := slices.Clone(primaries)
	for _, name := range r.s.settings.Replicas {
		list = append(list, r.addrs(name)...)
	}
	if len(r.s.settings.Replicas) == 0 {
		list = append(list, r.reported...)
	}
	if r.current != nil && !r.byName {
		list = append(list, r.current)
	}
	for _, e := range primaries {
		if e.reports(topology.RoleReplica) && e.role.Primary != "" {
			list = append(list, r.s.nodes.announced(e.role.Primary))
		}
	}
	seen := map[*entry]bool{}
	return slices.DeleteFunc(list, func(e *entry) bool {
		twice := seen[e]
		seen[e] = true
		return twice
	})
}

// follow decides which node is the primary.
func (r *plain) follow(members []*entry) {
	var claiming []*entry
	for _, e := range members {
		if e.reports(topology.RolePrimary) && !slices.ContainsFunc(claiming, e.isAlso) {
			claiming = append(claiming, e)
		}
	}
	why := ""
	if len(claiming) > 1 {
		names := make([]string, len(claiming))
		for i, e := range claiming {
			names[i] = e.addr
		}
		why = strings.Join(names, " and ") + severalPrimaries
	}
	r.s.alarm("two primaries", why)
	if r.current != nil && slices.Contains(members, r.current) {
		if r.gone(r.current) && len(claiming) == 1 {
			if e := claiming[0]; !e.descends(r.current.trusted.replID) {
				r.s.event(Event{Kind: Alarm, Subject: e.addr, Why: fmt.Sprintf("%s is the only primary now and is used, "+
					"but its history is not proven to continue that of %s", e.addr, r.current.addr)})
			}
			r.choose(claiming[0])
		}
		return
	}
	r.begin(claiming)
}

// gone reports whether a node is no longer primary by its own report, or unreachable for long enough.
func (r *plain) gone(e *entry) bool { return e.losses >= goneAfter || e.reports(topology.RoleReplica) }

func (r *plain) choose(e *entry) {
	r.old, r.current = r.current, e
	r.s.stale = true
	r.byName = slices.Contains(r.addrs(r.s.settings.Primary), e)
	for _, name := range r.s.settings.Replicas {
		r.byName = r.byName || slices.Contains(r.addrs(name), e)
	}
	r.reported = nil
	r.roleSeen(e.role)
}

// begin chooses the first primary: the named one if it reports that role or may not be asked, another only if the named
// one is gone.
func (r *plain) begin(claiming []*entry) {
	named := r.addrs(r.s.settings.Primary)
	for _, e := range named {
		if e.reports(topology.RolePrimary) {
			r.choose(e)
			return
		}
	}
	for _, e := range named {
		if e.reports(topology.RoleRefused) {
			r.choose(e)
			return
		}
	}
	alive := func(e *entry) bool { return !r.gone(e) }
	if len(named) > 0 && !slices.ContainsFunc(named, alive) && len(claiming) == 1 {
		r.choose(claiming[0])
	}
}

// names: only the list decides.
func (r *plain) names(*entry) bool { return true }

// downAfter is unknown.
func (r *plain) downAfter() time.Duration { return 0 }

// against: only a server's own report counts.
func (r *plain) against() string { return "" }

func (r *plain) heard() bool {
	return !slices.ContainsFunc(r.members(), func(e *entry) bool { return !e.settled() })
}

func (r *plain) draft() []draft {
	if r.current == nil {
		return nil
	}
	d := draft{name: r.s.settings.Shard, primary: r.current}
	switch {
	case r.current.lost():
		d.suspect = r.current.lostWhy
	case r.current.reports(topology.RoleReplica):
		d.held = "reports to be a replica"
	}
	if r.old != nil {
		d.why = r.current.addr + " reports to be primary, " + r.old.addr + " is gone or a replica"
	}
	for _, e := range r.members() {
		if e != r.current {
			d.replicas = append(d.replicas, e)
		}
	}
	return []draft{d}
}
