package sim

import (
	"fmt"
	"slices"
	"time"

	"evergate/topology"
)

// history is what a server knows of its data's descent, and of the server that it copies.
type history struct {
	// runID changes with each start; replID names the history, replID2 the one it comes from, up to secondOffset.
	runID, replID, replID2 string
	offset, secondOffset   int64
	// has are the executions whose writes are in the data.
	has map[int]bool
	// following is the server that is copied; nil for a primary. link says how far that has come, until linkAt.
	following *node
	link      linkState
	linkAt    time.Duration
	// lag is how long a write takes from the primary to this replica.
	lag time.Duration
	// led are the histories that it had as a primary.
	led []string
	// startedAt is when the process started; forgot says that it then lacked writes that had been acknowledged.
	startedAt time.Duration
	forgot    bool
	// killedAt is when all connections of clients were cut last.
	killedAt time.Duration
}

type linkState uint8

const (
	linkDown linkState = iota
	linkSyncing
	linkUp
)

// linkPatience is how long a replica waits for a primary that says nothing.
const linkPatience = time.Second

// snapshot is what a server finds on its disk when it starts.
type snapshot struct {
	data   map[string]int
	has    map[int]bool
	replID string
	offset int64
}

func clone[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// name makes a run id or a replication id.
func (w *world) name() string {
	w.names++
	return fmt.Sprintf("id%04d", w.names)
}

func (n *node) place() place { return firstNode + place(n.id) }

// up says that the process runs.
func (n *node) up() bool { return n.alive && n.w.now >= n.frozenUntil }

// promote makes a replica a primary. What has not come to it is lost with its link.
func (n *node) promote() {
	if n.primary {
		return
	}
	n.w.tracef("%s becomes primary at offset %d", n.addr, n.offset)
	n.primary, n.following, n.link, n.queue = true, nil, linkDown, nil
	n.replID2, n.secondOffset, n.replID = n.replID, n.offset+1, n.w.name()
	n.led = append(n.led, n.replID)
	n.dropFollowers()
}

// demote makes a server copy another one.
func (n *node) demote(to *node) {
	if n == to || n.following == to {
		return
	}
	n.w.tracef("%s becomes a replica of %s", n.addr, to.addr)
	n.primary, n.following, n.link, n.queue = false, to, linkDown, nil
	n.linkAt = n.w.now + n.w.between(time.Millisecond, 20*time.Millisecond)
	n.dropFollowers()
}

// dropFollowers cuts the links of those that copy n: they must begin anew.
func (n *node) dropFollowers() {
	for _, r := range n.w.nodes {
		if r.following == n {
			r.link, r.queue = linkDown, nil
			r.linkAt = n.w.now + n.w.between(time.Millisecond, 50*time.Millisecond)
		}
	}
}

// killClients is CLIENT KILL TYPE normal: the gateway's connections break, its lanes' and its probes'.
func (n *node) killClients() {
	n.killedAt = n.w.now
	n.w.breakAll(n)
}

// endClients is CLIENT KILL ID: what lies in those sockets is not executed.
func (n *node) endClients(ids []int64) {
	for _, l := range n.w.sockets {
		if l.node == n && slices.Contains(ids, l.client) {
			n.w.tracef("%s ends client %d, lane %v", n.addr, l.client, l)
			l.served, l.in = false, nil
			l.toNode = pipe{}
		}
	}
}

// continues says that n can go on with what p has: nothing that n has is missing there.
func (n *node) continues(p *node) bool {
	return n.replID == p.replID && n.offset <= p.offset || n.replID == p.replID2 && n.offset < p.secondOffset
}

// copyPrimary lets the link to the primary come one step further.
func (n *node) copyPrimary() {
	p, w := n.following, n.w
	if p == nil || !n.up() {
		return
	}
	if !p.up() || w.cut(n.place(), p.place()) {
		if n.link != linkDown && w.now-n.linkAt > linkPatience || !p.alive {
			n.link, n.queue = linkDown, nil
		}
		return
	}
	switch n.link {
	case linkUp:
		n.linkAt = w.now
		n.replicate()
	case linkSyncing:
		if w.now >= n.linkAt {
			n.take(p)
		}
	case linkDown:
		if w.now < n.linkAt || w.now < p.loadingUntil || !p.primary && p.link != linkUp {
			return
		}
		if n.continues(p) {
			n.take(p)
			return
		}
		n.link, n.linkAt = linkSyncing, w.now+w.between(10*time.Millisecond, 300*time.Millisecond)
		n.loadingUntil = n.linkAt
	}
}

// take gets all that the primary has: by going on, or by a copy of it.
func (n *node) take(p *node) {
	w := n.w
	w.tracef("%s has all that %s has, offset %d", n.addr, p.addr, p.offset)
	if n.continues(p) {
		if n.replID != p.replID {
			n.replID2, n.secondOffset = n.replID, n.offset+1
		}
	} else {
		n.replID2, n.secondOffset = "", 0
	}
	n.replID, n.offset, n.forgot = p.replID, p.offset, false
	n.data, n.has = clone(p.data), clone(p.has)
	n.copies++
	n.link, n.linkAt, n.queue = linkUp, w.now, nil
	n.dropFollowers()
}

// propagate sends a write to those that copy n.
func (n *node) propagate(wr write) {
	for _, r := range n.w.nodes {
		if r.following == n && r.link == linkUp {
			late := wr
			late.at = n.w.now + n.w.between(0, max(r.lag, 1))
			if last := len(r.queue) - 1; last >= 0 {
				late.at = max(late.at, r.queue[last].at)
			}
			r.queue = append(r.queue, late)
		}
	}
}

// restart brings a process back with what its disk has: all, what was there some time ago, or nothing. It is what its
// settings say: a replica of whom it copied, or a primary.
func (n *node) restart() {
	w := n.w
	n.alive, n.runID, n.startedAt = true, w.name(), w.now
	n.replID2, n.secondOffset = "", 0
	had := n.has
	switch n.loses {
	case loseNothing:
		n.replID2, n.secondOffset = n.replID, n.offset+1
	case loseSome:
		n.data, n.has, n.offset = clone(n.disk.data), clone(n.disk.has), n.disk.offset
		n.replID2, n.secondOffset = n.disk.replID, n.disk.offset+1
	case loseAll:
		n.data, n.has, n.offset = map[string]int{}, map[int]bool{}, 0
	}
	n.forgot = false
	for at := range had {
		n.forgot = n.forgot || !n.has[at] && w.ledger.requests[w.ledger.execs[at].request].state == acknowledged
	}
	n.replID = w.name()
	if n.primary {
		n.led = append(n.led, n.replID)
	}
	if !n.primary && n.loses != loseAll { // what it copied is where it goes on
		n.replID, n.replID2, n.secondOffset = n.replID2, "", 0
	}
	n.link, n.linkAt, n.queue = linkDown, w.now, nil
	n.loadingUntil = w.now + w.between(0, 200*time.Millisecond)
	w.tracef("%s is back, %v, with %d writes, primary %v", n.addr, n.loses, len(n.has), n.primary)
}

// loss is what a restart costs.
type loss uint8

const (
	loseNothing loss = iota
	loseSome
	loseAll
)

func (l loss) String() string {
	return [...]string{"with all data", "with old data", "with no data"}[l]
}

// save writes a snapshot to the disk.
func (n *node) save() {
	n.disk = snapshot{data: clone(n.data), has: clone(n.has), replID: n.replID, offset: n.offset}
}

// roleSeen is what the server says of itself.
func (n *node) roleSeen() topology.RoleSeen {
	r := topology.RoleSeen{Addr: n.addr, Role: topology.RolePrimary, RunID: n.runID, ReplID: n.replID,
		ReplID2: n.replID2, Offset: n.offset, SecondOffset: n.secondOffset, Version: "7.2.4", Priority: 100}
	if !n.primary {
		r.Role, r.Primary = topology.RoleReplica, n.following.addr
		if n.w.formedAt > 0 {
			r.Primary = n.following.ip()
		}
		r.LinkUp, r.Syncing = n.link == linkUp, n.link == linkSyncing
		return r
	}
	for _, o := range n.w.nodes {
		if o.following == n && o.link == linkUp {
			r.Replicas = append(r.Replicas, o.addr)
		}
	}
	return r
}
