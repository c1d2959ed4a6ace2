package watch

import (
	"fmt"
	"slices"
	"strings"

	"evergate/topology"
)

// sentinels reports whether they can be queried, and whether they could decide a failover.
func (j *judgement) sentinels() {
	if len(j.s.Sentinels) == 0 {
		return
	}
	var answering []SentinelFound
	for _, found := range j.Sentinels {
		if found.Lost == "" {
			answering = append(answering, found)
		}
	}
	j.lostSentinels(len(answering) == 0)
	if len(answering) == 0 {
		return
	}
	j.quorum(answering)
	j.disagreement(answering)
	var addrs []string
	for _, found := range j.Sentinels {
		addrs = append(addrs, found.Addr)
	}
	if host, n := crowded(addrs); n > 0 {
		j.problem(Warning, "%d of %d Sentinels run on %s: if that host is lost, no failover is possible", n, len(addrs),
			host)
	}
}

// lostSentinels reports those that cannot be queried, grouped by fault. Those of the settings must answer; of the
// others enough to decide.
func (j *judgement) lostSentinels(all bool) {
	for _, g := range groups(j.Sentinels, func(n SentinelFound) (string, string) { return n.Addr, n.Lost }) {
		grade := Warning
		switch {
		case all:
			grade = Broken
		case slices.ContainsFunc(g.addrs, j.named):
			grade = Fragile
		}
		one := len(g.addrs) == 1
		switch {
		case strings.Contains(g.why, noSuchMaster):
			j.problem(grade, "%s %s no master named %s: %s%s", nouns("Sentinel", g.addrs), oneOr(one, "monitors", "monitor"),
				j.s.MasterName, g.why, j.watched(g.addrs))
		case strings.HasPrefix(g.why, "ERR unknown command"):
			j.problem(grade, "%s %s: %s; use --primary or --cluster", and(g.addrs),
				oneOr(one, "is not a Sentinel", "are not Sentinels"), g.why)
		default:
			tls := slices.ContainsFunc(j.Sentinels, func(n SentinelFound) bool { return n.Addr == g.addrs[0] && n.SpeaksTLS })
			j.problem(grade, "%s", j.unreached(g, "Sentinel", tls))
		}
	}
}

// watched returns the names that the Sentinels know, as a hint for a misspelt one.
func (j *judgement) watched(addrs []string) string {
	var names []string
	for _, found := range j.Sentinels {
		if slices.Contains(addrs, found.Addr) {
			names = append(names, found.Masters...)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return ""
	}
	return "; " + oneOr(len(addrs) == 1, "it monitors ", "they monitor ") + and(names)
}

// quorum reports whether a failover could be decided: a quorum must agree that the primary is down, and a majority of
// all Sentinels must vote for the one that leads the failover.
func (j *judgement) quorum(answering []SentinelFound) {
	known, lacking := 0, []SentinelFound{}
	for _, n := range answering {
		known = max(known, n.Report.Sentinels)
		need := max(n.Report.Quorum, majority(n.Report.Sentinels))
		switch {
		case n.Report.Quorum > n.Report.Sentinels:
			j.problem(Fragile, "Sentinel %s has a quorum of %d and knows only %d: no failover is possible", n.Addr,
				n.Report.Quorum, n.Report.Sentinels)
		case n.NoQuorum != "", n.Usable > 0 && n.Usable < need:
			lacking = append(lacking, n)
		}
	}
	switch {
	case len(lacking) > 0:
		n, grade := lacking[0], Warning
		if len(lacking) == len(answering) {
			grade = Fragile
		}
		words := ""
		if n.NoQuorum != "" {
			words = " (" + n.NoQuorum + ")"
		}
		j.problem(grade, "the Sentinels have lost their quorum: %s sees %d of %d Sentinels alive, %d must agree that a "+
			"primary is down and %d must vote: no failover is possible%s", n.Addr, n.Usable, n.Report.Sentinels,
			n.Report.Quorum, majority(n.Report.Sentinels), words)
	case len(answering) < majority(known):
		j.problem(Fragile, "only %d of %d Sentinels are reachable from here, fewer than the %d that must vote",
			len(answering), known, majority(known))
	case known < 3:
		j.problem(Warning, "there %s: at least three are needed to survive the loss of one",
			oneOr(known == 1, "is 1 Sentinel", fmt.Sprintf("are %d Sentinels", known)))
	}
}

func majority(of int) int { return of/2 + 1 }

// disagreement reports contradictions between the Sentinels, or between them and the primary.
func (j *judgement) disagreement(answering []SentinelFound) {
	var down []string
	for _, n := range answering {
		if n.Report.Down&(topology.SDown|topology.ODown) != 0 {
			down = append(down, n.Addr)
		}
	}
	opinions := groups(answering, func(n SentinelFound) (string, string) { return n.Addr, n.Report.Primary })
	if len(opinions) > 1 {
		var lines []string
		for _, g := range opinions {
			lines = append(lines, fmt.Sprintf("%s %s %s", and(g.addrs), oneOr(len(g.addrs) == 1, "reports", "report"), g.why))
		}
		j.problem(Fragile, "the Sentinels disagree about the primary: %s", strings.Join(lines, "; "))
	}
	if len(down) > 0 && j.View != nil && j.View.Shards[0].Primary != nil {
		j.problem(Fragile, "%s %s the primary down: check their auth-pass and their network",
			nouns("Sentinel", down), oneOr(len(down) == 1, "considers", "consider"))
	}
}

// nouns returns a noun with its addresses.
func nouns(noun string, addrs []string) string {
	return noun + oneOr(len(addrs) == 1, "", "s") + " " + and(addrs)
}
