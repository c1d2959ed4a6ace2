package decide

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"evergate/topology"
)

// The commands of scripts:
//
//	sentinel s1,s2 [named=r] [map=x>y]     cluster a,b [map=..]     plain a [replicas=b,c]
//	     all with [barrier] (there are workers), [zone=x zones=b>x,c>y], sentinel with [majority] (ConfirmMajority)
//	     and [fence] (FenceMinority); again with the word reseed- before it: the settings of the same service from then
//	     on
//	says s1 primary=a epoch=1 [failing-over] [down=s_down,o_down] [replicas=b,c/s_down/link-err/p0] [of=3] [quorum=2]
//	     [down-after=1s] [ago=5ms]
//	sentinel-lost s1 [twin] why=..         message s1 +switch-master main a 1 b 1
//	role a primary [replicas=b,c]          role b replica of=a [link=down] [syncing] [priority=0]    role a refused
//	     [id=A] [from=B:100] [offset=90] [run=r1] [acked=7] [silent=1] [zone=x] [ago=5ms]: its replication id is A, which
//	     goes on from B after 100 bytes of that; the question went out 5 ms before
//	gone a why=timeout                     resolved a to=b,c
//	slots a [epochs] [ids=A,B] 0-99=a/d/e!@3 0=f@0 ...     slots a refused
//	moved 5 to=b by=a                      connection-lost a | connection-silent a | refused a
//	settled: all workers have settled the last view      tick for=1s [quiet: without probes and refreshes]
//	copies: how many replicas each shard of the last view has
//
// Any of them may have at=900ms: the time since the beginning, which never decreases.
func (p *player) command(text string) string {
	l := cut(text)
	if at, ok := l.values["at"]; ok {
		d, err := time.ParseDuration(at)
		if err != nil || d < p.now {
			p.t.Fatalf("%s: bad time", text)
		}
		p.now = d
	}
	switch l.verb {
	case "sentinel", "cluster", "plain":
		p.state = New(p.settings(l))
		return p.step(topology.Tick{})
	case "reseed-sentinel", "reseed-cluster", "reseed-plain":
		l.verb = strings.TrimPrefix(l.verb, "reseed-")
		p.state.Reseed(p.settings(l))
		return p.step(topology.Tick{})
	case "tick":
		l.words = append(l.words, l.subject)
		return p.tick(l)
	case "copies":
		return p.copies()
	}
	o := p.observation(l, text)
	if o == nil {
		p.t.Fatalf("%s: no such command", text)
	}
	return p.step(o)
}

func (p *player) settings(l line) Settings {
	s := Settings{Shard: "main", AddressMap: map[string]string{}, RefreshEvery: 3 * time.Second,
		Barrier: l.has("barrier"), ConfirmMajority: l.has("majority"),
		FenceMinority: l.has("fence")}
	for _, pair := range l.list("map") {
		from, to, _ := strings.Cut(pair, ">")
		s.AddressMap[from] = to
	}
	zones := map[string]string{}
	for _, pair := range l.list("zones") {
		server, zone, _ := strings.Cut(pair, ">")
		zones[long(server)] = zone
	}
	s.Zone = l.values["zone"]
	s.ZoneOf = func(reported string, addrs ...string) string { return cmp.Or(zones[addrs[0]], reported) }
	for _, r := range append(l.list("named"), l.list("replicas")...) {
		s.Replicas = append(s.Replicas, long(r))
	}
	subjects := strings.Split(l.subject, ",")
	switch l.verb {
	case "sentinel":
		s.Mode, s.Sentinels = BySentinel, subjects
	case "cluster":
		s.Mode = ByCluster
		for _, a := range subjects {
			s.Seeds = append(s.Seeds, long(a))
		}
	default:
		s.Mode, s.Primary = Plain, long(l.subject)
	}
	return s
}

// tick advances the time in steps of TickEvery and prints each step with an effect.
func (p *player) tick(l line) string {
	d, err := time.ParseDuration(l.values["for"])
	if err != nil {
		p.t.Fatalf("tick: %v", err)
	}
	var out strings.Builder
	for end := p.now + d; p.now < end; {
		p.now += topology.TickEvery
		for did := range strings.Lines(p.step(topology.Tick{})) {
			word, _, _ := strings.Cut(strings.TrimSpace(did), " ")
			if l.has("quiet") && (word == "probe" || word == "refresh" || word == "chase") {
				continue
			}
			fmt.Fprintf(&out, "%v: %s", p.now, did)
		}
	}
	return out.String()
}

func (p *player) observation(l line, text string) topology.Observation {
	switch l.verb {
	case "says":
		o := sentinelReport(l)
		o.Asked = p.asked(l)
		return o
	case "settled":
		return topology.Settled{Epoch: p.state.View().Epoch}
	case "sentinel-lost":
		return topology.SentinelLost{Sentinel: l.subject, Why: l.values["why"], Twin: l.has("twin")}
	case "message":
		_, payload, _ := strings.Cut(text, l.words[0]+" ")
		return topology.SentinelMessage{Sentinel: l.subject, Channel: l.words[0], Payload: payload}
	case "role":
		o := role(l)
		o.Asked = p.asked(l)
		return o
	case "gone":
		return topology.NodeLost{Addr: long(l.subject), Why: l.values["why"]}
	case "busy":
		return topology.NodeBusy{Addr: long(l.subject), Words: l.values["with"]}
	case "resolved":
		return topology.Resolved{Name: long(l.subject), Addrs: longs(l.list("to"))}
	case "slots":
		return slotsSeen(l)
	case "moved":
		var slot int
		_, _ = fmt.Sscan(l.subject, &slot)
		return topology.Report{Kind: topology.Moved, Slot: slot, Addr: long(l.values["to"]), Node: p.id(l.values["by"])}
	}
	for kind, name := range topology.ReportName {
		if l.verb == name {
			return topology.Report{Kind: topology.ReportKind(kind), Node: p.id(l.subject)}
		}
	}
	return nil
}

// asked returns when the question went out that is answered now.
func (p *player) asked(l line) time.Time {
	ago, _ := time.ParseDuration(l.values["ago"])
	return beginning.Add(p.now - ago)
}

func (p *player) id(name string) topology.NodeID { return p.state.nodes.dial(long(name)).id }

func sentinelReport(l line) topology.SentinelReport {
	o := topology.SentinelReport{Sentinel: l.subject, Primary: long(l.values["primary"]),
		ConfigEpoch: uint64(l.number("epoch")),
		Quorum:      max(l.number("quorum"), 1), Sentinels: max(l.number("of"), 1), FailingOver: l.has("failing-over")}
	o.DownAfter, _ = time.ParseDuration(l.values["down-after"])
	for _, flag := range l.list("down") {
		o.Down |= map[string]topology.DownFlags{"s_down": topology.SDown, "o_down": topology.ODown}[flag]
	}
	for _, r := range l.list("replicas") {
		words := strings.Split(r, "/")
		v := topology.SentinelReplica{Addr: long(words[0]), LinkUp: true, Priority: 100}
		for _, w := range words[1:] {
			switch w {
			case "link-err":
				v.LinkUp = false
			case "p0":
				v.Priority = 0
			default:
				v.Down |= map[string]topology.DownFlags{"s_down": topology.SDown, "o_down": topology.ODown,
					"disconnected": topology.Disconnected}[w]
			}
		}
		o.Replicas = append(o.Replicas, v)
	}
	return o
}

func role(l line) topology.RoleSeen {
	o := topology.RoleSeen{Addr: long(l.subject), Version: l.values["version"], Priority: 100, RunID: l.values["run"],
		Zone:   l.values["zone"],
		ReplID: l.values["id"], Eviction: l.values["eviction"],
		Offset: int64(l.number("offset")), Acked: uint64(l.number("acked"))}
	if from, offset, ok := strings.Cut(l.values["from"], ":"); ok {
		o.ReplID2 = from
		_, _ = fmt.Sscan(offset, &o.SecondOffset)
		o.SecondOffset++ // as servers write it: the first offset that is not shared
	}
	switch {
	case l.has("primary"):
		o.Role, o.Replicas, o.Silent = topology.RolePrimary, longs(l.list("replicas")), l.number("silent")
	case l.has("replica"):
		o.Role, o.Primary = topology.RoleReplica, long(l.values["of"])
		o.LinkUp, o.Syncing = l.values["link"] != "down", l.has("syncing")
		if l.values["priority"] != "" {
			o.Priority = l.number("priority")
		}
	}
	return o
}

func slotsSeen(l line) topology.SlotsSeen {
	o := topology.SlotsSeen{Asked: long(l.subject), HasEpochs: l.has("epochs"), IDs: l.list("ids")}
	if l.has("refused") {
		o.Refused = "NOPERM"
	}
	for _, w := range l.words {
		span, nodes, ok := strings.Cut(w, "=")
		if !ok {
			continue
		}
		var shard topology.ShardSeen
		var r topology.SlotRange
		if n, _ := fmt.Sscanf(span, "%d-%d", &r.First, &r.Last); n == 2 {
			shard.Slots = []topology.SlotRange{r}
		}
		nodes, epoch, _ := strings.Cut(nodes, "@")
		_, _ = fmt.Sscan(epoch, &shard.Epoch)
		for i, name := range strings.Split(nodes, "/") {
			m := topology.MemberSeen{Addr: long(strings.TrimSuffix(name, "!")), Healthy: !strings.HasSuffix(name, "!")}
			if i == 0 {
				shard.Primary = m
			} else {
				shard.Replicas = append(shard.Replicas, m)
			}
		}
		o.Shards = append(o.Shards, shard)
	}
	return o
}

// long returns the address of a short name, and an address with a port unchanged.
func long(name string) string {
	if name == "" || strings.Contains(name, ":") {
		return name
	}
	return name + ":1"
}

func longs(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = long(n)
	}
	return list
}

func short(text string) string { return strings.ReplaceAll(text, ":1", "") }

// copies returns a line for each shard of the last View.
func (p *player) copies() string {
	var out strings.Builder
	for _, sh := range p.state.View().Shards {
		fmt.Fprintf(&out, "%s: %d attached, %d promotable, %d bystanders\n", sh.Name, sh.Copies.Attached,
			sh.Copies.Promotable, sh.Copies.Bystanders)
	}
	return out.String()
}

// picture returns a View as a line: "view 2: main c [b] suspect".
func picture(v *topology.View) string {
	var shards []string
	for i := range v.Shards {
		s := &v.Shards[i]
		text := fmt.Sprintf("%s %s %s", s.Name, s.Standing().Addr, topology.AddrList(s.Replicas))
		switch {
		case s.Successor != nil:
			text = fmt.Sprintf("%s nobody (%s then %s) %s", s.Name, s.Demoted.Addr, s.Successor.Addr,
				topology.AddrList(s.Replicas))
			if s.DemotedSilent {
				text += " mute"
			}
		case s.Demoted != nil:
			text = fmt.Sprintf("%s nobody (%s) %s", s.Name, s.Demoted.Addr, topology.AddrList(s.Replicas))
			if s.Fence != "" {
				text += " fenced"
			}
		case s.Covers != nil:
			text += " covers"
		}
		if s.Near > 0 {
			text += fmt.Sprintf(" near=%d", s.Near)
		}
		if s.Provisional {
			text += " provisional"
		}
		if s.Condition != topology.Steady {
			text += " " + s.Condition.String()
		}
		shards = append(shards, text)
	}
	text := fmt.Sprintf("view %d: %s", v.Epoch, strings.Join(shards, " | "))
	if v.Sharded {
		served := 0
		for slot := range topology.Slots {
			if v.Shard(slot) != nil {
				served++
			}
		}
		if served < topology.Slots {
			text += fmt.Sprintf(" (%d slots unserved)", topology.Slots-served)
		}
	}
	for _, n := range v.Nodes {
		if n != nil && n.Busy != "" {
			text += ", busy " + n.Addr
		}
	}
	if n := v.EvictsUnread(); n != nil {
		text += ", " + n.Addr + " " + n.Eviction
	}
	if v.Lowest != nil {
		text += ", lowest " + v.Lowest.Version
	}
	return text
}
