package watch

import (
	"fmt"
	"slices"
	"strings"

	"evergate/topology"
)

// judge finds what is wrong, in words for the person who will mend it.
func (f *Findings) judge(s Service, c *survey) {
	if f.View == nil {
		f.problem("no primary is known: clients will be answered LOADING until one is")
	}
	f.judgeSentinels(s)
	f.judgeNodes(s, slices.Concat(s.Cluster, s.Replicas, []string{s.Primary}, c.resolved))
	for _, why := range slices.Concat(c.events, c.refused) {
		f.problem("%s", why)
	}
	f.judgeView()
	for _, n := range f.Nodes {
		for _, command := range n.Refused {
			f.problem("%s refuses %s: the gateway does without, and knows less", n.Addr, command)
		}
	}
}

// problem adds one, once.
func (f *Findings) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(f.Problems, text) {
		f.Problems = append(f.Problems, text)
	}
}

func (f *Findings) judgeSentinels(s Service) {
	primaries := map[string][]string{}
	for _, found := range f.Sentinels {
		if found.Lost != "" {
			f.problem("Sentinel %s cannot be asked about %s: %s%s", found.Addr, s.MasterName, found.Lost,
				elsewhere(found.Addr, s.Sentinels))
			continue
		}
		says := found.Says
		primaries[says.Primary] = append(primaries[says.Primary], found.Addr)
		if says.Quorum > says.Sentinels {
			f.problem("Sentinel %s wants a quorum of %d and knows of %d Sentinels: no failover can happen",
				found.Addr, says.Quorum, says.Sentinels)
		}
		if says.Sentinels < 3 {
			f.problem("Sentinel %s knows of %d Sentinels: three or more are needed to outlive the loss of one",
				found.Addr, says.Sentinels)
		}
	}
	if len(primaries) > 1 {
		var stories []string
		for primary, who := range primaries {
			stories = append(stories, fmt.Sprintf("%s say %s", strings.Join(who, " and "), primary))
		}
		slices.Sort(stories)
		f.problem("the Sentinels disagree about the primary: %s", strings.Join(stories, "; "))
	}
}

// judgeNodes tells of nodes that cannot be reached, and of more primaries than there should be. named are the addresses
// that the settings name, not those that servers announced.
func (f *Findings) judgeNodes(s Service, named []string) {
	var primaries []string
	for _, n := range f.Nodes {
		switch {
		case n.Lost != "":
			f.problem("node %s cannot be reached: %s%s", n.Addr, n.Lost, elsewhere(n.Addr, named))
		case n.Role.Role == topology.RolePrimary && len(s.Cluster) == 0:
			primaries = append(primaries, n.Addr)
		}
	}
	if len(primaries) > 1 {
		f.problem("%s all say that they are primary: what is written to one is missing on the others",
			strings.Join(primaries, " and "))
	}
}

// elsewhere is a hint for addresses that were announced, not named: they may be of another network.
func elsewhere(addr string, named []string) string {
	if slices.Contains(named, addr) {
		return ""
	}
	return " (this address was announced by the servers; if it belongs to a network that cannot be reached from " +
		"here, map it with the address map, or have them announce another)"
}

// judgeView tells what the View lacks.
func (f *Findings) judgeView() {
	if f.View == nil {
		return
	}
	for i := range f.View.Shards {
		shard := &f.View.Shards[i]
		switch {
		case shard.Primary == nil:
			f.problem("shard %s has no primary: it is %s", shard.Name, shard.Condition)
		case shard.Condition != topology.Steady:
			f.problem("shard %s: its primary %s is %s", shard.Name, shard.Primary.Addr, shard.Condition)
		}
		if len(shard.Replicas) == 0 {
			f.problem("shard %s has no replica that may serve reads: a failover has nobody to promote, reads go to "+
				"the primary", shard.Name)
		}
	}
	f.judgeReplicas()
	if unserved := f.unserved(); unserved > 0 {
		f.problem("%d slots are served by nobody", unserved)
	}
}

// judgeReplicas says why a reachable replica gets no reads, in the words of the running gateway's log.
func (f *Findings) judgeReplicas() {
	for i := range f.View.Shards {
		for _, unused := range f.View.Shards[i].Unused {
			f.problem("replica %s gets no reads: %s", unused.Node.Addr, unused.Why)
		}
	}
}

func (f *Findings) unserved() int {
	count := 0
	for slot := range topology.Slots {
		if f.View.Shard(slot) == nil {
			count++
		}
	}
	return count
}
