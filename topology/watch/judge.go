package watch

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"evergate/topology"
)

// judge finds what is wrong, in words for the person who will mend it. It asks nobody.
func (f *Findings) judge(s Service, c *survey) {
	j := &judgement{Findings: f, s: s, c: c}
	j.sentinels()
	j.lost()
	j.roles()
	j.cluster()
	j.promotable()
	j.view()
	for _, why := range c.events {
		if !strings.HasSuffix(why, "all say primary") { // roles has said so
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

// judgement is what Findings are judged by.
type judgement struct {
	*Findings
	s Service
	c *survey
}

// problem adds one, once.
func (f *Findings) problem(g Grade, format string, args ...any) {
	p := Problem{g, fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(f.Problems, func(o Problem) bool { return o.Text == p.Text }) {
		f.Problems = append(f.Problems, p)
	}
}

// lost tells of nodes that cannot be used, those with the same fault together. What the settings name must be there;
// of the others it is enough that somebody can be promoted.
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

// needed reports whether a node that cannot be used must be there: it is named in the settings, or the topology does
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

// named reports whether the settings name an address, or a name that stands for it.
func (j *judgement) named(addr string) bool {
	for name, addrs := range j.c.resolved {
		if name == addr || slices.Contains(addrs, addr) {
			return true
		}
	}
	return slices.Contains(j.s.Cluster, addr) || slices.Contains(j.s.Sentinels, addr)
}

// helpless reports whether all addresses are further ones of names that lead to servers that answer: "localhost" is
// two.
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

// unreached is a sentence about servers or Sentinels that cannot be used for one reason: in the server's own words
// where it has said something, and with a hint about its network only where it was not reached.
func (j *judgement) unreached(g group, noun string, tls bool) string {
	who, why := nouns(noun, g.addrs), g.why
	setting := "--upstream-password-file"
	if noun != "server" {
		setting = "--sentinel-password-file"
	}
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
		return fmt.Sprintf("%s %s TLS, which Evergate does not support yet: use a port without TLS", who,
			oneOr(one, "speaks", "speak"))
	case strings.HasPrefix(why, "redis: "):
		return fmt.Sprintf("%s %s not speak the Redis protocol: %s", who, oneOr(one, "does", "do"), why)
	case isReply(why):
		return fmt.Sprintf("%s %s the query: %s", who, oneOr(one, "rejects", "reject"), why)
	}
	return fmt.Sprintf("%s cannot be reached: %s%s", who, why, j.elsewhere(g.addrs))
}

// passwordFault begins why a password could not be had from its file.
const passwordFault = "password file: "

// isReply reports whether words are a server's reply, which begins with a code in capitals.
func isReply(words string) bool {
	code, _, found := strings.Cut(words, " ")
	return found && len(code) > 1 && strings.ToUpper(code) == code && strings.ToLower(code) != code
}

// elsewhere is a hint for addresses that were announced or made by the map, not named: they may be of another network.
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

// settings tells of what the settings name in vain.
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

// group is what several addresses have in common.
type group struct {
	why   string
	addrs []string
}

// groups are those of what is lost, by its reason.
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

// and joins words as people do.
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

// crowded is the host that holds a majority of addresses, "" when none does. Servers on one's own machine are not
// judged: that is where things are tried.
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
