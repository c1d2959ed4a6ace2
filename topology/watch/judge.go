package watch

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"evergate/topology"
	"evergate/topology/decide"
)

// judge derives the problems from the findings, without I/O.
func (f *Findings) judge(s Service, c *survey) {
	j := &judgement{Findings: f, s: s, c: c}
	j.sentinels()
	j.lost()
	j.roles()
	j.cluster()
	j.promotable()
	j.view()
	j.zone()
	j.reads()
	j.gateways()
	j.hedge()
	for _, why := range c.events {
		if !decide.IsSeveralPrimaries(why) { // roles reports that
			j.problem(Warning, "%s", why)
		}
	}
	j.settings()
	if f.View == nil && !f.Has(Broken) {
		j.problem(Broken, "no primary is known: requests fail with LOADING")
	}
	slices.SortStableFunc(f.Problems, func(a, b Problem) int { return int(a.Grade) - int(b.Grade) })
}

// Has reports whether there is a problem of a grade.
func (f *Findings) Has(g Grade) bool {
	return slices.ContainsFunc(f.Problems, func(p Problem) bool { return p.Grade == g })
}

// judgement is the input of the judges: Findings, settings and survey.
type judgement struct {
	*Findings
	s Service
	c *survey
}

// problem adds a problem, unless it is there already.
func (f *Findings) problem(g Grade, format string, args ...any) {
	p := Problem{g, fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(f.Problems, func(o Problem) bool { return o.Text == p.Text }) {
		f.Problems = append(f.Problems, p)
	}
}

// lost reports nodes that cannot be used, grouped by fault. Nodes of the settings must be usable; of the others enough
// to promote one.
func (j *judgement) lost() {
	for _, group := range groups(j.Nodes, func(n NodeFound) (string, string) { return n.Addr, n.Lost }) {
		grade := Warning
		switch {
		case j.View == nil, slices.ContainsFunc(group.addrs, j.used):
			grade = Broken
		case slices.ContainsFunc(group.addrs, j.needed):
			grade = Fragile
		}
		if j.helpless(group.addrs) {
			continue
		}
		tls := slices.ContainsFunc(j.Nodes, func(n NodeFound) bool { return n.Addr == group.addrs[0] && n.SpeaksTLS })
		j.problem(grade, "%s", j.unreached(group, "server", tls))
	}
}

// needed reports whether it is a problem that a node cannot be used: it is named in the settings, or the topology does
// not know that it is down and may promote it.
func (j *judgement) needed(addr string) bool {
	if j.named(addr) {
		return true
	}
	for _, found := range j.Sentinels {
		for _, r := range found.Report.Replicas {
			if topology.MapAddr(j.s.AddressMap, r.Addr) == addr && r.Down&(topology.SDown|topology.ODown) != 0 {
				return false
			}
		}
	}
	return !j.c.failed[addr]
}

// named reports whether the settings have an address, or a name that resolves to it.
func (j *judgement) named(addr string) bool {
	for name, addrs := range j.c.resolved {
		if name == addr || slices.Contains(addrs, addr) {
			return true
		}
	}
	return slices.Contains(j.s.Cluster, addr) || slices.Contains(j.s.Sentinels, addr)
}

// helpless reports whether all addresses belong to names that also resolve to servers that answer: "localhost" has two
// addresses.
func (j *judgement) helpless(addrs []string) bool {
	reached := func(a string) bool {
		return slices.ContainsFunc(j.Nodes, func(n NodeFound) bool { return n.Addr == a && n.Lost == "" })
	}
	for _, addr := range addrs {
		spare := false
		for _, all := range j.c.resolved {
			spare = spare || slices.Contains(all, addr) && slices.ContainsFunc(all, reached)
		}
		if !spare {
			return false
		}
	}
	return true
}

// unreached returns a sentence about servers or Sentinels that cannot be used for one reason: the server's own error if
// there is one, a hint about the network only if it was not reached.
func (j *judgement) unreached(g group, noun string, tls bool) string {
	who, why := nouns(noun, g.addrs), g.why
	leg := "--upstream"
	if noun != "server" {
		leg = "--sentinel"
	}
	setting := leg + "-password-file"
	one := len(g.addrs) == 1
	switch {
	case strings.HasPrefix(why, protected):
		return fmt.Sprintf("%s %s in protected mode and %s this host: %s; set a password or protected-mode no there",
			who, oneOr(one, "is", "are"), oneOr(one, "rejects", "reject"), why)
	case strings.HasPrefix(why, "WRONGPASS"):
		return fmt.Sprintf("%s %s the password: %s; see %s", who, oneOr(one, "rejects", "reject"), why, setting)
	case strings.HasPrefix(why, "NOAUTH"):
		return fmt.Sprintf("%s %s a password: %s; set %s", who, oneOr(one, "requires", "require"), why, setting)
	case strings.HasPrefix(why, "ERR AUTH <password>"), strings.HasPrefix(why, "ERR Client sent AUTH"):
		return fmt.Sprintf("%s %s no password, but one is set: %s; see %s", who, oneOr(one, "requires", "require"), why,
			setting)
	case strings.HasPrefix(why, passwordFault):
		return "the password cannot be read: " + strings.TrimPrefix(why, passwordFault) + "; see " + setting
	case strings.HasPrefix(why, "lookup "):
		return fmt.Sprintf("%s cannot be resolved: %s%s", who, why, j.elsewhere(g.addrs))
	case why == errSentinel.Error():
		return fmt.Sprintf("%s %s, not %s: use --sentinel and --master-name", and(g.addrs),
			oneOr(one, "is a Sentinel", "are Sentinels"), oneOr(one, "a server", "servers"))
	case tls:
		return fmt.Sprintf("%s %s TLS: set %s-tls", who, oneOr(one, "speaks", "speak"), leg)
	case strings.HasPrefix(why, tlsFault):
		why = strings.TrimPrefix(why, tlsFault)
		return fmt.Sprintf("TLS with %s fails%s: %s%s", who, oneOr(one, "", ", with each alike"), why, tlsAdvice(why, leg))
	case strings.HasPrefix(why, notRedis):
		return fmt.Sprintf("%s %s not speak the Redis protocol: %s", who, oneOr(one, "does", "do"), why)
	case isReply(why):
		return fmt.Sprintf("%s %s the query: %s", who, oneOr(one, "rejects", "reject"), why)
	}
	return fmt.Sprintf("%s cannot be reached: %s%s", who, why, j.elsewhere(g.addrs))
}

// tlsAdvice names the setting that may help, by what is wrong.
func tlsAdvice(why, leg string) string {
	switch {
	case strings.Contains(why, "client certificate"):
		return "; see " + leg + "-tls-cert-file"
	case strings.Contains(why, " CA"):
		return "; see " + leg + "-tls-ca-file"
	case strings.Contains(why, " is for "), strings.Contains(why, " is not for "):
		return "; see " + leg + "-tls-server-name"
	case strings.Contains(why, "not speak TLS"):
		return "; use its TLS port, or leave out " + leg + "-tls"
	}
	return ""
}

// passwordFault is the prefix of errors of a password file.
const passwordFault = "password file: "

// isReply reports whether a text is a server's error reply, which begins with a code in capitals.
func isReply(words string) bool {
	code, _, found := strings.Cut(words, " ")
	return found && len(code) > 1 && strings.ToUpper(code) == code && strings.ToLower(code) != code
}

// elsewhere returns a hint for addresses that were announced or mapped, not named: they may belong to another network.
func (j *judgement) elsewhere(addrs []string) string {
	for announced := range j.c.announced {
		to := topology.MapAddr(j.s.AddressMap, announced)
		if slices.Contains(addrs, to) && to != topology.MapAddr(nil, announced) {
			return fmt.Sprintf(" (--address-map maps %s to it)", announced)
		}
	}
	if slices.ContainsFunc(addrs, j.named) {
		return ""
	}
	was := oneOr(len(addrs) == 1, "this address was", "these addresses were")
	return " (" + was + " announced by the servers; if it belongs to a network that is not reachable from here, map it " +
		"with --address-map, or announce another one)"
}

// settings reports names in the settings that are of no use.
func (j *judgement) settings() {
	if len(j.c.announced) == 0 {
		return
	}
	for from, to := range j.s.AddressMap {
		used := slices.ContainsFunc(j.Sentinels, func(n SentinelFound) bool { return sameHost(n.Addr, to) })
		for announced := range j.c.announced {
			host, port := topology.SplitAddr(announced)
			used = used || from == host || from == topology.JoinAddr(host, port) || from == host+":"+port
		}
		if !used && !j.named(from) {
			j.problem(Warning, "--address-map maps %s, which no server announces", from)
		}
	}
}

// group is a set of addresses with the same fault.
type group struct {
	why   string
	addrs []string
}

// groups groups addresses by the reason why they cannot be used.
func groups[T any](all []T, of func(T) (addr, why string)) []group {
	var list []group
	for _, one := range all {
		addr, why := of(one)
		if why == "" {
			continue
		}
		i := slices.IndexFunc(list, func(g group) bool { return g.why == why })
		if i < 0 {
			i, list = len(list), append(list, group{why: why})
		}
		list[i].addrs = append(list[i].addrs, addr)
	}
	return list
}

// and joins words: "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func oneOr(isOne bool, one, many string) string {
	if isOne {
		return one
	}
	return many
}

func sameHost(a, b string) bool {
	host, _ := topology.SplitAddr(a)
	other, port := topology.SplitAddr(b)
	return host == other || port == "" && host == b
}

// crowded returns the host that has a majority of the addresses, "" if none does. A loopback address is ignored: such
// servers are for experiments.
func crowded(addrs []string) (host string, count int) {
	counts := map[string]int{}
	for _, addr := range addrs {
		at, _ := topology.SplitAddr(addr)
		if ip, err := netip.ParseAddr(at); at != "localhost" && (err != nil || !ip.IsLoopback()) {
			counts[at]++
		}
	}
	for at, n := range counts {
		if 2*n > len(addrs) && len(addrs) > 1 {
			return at, n
		}
	}
	return "", 0
}
