package redis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// Node is one server: a map from keys to who wrote them, a role, and its moods.
type Node struct {
	w       *Servers
	ID      int
	Addr    string
	shard   *Shard
	Primary bool // what the node itself believes
	data    map[string]int
	// queue are writes of the primary that have not reached this replica yet.
	queue []write
	// Alive is false while the process is down; it is back at BackAt.
	Alive  bool
	BackAt time.Duration
	// Until these times it does nothing, loads its data, says that the cluster is down, or that its link is.
	FrozenUntil  time.Duration
	loadingUntil time.Duration
	downUntil    time.Duration
	linkUntil    time.Duration
	// scripts are the names of those that it knows, db the database of the connection that is served.
	scripts map[string]bool
	db      int32
	// pace is how many commands it runs in a round.
	pace int
	View *topology.Node
	// versions count the changes of keys, copies how often all data were replaced.
	versions map[string]int
	copies   int
	// Where the State is real: what the data descend from, what is on the disk, and what a restart loses of it.
	history
	member
	reported
	disk  snapshot
	loses Loss
}

// serve runs what has arrived on a connection and answers.
func (n *Node) serve(l *Conn) {
	w := n.w
	if (n.pace > 2 || w.Rnd.IntN(3) == 0) && w.Now >= l.lateUntil {
		l.In = append(l.In, l.ToNode.Take(w.Now, 1+w.Rnd.IntN(64<<10))...)
	}
	n.endMoved(l)
	n.db = l.DB
	left := n.pace
	var out []byte
	for left > 0 && len(l.In) > 0 && l.served {
		limits := resp.DefaultLimits()
		var s resp.Scanner
		size, args, status := s.Next(l.In, nil, &limits)
		if status == resp.More {
			break
		}
		listens := status == resp.Frame && w.Options.Listeners && ledger.OfListeners(args)
		if status == resp.Frame && l.blocks(args) {
			break
		}
		if status != resp.Frame || !listens && (!l.mayHave(args) || ledger.Malformed(args)) {
			w.Ledger.Fail("%s was sent %q on a shared connection", n.Addr, network.Clip(l.In))
			return
		}
		l.ran = -1
		if listens {
			out = append(out, n.listen(l, args)...)
			l.replies = append(l.replies, replyEnd{end: l.answeredTo + int64(len(out)), exec: -1})
			l.In = l.In[size:]
			left--
			continue
		}
		if l.proto == 3 && w.Rnd.IntN(100) == 0 {
			out = append(out, ">2\r\n$10\r\ninvalidate\r\n_\r\n"...) // nobody asked for it
		}
		if answers, used := n.reorder(l, args, size, l.answeredTo == 0 && len(out) == 0); used > 0 {
			out, l.In = append(out, answers...), l.In[used:]
			left--
			continue
		}
		before, late := n.Offset, l.waited
		out = append(out, n.command(l, args)...)
		l.replicates(before, late)
		l.replied(l.answeredTo+int64(len(out)), args)
		l.In = l.In[size:]
		left--
		l.served = l.served && !l.ends
	}
	if len(out) > 0 && !l.Dead {
		w.Tracef("%s answers lane %v %q", n.Addr, l, network.Clip(out))
		l.answeredTo += int64(len(out))
		w.Send(&l.ToGate, out)
	}
	if l.ends && !l.Dead {
		l.Dead, l.DeadAt = true, w.Now
	}
}

// command answers one command.
func (n *Node) command(l *Conn, args [][]byte) []byte {
	name := strings.ToUpper(string(args[0]))
	asking := l.asking
	if !l.tx.open && name != "MULTI" && name != "EXEC" {
		l.asking = false
	}
	switch name {
	case "ASKING":
		l.asking = true
		return resp.OK
	case "COMMAND":
		return commandInfo(l.proto, args)
	case "MULTI", "EXEC", "WATCH", "UNWATCH":
		return n.transact(l, name, args)
	case "PING":
		return pong(args)
	case "SELECT", "SCRIPT":
		return l.setUp(name, args)
	case "CLIENT":
		return l.endClient(args)
	case "WAIT", "HELLO", "FUNCTION":
		return l.confirm(name, args)
	}
	if r := n.w.Ledger.Identify(args); r != nil {
		n.watchedFor(l, r.Client)
		if n.w.Options.Bug == scenario.DenyRetried && r.Retried() {
			return []byte("-NOPERM No permissions to access a key\r\n")
		}
	}
	keys := ledger.KeysOf(args)
	read := name == "GET" || name == "GETRANGE" || name == "MGET" || name == "SCAN" ||
		name == "CLUSTER"
	refusal := n.refuses(read)
	if len(keys) > 0 && (refusal == nil || n.w.Options.Sharded()) {
		if misplaced := n.misplaced(l, keys, read, asking); misplaced != nil && n.w.Now >= n.loadingUntil {
			refusal = misplaced
		}
	}
	waited := l.waited
	if name == "BLPOP" {
		l.blockedUntil, l.waited = 0, false
	}
	switch {
	case refusal != nil && waited && !n.Primary && !n.w.Options.Sharded():
		return l.lostRole()
	case refusal != nil:
		l.tx.aborted = true
		return refusal
	case l.tx.open && n.w.Options.Bug != scenario.RunUnqueued:
		return n.enqueue(l, args)
	}
	if answer := l.runWide(name, args); answer != nil {
		return answer
	}
	answer := n.run(name, keys, args, n.execute(l, args, keys))
	if l.tx.open {
		return n.enqueue(l, args)
	}
	return answer
}

var readOnly = []byte("-READONLY You can't write against a read only replica.\r\n")

// refuses is what a node says that cannot serve now; nil when it can.
func (n *Node) refuses(read bool) []byte {
	switch {
	case n.w.Now < n.loadingUntil:
		return []byte("-LOADING Redis is loading the dataset in memory\r\n")
	case n.w.Options.Voice != scenario.Bus && !n.w.Options.Cluster && !n.Primary && !read:
		return readOnly
	case !n.Primary && n.w.Now < n.linkUntil:
		return []byte("-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n")
	}
	return nil
}

// misplaced is what a node of a cluster says to a command that belongs elsewhere; nil when it belongs here.
func (n *Node) misplaced(l *Conn, keys []string, read, asking bool) []byte {
	refusal := ""
	if n.w.Options.Voice == scenario.Bus {
		refusal = n.redirectByBus(l, keys, read)
	} else if n.w.Options.Cluster {
		refusal = n.redirect(l, keys, read, asking)
	}
	if refusal == "" {
		return nil
	}
	return resp.AppendError(nil, refusal)
}

// execute notes that a command is executed, and returns the number of that.
func (n *Node) execute(l *Conn, args [][]byte, keys []string) int {
	here := l.here()
	here.Behind = here.Behind || n.w.hasMoved(n, keys)
	at := n.w.Ledger.Executed(args, keys, here)
	l.ran = at
	if ledger.Writes(args) {
		n.w.executes(n, at)
	} else if n.w.Reads != nil {
		n.w.Reads(n, at, keys)
	}
	return at
}

// here is where and when a command of the connection is executed.
func (l *Conn) here() ledger.Where {
	n := l.Node
	return ledger.Where{On: n.ID, Node: n.Addr, At: n.w.Now, Behind: n.behind()}
}

// hasMoved says that a node is a replica without one of the keys, whose slot moves. It has no text for what is missing,
// so the gateway takes that for an answer; of a real one it would ask the primary.
func (w *Servers) hasMoved(n *Node, keys []string) bool {
	return !n.Primary && slices.ContainsFunc(keys, func(k string) bool {
		return w.Moving[routing.Slot([]byte(k))] != nil && !has(n.data, k)
	})
}

// behind says that the node is not who everybody is to believe: what it knows may be old, and what is written there
// will be lost.
func (n *Node) behind() bool {
	if n.w.Options.RealState() {
		return false
	}
	if n.w.Options.Consistency == session.Gateway {
		return n.Primary && n.shard.Primary != n
	}
	return n.shard.Primary != n && (n.Primary || n.w.Options.Async || n.queue != nil)
}

// redirect is getNodeByQuery of a cluster: it returns the refusal, or nothing.
func (n *Node) redirect(l *Conn, keys []string, read, asking bool) string {
	w := n.w
	if w.Now < n.downUntil {
		return "CLUSTERDOWN The cluster is down"
	}
	slot := routing.Slot([]byte(keys[0]))
	missing := 0
	for _, k := range keys {
		if routing.Slot([]byte(k)) != slot {
			return "CROSSSLOT Keys in request don't hash to the same slot"
		}
		if !has(n.data, k) {
			missing++
		}
	}
	owner, target := w.Owner(slot), w.Moving[slot]
	moved := fmt.Sprintf("MOVED %d %s", slot, owner.Primary.Addr)
	switch {
	case owner == n.shard && n.Primary && target != nil:
		if missing == 0 {
			return ""
		}
		if len(keys) > 1 && missing < len(keys) {
			return "TRYAGAIN Multiple keys request during rehashing of slot"
		}
		return fmt.Sprintf("ASK %d %s", slot, target.Primary.Addr)
	case owner == n.shard && (n.Primary || read && l.readOnly):
		return ""
	case target == n.shard && n.Primary && asking:
		if len(keys) > 1 && missing > 0 {
			return "TRYAGAIN Multiple keys request during rehashing of slot"
		}
		return ""
	}
	return moved
}

// run does a command and returns its reply.
func (n *Node) run(name string, keys []string, args [][]byte, at int) []byte {
	switch name {
	case "GET":
		return resp.AppendBulkString(nil, n.value(keys[0], -1, at))
	case "GETRANGE":
		id, _ := strconv.Atoi(string(args[3]))
		return resp.AppendBulkString(nil, n.value(keys[0], id, at))
	case "MGET":
		b := resp.AppendArray(nil, len(keys))
		for _, k := range keys {
			b = resp.AppendBulkString(b, n.value(k, -1, at))
		}
		return b
	}
	r := n.w.Ledger.Identify(args)
	if r == nil {
		return resp.AppendError(nil, "ERR no identity")
	}
	for _, k := range keys {
		by, as := r.ID, n.in(k)
		switch name {
		case "DEL":
			by = -1
		case "RPUSH":
			as = element(as, r.ID)
		}
		n.store(as, by, at)
	}
	switch name {
	case "INCRBY", "RPUSH":
		return resp.AppendInt(nil, int64(r.ID))
	case "DEL":
		return resp.AppendInt(nil, int64(r.ID*len(keys)))
	case "MSET":
		return resp.OK
	}
	return fmt.Appendf(nil, "+%d\r\n", r.ID)
}

// value is what a read returns: who wrote the key, and which execution read it. Some keys have long values.
func (n *Node) value(key string, id, at int) string {
	writer := "nil"
	if by, ok := n.data[n.in(key)]; ok {
		writer = strconv.Itoa(by)
	}
	text := fmt.Sprintf("%s %d@%d=%s|", key, id, at, writer)
	switch {
	case strings.HasSuffix(key, "big"):
		text += scenario.Padding[:90_000]
	case strings.HasSuffix(key, "huge"):
		text += scenario.Padding
	}
	return text
}

// commandInfo answers COMMAND INFO: there is one command that only the servers know.
func commandInfo(proto uint8, args [][]byte) []byte {
	b := resp.AppendArray(nil, 1)
	if len(args) == 3 && strings.EqualFold(string(args[2]), "mod.set") {
		b = resp.AppendArray(b, 6)
		b = resp.AppendBulkString(b, "mod.set")
		b = resp.AppendInt(b, 3)
		b = append(b, "*2\r\n+write\r\n+denyoom\r\n"...)
		return append(b, ":1\r\n:1\r\n:1\r\n"...)
	}
	if proto == 3 {
		return append(b, resp.Null3...)
	}
	return append(b, "*-1\r\n"...)
}
