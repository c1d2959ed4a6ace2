// Package summary has the topology, the failovers and the clients of a service as lines of text for people: PROXY
// TOPOLOGY, FAILOVERS and CLIENTS. Begin with Topology.
//
// It is pure: it shows values of package api, and the Groups that the workers have counted. No line has control
// characters.
package summary

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/resp"
)

// text is made of lines.
type text []string

// addf adds a line, without blanks at its end.
func (t *text) addf(format string, args ...any) {
	*t = append(*t, api.Text(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
}

// Topology returns the shards of a service with their servers, and its Sentinels, as the gateway sees them at now.
func Topology(s *api.Service, now time.Time) []string {
	var t text
	t.service(s)
	width := 0
	for i := range s.Nodes {
		width = max(width, len(s.Nodes[i].Addr))
	}
	for i := range s.Shards {
		t.shard(s, &s.Shards[i], width, now)
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; n.Role == api.RoleUnknown {
			t.node("unknown", n.Addr, s, width, "it belongs to no shard")
		}
	}
	t.sentinels(s, now)
	return t
}

func (t *text) service(s *api.Service) {
	switch {
	case s.Epoch == 0:
		t.addf("service %s (%s): no server has answered yet", s.Name, s.Kind)
		return
	case s.Steady:
		t.addf("service %s (%s): steady, view %d", s.Name, s.Kind, s.Epoch)
	default:
		t.addf("service %s (%s): not steady, view %d", s.Name, s.Kind, s.Epoch)
	}
	if s.Unserved > 0 {
		t.addf("slots without a shard: %d", s.Unserved)
	}
	t.reads(s)
	if a := &s.Acks; a.Asked() {
		t.addf("acks %s within %s: %s confirmed, %d not confirmed, %d rejected", a.Level, a.Timeout,
			count(a.Confirmed, "write"), a.Unconfirmed, a.Rejected)
	}
}

// reads adds where reads have gone since the start, and why primaries got some: samples of the last seconds are not
// always taken.
func (t *text) reads(s *api.Service) {
	r := &s.ReplicaReads
	all := r.OnReplicas + r.OnPrimaries
	if s.Reads == "primary" && all == 0 {
		return
	}
	share := "none yet"
	if all > 0 {
		share = fmt.Sprintf("%.4g%% of %s on replicas", 100*float64(r.OnReplicas)/float64(all), count(all, "read"))
	}
	t.addf("reads %s, consistency %s: %s", s.Reads, s.Consistency, share)
	reasons := slices.Clone(r.Reasons)
	slices.SortStableFunc(reasons, func(a, b api.ReadReason) int { return cmp.Compare(b.Reads, a.Reads) })
	for i := range reasons {
		t.addf("  %d on primaries: %s", reasons[i].Reads, reasons[i].Text)
	}
}

func (t *text) shard(s *api.Service, sh *api.Shard, width int, now time.Time) {
	since := ""
	if !sh.Since.IsZero() {
		since = " for " + age(now.Sub(sh.Since))
	}
	t.addf("shard %s: %s%s", sh.Name, sh.Condition, since)
	switch {
	case sh.Primary == "":
		t.addf("  primary    none")
	case sh.Provisional:
		t.node("primary", sh.Primary, s, width, "not confirmed by a majority yet")
	default:
		t.node("primary", sh.Primary, s, width, "")
	}
	if sh.Demoted != "" {
		remark := ""
		if sh.Fence != "" {
			remark = "fenced: " + sh.Fence
		}
		t.node("demoted", sh.Demoted, s, width, remark)
	}
	if sh.Successor != "" {
		t.node("successor", sh.Successor, s, width, "")
	}
	for _, addr := range sh.Replicas {
		t.node("replica", addr, s, width, "")
	}
	for _, u := range sh.Unused {
		t.node("replica", u.Addr, s, width, "excluded from reads: "+u.Why)
	}
}

// node adds the line of a server; remark comes last.
func (t *text) node(role, addr string, s *api.Service, width int, remark string) {
	var facts []string
	for i := range s.Nodes {
		if s.Nodes[i].Addr == addr {
			facts = factsOf(&s.Nodes[i])
		}
	}
	if remark != "" {
		facts = append(facts, remark)
	}
	t.addf("  %-9s  %-*s  %s", role, width, addr, strings.Join(facts, ", "))
}

func factsOf(n *api.Node) (facts []string) {
	if n.Version != "" {
		facts = append(facts, n.Version)
	}
	if n.Zone != "" {
		facts = append(facts, "zone "+n.Zone)
	}
	if n.LagBytes != nil {
		late := ""
		if n.Lag != nil && *n.Lag > 0 {
			late = fmt.Sprintf(" and %.4g ms", *n.Lag)
		}
		facts = append(facts, count(uint64(*n.LagBytes), "byte")+late+" behind")
	}
	if n.LeftOut {
		facts = append(facts, "left out of reads: it answered slowly, or with errors")
	}
	if n.Reads {
		facts = append(facts, "serves reads")
	}
	if !n.Reachable {
		facts = append(facts, because("unreachable", n.Why))
	}
	if n.Busy != "" {
		facts = append(facts, because("busy", n.Busy))
	}
	if n.Silent > 0 {
		facts = append(facts, count(uint64(n.Silent), "silent connection"))
	}
	return facts
}

func (t *text) sentinels(s *api.Service, now time.Time) {
	if len(s.Sentinels) == 0 {
		return
	}
	reachable, width := 0, 0
	for i := range s.Sentinels {
		width = max(width, len(s.Sentinels[i].Addr))
		if s.Sentinels[i].Reachable {
			reachable++
		}
	}
	t.addf("sentinels: %d of %d reachable", reachable, len(s.Sentinels))
	for i := range s.Sentinels {
		n, state, since := &s.Sentinels[i], "reachable", ""
		if !n.Reachable {
			state = "unreachable"
		}
		if n.Since == nil {
			state = "not asked yet"
		} else {
			since = " for " + age(now.Sub(*n.Since))
		}
		t.addf("  %-*s  %s", width, n.Addr, because(state+since, n.Why))
	}
}

// because appends the reason to a state, if there is one.
func because(state, why string) string {
	if why == "" {
		return state
	}
	return state + ": " + why
}

// age is a time that has passed, to the second where it is long.
func age(d time.Duration) string {
	unit := time.Second
	if d < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	return max(0, d).Round(unit).String()
}

// count is a number of things.
func count(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Help is the reply to PROXY HELP.
var Help = resp.AppendLines(nil,
	"PROXY <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway and the service of the client:",
	"ACKS <n>|majority|all|default",
	"    Set how many replicas must confirm each write of this connection before its reply.",
	"CLIENTS", "    Print how many clients there are, by user and library, and what they wait for.",
	"CONSISTENCY [GATEWAY|BOUNDED|STRONG|EVENTUAL|DEFAULT]",
	"    Print how fresh reads of this client must be that a replica serves, or choose it.",
	"FAILOVERS", "    Print the newest failovers: their steps, receipts, and what clients noticed.",
	"INFO [<section> ...]", "    Print the sections of INFO that are the gateway's own. No server is asked.",
	"READS [PRIMARY|PREFER-REPLICA|REPLICA|DEFAULT]",
	"    Print which servers serve reads of this client, or choose them.",
	"TOPOLOGY", "    Print the shards with their servers, as the gateway sees them, and the Sentinels.",
	"HELP", "    Print this help.",
)
