package decide

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/topology"
)

// entry is one address of the service with the last answers from it. Entries are never removed: their IDs must not be
// reused.
type entry struct {
	addr, announced string
	id              topology.NodeID
	// zone is Node.Zone.
	zone string
	// node is the immutable value that Views share; replaced when its content changes.
	node *topology.Node
	// role is the node's last answer; roleAt its time, zero if it never answered.
	role   topology.RoleSeen
	roleAt time.Time
	// wordAt is when the last probe ended, with or without an answer.
	wordAt time.Time
	// brokenAt is since when it reports that its link to its primary is down; zero while it does not.
	brokenAt time.Time
	// losses counts the consecutive failed probes since roleAt; 0 while it answers.
	losses  int
	lostWhy string
	// lostFor are the reasons that were reported since then.
	lostFor reasons
	// busy is Node.Busy.
	busy string
	// askedAt is when the question behind role was asked; a proof must be asked for after the claim.
	askedAt time.Time
	// probedAt is when the last probe was requested; openAt when the first unanswered one was, zero if all were
	// answered.
	probedAt, openAt time.Time
	// afreshAt is when it was last asked over a new connection because a worker met another run.
	afreshAt time.Time
	// chasedUntil is when the frequent questions of a chase end.
	chasedUntil time.Time
	// standing: the last View has it as a primary, or as one being demoted.
	standing bool
	// trusted is the history that it had as a trusted primary; empty before it was one.
	trusted history
	// fence is set while it claims to be the primary it was, with another history; see fence.go.
	fence *fence
	// covers is Shard.Covers of the shard whose primary it is.
	covers *topology.Node
}

// reasons are why something does not answer, without repetitions. A server that crashes first closes its connections,
// and refuses new ones from then on.
type reasons []string

// reasonsMax is how many reasons are reported.
const reasonsMax = 4

// add reports whether a reason is to be reported.
func (r *reasons) add(why string) bool {
	if len(*r) == reasonsMax || slices.Contains(*r, why) {
		return false
	}
	*r = append(*r, why)
	return true
}

// history identifies a server's data: its run and its replication ID.
type history struct{ runID, replID string }

func (e *entry) answered() bool { return !e.roleAt.IsZero() }
func (e *entry) lost() bool     { return e.losses > 0 }
func (e *entry) alive() bool    { return e.answered() && !e.lost() }

// settled reports whether a first probe of the node has ended, with or without an answer.
func (e *entry) settled() bool { return e.answered() || e.lost() }

// silent reports whether a probe has waited too long for its answer, though no connection broke.
func (e *entry) silent(now time.Time) bool {
	return !e.openAt.IsZero() && now.Sub(e.openAt) > silentAfter
}

// descends reports whether the node itself reports the history of a replication ID, or a continuation of it.
func (e *entry) descends(replID string) bool {
	return replID != "" && (e.role.ReplID == replID || e.role.ReplID2 == replID)
}

// isAlso reports whether two addresses lead to one server, by its run ID.
func (e *entry) isAlso(other *entry) bool {
	return e != other && e.alive() && e.role.RunID != "" && e.role.RunID == other.role.RunID
}

// renames reports whether the node is the trusted primary old under another address: same run, same history.
func (e *entry) renames(old *entry) bool {
	return e != old && e.reports(topology.RolePrimary) && e.role.RunID != "" && e.role.RunID == old.trusted.runID &&
		e.descends(old.trusted.replID)
}

// proves reports whether the node called itself primary when it was asked after since.
func (e *entry) proves(since time.Time) bool {
	return e.reports(topology.RolePrimary) && !e.askedAt.Before(since)
}

// reports reports whether the node answers and claims the role.
func (e *entry) reports(r topology.Role) bool { return e.alive() && e.role.Role == r }

// nodes has all addresses of one service, by dial address.
type nodes struct {
	addressMap map[string]string
	zoneOf     func(reported string, addrs ...string) string
	byAddr     map[string]*entry
	byID       []*entry
}

func newNodes(addressMap map[string]string, zoneOf func(reported string, addrs ...string) string) *nodes {
	return &nodes{addressMap: addressMap, zoneOf: zoneOf, byAddr: map[string]*entry{}}
}

// place finds out in which zone a node is, by its addresses and its last answer.
func (b *nodes) place(e *entry) {
	if e.zone = e.role.Zone; b.zoneOf != nil {
		e.zone = b.zoneOf(e.role.Zone, e.announced, e.addr)
	}
}

// announced finds or makes the entry of an announced address. If two are mapped to one, the first stays.
func (b *nodes) announced(addr string) *entry {
	e := b.dial(topology.MapAddr(b.addressMap, addr))
	if name := topology.Announce(addr); e.announced != name && e.announced == topology.Announce(e.addr) {
		e.announced = name
		e.node = nil
		b.place(e)
	}
	return e
}

// dial finds or makes the entry of a dial address.
func (b *nodes) dial(addr string) *entry {
	e := b.byAddr[addr]
	if e == nil {
		e = &entry{addr: addr, announced: topology.Announce(addr), id: topology.NodeID(len(b.byID))}
		b.place(e)
		b.byAddr[addr] = e
		b.byID = append(b.byID, e)
	}
	return e
}

// value returns the immutable Node of an entry, the same pointer while the content is the same.
func (e *entry) value() *topology.Node {
	run := e.role.RunID
	if e.fence != nil {
		run = e.trusted.runID
	}
	if e.node == nil || e.node.Version != e.role.Version || e.node.RunID != run || e.node.Busy != e.busy ||
		e.node.Eviction != e.role.Eviction || e.node.Announced != e.announced || e.node.Zone != e.zone {
		e.node = &topology.Node{ID: e.id, Addr: e.addr, Announced: e.announced, Version: e.role.Version,
			Busy: e.busy, RunID: run, Eviction: e.role.Eviction, Zone: e.zone}
	}
	return e.node
}

// versionLess orders redis versions by number: 7.0.15 before 7.2.0 before 10.0.
func versionLess(a, b string) bool {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(x)
		n, _ := strconv.Atoi(y)
		if m != n {
			return m < n
		}
	}
	return false
}
