package redis

import (
	"slices"
	"strconv"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// history is what a server knows of its data's descent, and of the server that it copies.
type history struct {
	// RunID changes with each start; replID names the history, ReplID2 the one it comes from, up to secondOffset.
	RunID, replID, ReplID2 string
	Offset, secondOffset   int64
	// Has are the executions whose writes are in the data.
	Has map[int]bool
	// Following is the server that is copied; nil for a primary. Link says how far that has come, until linkAt.
	Following *Node
	Link      linkState
	linkAt    time.Duration
	// lag is how long a write takes from the primary to this replica.
	lag time.Duration
	// Led are the histories that it had as a primary.
	Led []string
	// StartedAt is when the process started; Forgot says that it then lacked writes that had been acknowledged.
	StartedAt time.Duration
	Forgot    bool
	// KilledAt is when all connections of clients were cut last.
	KilledAt time.Duration
}

type linkState uint8

const (
	linkDown linkState = iota
	linkSyncing
	LinkUp
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

func Clone[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (n *Node) Place() network.Place { return network.FirstNode + network.Place(n.ID) }

// Up says that the process runs.
func (n *Node) Up() bool { return n.Alive && n.w.Now >= n.FrozenUntil }

// Promote makes a replica a primary. What has not come to it is lost with its link.
func (n *Node) Promote() {
	if n.Primary {
		return
	}
	n.w.Tracef("%s becomes primary at offset %d", n.Addr, n.Offset)
	n.Primary, n.Following, n.Link, n.queue = true, nil, linkDown, nil
	n.ReplID2, n.secondOffset, n.replID = n.replID, n.Offset+1, n.w.Name()
	n.Led = append(n.Led, n.replID)
	n.dropFollowers()
}

// Demote makes a server copy another one.
func (n *Node) Demote(to *Node) {
	if n == to || n.Following == to {
		return
	}
	n.w.Tracef("%s becomes a replica of %s", n.Addr, to.Addr)
	n.Primary, n.Following, n.Link, n.queue = false, to, linkDown, nil
	n.linkAt = n.w.Now + n.w.Between(time.Millisecond, 20*time.Millisecond)
	n.dropFollowers()
}

// dropFollowers cuts the links of those that copy n: they must begin anew.
func (n *Node) dropFollowers() {
	for _, r := range n.w.Nodes {
		if r.Following == n {
			r.Link, r.queue = linkDown, nil
			r.linkAt = n.w.Now + n.w.Between(time.Millisecond, 50*time.Millisecond)
		}
	}
}

// KillClients is CLIENT KILL TYPE normal: the gateway's connections break, its lanes' and its probes'.
func (n *Node) KillClients() {
	n.KilledAt = n.w.Now
	n.w.BreakAll(n)
}

// EndClients is CLIENT KILL ID: what lies in those sockets is not executed.
func (n *Node) EndClients(ids []int64) {
	for _, l := range n.w.Sockets {
		if l.Node == n && slices.Contains(ids, l.Client) {
			n.w.Tracef("%s ends client %d, lane %v", n.Addr, l.Client, l)
			l.served, l.In = false, nil
			l.ToNode = network.Pipe{}
		}
	}
}

// endClient is CLIENT KILL ID on a connection that is open.
func (l *Conn) endClient(args [][]byte) []byte {
	client, n := int64(0), l.Node
	if len(args) == 4 && string(args[1]) == "KILL" && string(args[2]) == "ID" {
		client, _ = strconv.ParseInt(string(args[3]), 10, 64)
	}
	if client == 0 {
		n.w.Ledger.Fail("%s was sent %q on a connection that others use", n.Addr, args)
	}
	for _, other := range n.w.Sockets {
		if other.Client == client && other.Node == n && other.served && other.ToNode.Size > 0 {
			n.w.Ended++
		}
	}
	if n.w.Options.Bug != scenario.NoKillBefore {
		n.EndClients([]int64{client})
	}
	return resp.AppendInt(nil, 1)
}

// continues says that n can go on with what p has: nothing that n has is missing there.
func (n *Node) continues(p *Node) bool {
	return n.replID == p.replID && n.Offset <= p.Offset || n.replID == p.ReplID2 && n.Offset < p.secondOffset
}

// copyPrimary lets the link to the primary come one step further.
func (n *Node) copyPrimary() {
	p, w := n.Following, n.w
	if p == nil || !n.Up() {
		return
	}
	if !p.Up() || w.Cut(n.Place(), p.Place()) {
		if n.Link != linkDown && w.Now-n.linkAt > linkPatience || !p.Alive {
			n.Link, n.queue = linkDown, nil
		}
		return
	}
	switch n.Link {
	case LinkUp:
		n.linkAt = w.Now
		n.replicate()
		acknowledgeInTime(n, p)
	case linkSyncing:
		if w.Now >= n.linkAt {
			n.take(p)
		}
	case linkDown:
		if w.Now < n.linkAt || w.Now < p.loadingUntil || !p.Primary && p.Link != LinkUp {
			return
		}
		if n.continues(p) {
			n.take(p)
			return
		}
		n.Link, n.linkAt = linkSyncing, w.Now+w.Between(10*time.Millisecond, 300*time.Millisecond)
		n.loadingUntil = n.linkAt
	}
}

// take gets all that the primary has: by going on, or by a copy of it.
func (n *Node) take(p *Node) {
	w := n.w
	w.Tracef("%s has all that %s has, offset %d", n.Addr, p.Addr, p.Offset)
	if n.continues(p) {
		if n.replID != p.replID {
			n.ReplID2, n.secondOffset = n.replID, n.Offset+1
		}
	} else {
		n.ReplID2, n.secondOffset = "", 0
	}
	n.replID, n.Offset, n.Forgot = p.replID, p.Offset, false
	w.replace(n, Clone(p.data))
	for at := range p.Has {
		w.Ledger.Execs[at].Arrived(n.ID, w.Now)
	}
	n.Has = Clone(p.Has)
	n.copies++
	n.Link, n.linkAt, n.queue = LinkUp, w.Now, nil
	n.dropFollowers()
}

// restart brings a process back with what its disk has: all, what was there some time ago, or nothing. It is what its
// settings say: a replica of whom it copied, or a primary.
func (n *Node) restart() {
	w := n.w
	n.Alive, n.RunID, n.StartedAt = true, w.Name(), w.Now
	n.ReplID2, n.secondOffset = "", 0
	had := n.Has
	switch n.loses {
	case LoseNothing:
		n.ReplID2, n.secondOffset = n.replID, n.Offset+1
	case loseSome:
		w.replace(n, Clone(n.disk.data))
		n.Has, n.Offset = Clone(n.disk.has), n.disk.offset
		n.ReplID2, n.secondOffset = n.disk.replID, n.disk.offset+1
	case loseAll:
		w.replace(n, map[string]int{})
		n.Has, n.Offset = map[int]bool{}, 0
	}
	n.Forgot = false
	for at := range had {
		if !n.Has[at] {
			n.Forgot = n.Forgot || w.Ledger.Acknowledged(at)
			w.Ledger.Execs[at].Forgot()
		}
	}
	n.replID = w.Name()
	if n.Primary {
		n.Led = append(n.Led, n.replID)
	}
	if !n.Primary && n.loses != loseAll { // what it copied is where it goes on
		n.replID, n.ReplID2, n.secondOffset = n.ReplID2, "", 0
	}
	n.Link, n.linkAt, n.queue = linkDown, w.Now, nil
	for _, r := range w.Nodes {
		if r.Following == n { // also one that was frozen all the time
			r.Link, r.queue = linkDown, nil
		}
	}
	n.loadingUntil = w.Now + w.Between(0, 200*time.Millisecond)
	if w.Options.Consistency == session.Gateway { // it serves what was on its disk for a while
		n.linkAt = n.loadingUntil + w.Between(0, 500*time.Millisecond)
	}
	w.Tracef("%s is back, %v, with %d writes, primary %v", n.Addr, n.loses, len(n.Has), n.Primary)
}

// Loss is what a restart costs.
type Loss uint8

const (
	LoseNothing Loss = iota
	loseSome
	loseAll
)

func (l Loss) String() string {
	return [...]string{"with all data", "with old data", "with no data"}[l]
}

// Save writes a snapshot to the disk.
func (n *Node) Save() {
	n.disk = snapshot{data: Clone(n.data), has: Clone(n.Has), replID: n.replID, offset: n.Offset}
}

// OffsetSeen is what a server says of its place in its history.
func OffsetSeen(n *Node) topology.RoleSeen {
	r := topology.RoleSeen{Addr: n.Addr, Role: topology.RolePrimary, RunID: n.RunID, ReplID: n.replID, Offset: n.Offset,
		Syncing: n.Link == linkSyncing}
	if !n.Primary {
		r.Role = topology.RoleReplica
	}
	return r
}

// RoleSeen is what the server says of itself.
func (n *Node) RoleSeen() topology.RoleSeen {
	r := topology.RoleSeen{Addr: n.Addr, Role: topology.RolePrimary, RunID: n.RunID, ReplID: n.replID,
		ReplID2: n.ReplID2, Offset: n.Offset, SecondOffset: n.secondOffset, Version: "7.2.4", Priority: 100}
	if !n.Primary {
		r.Role, r.Primary = topology.RoleReplica, n.Following.Addr
		if n.w.formedAt > 0 {
			r.Primary = n.Following.ip()
		}
		r.LinkUp, r.Syncing = n.Link == LinkUp, n.Link == linkSyncing
		return r
	}
	for _, o := range n.w.Nodes {
		if follows(o, n) {
			r.Replicas = append(r.Replicas, o.Addr)
		}
	}
	return r
}
