package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// node is one server: a map from keys to who wrote them, a role, and its moods.
type node struct {
	w       *world
	id      int
	addr    string
	shard   *shard
	primary bool // what the node itself believes
	data    map[string]int
	// queue are writes of the primary that have not reached this replica yet.
	queue []write
	// alive is false while the process is down; it is back at backAt.
	alive  bool
	backAt time.Duration
	// Until these times it does nothing, loads its data, says that the cluster is down, or that its link is.
	frozenUntil  time.Duration
	loadingUntil time.Duration
	downUntil    time.Duration
	linkUntil    time.Duration
	// pace is how many commands it runs in a round.
	pace int
	view *topology.Node
	// versions count the changes of keys, copies how often all data were replaced.
	versions map[string]int
	copies   int
	// Where the State is real: what the data descend from, what is on the disk, and what a restart loses of it.
	history
	member
	disk  snapshot
	loses loss
}

type write struct {
	at   time.Duration
	key  string
	by   int // the request; -1 deletes
	exec int
}

// serve runs what has arrived on a connection and answers.
func (n *node) serve(l *lane) {
	w := n.w
	if n.pace > 2 || w.rnd.IntN(3) == 0 {
		l.in = append(l.in, l.toNode.take(w.now, 1+w.rnd.IntN(64<<10))...)
	}
	n.endMoved(l)
	left := n.pace
	var out []byte
	for left > 0 && len(l.in) > 0 && l.served {
		limits := resp.DefaultLimits()
		var s resp.Scanner
		size, args, status := s.Next(l.in, nil, &limits)
		if status == resp.More {
			break
		}
		if status != resp.Frame || !(w.o.Listeners && ofListeners(args)) && (forbidden(args) || malformed(args)) {
			w.ledger.fail("%s was sent %q on a shared connection", n.addr, clip(l.in))
			return
		}
		l.ran = -1
		if w.o.Listeners && ofListeners(args) {
			out = append(out, n.listen(l, args)...)
			l.replies = append(l.replies, replyEnd{l.answeredTo + int64(len(out)), -1})
			l.in = l.in[size:]
			left--
			continue
		}
		if l.proto == 3 && w.rnd.IntN(100) == 0 {
			out = append(out, ">2\r\n$10\r\ninvalidate\r\n_\r\n"...) // nobody asked for it
		}
		if answers, used := n.reorder(l, args, size, l.answeredTo == 0 && len(out) == 0); used > 0 {
			out, l.in = append(out, answers...), l.in[used:]
			left--
			continue
		}
		out = append(out, n.command(l, args)...)
		l.replies = append(l.replies, replyEnd{l.answeredTo + int64(len(out)), l.ran})
		l.in = l.in[size:]
		left--
	}
	if len(out) > 0 && !l.dead {
		w.tracef("%s answers lane %v %q", n.addr, l, clip(out))
		l.answeredTo += int64(len(out))
		w.send(&l.toGate, out)
	}
}

// forbidden names what must never stand on a shared connection.
func forbidden(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "MOD.SET", "ASKING", "COMMAND",
		"MULTI", "EXEC", "WATCH", "UNWATCH":
		return false
	}
	return true
}

// keysOf returns the keys of a command.
func keysOf(args [][]byte) []string {
	var keys []string
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "GET", "GETRANGE", "MOD.SET":
		keys = append(keys, string(args[1]))
	case "MGET", "DEL", "WATCH":
		for _, a := range args[1:] {
			keys = append(keys, string(a))
		}
	case "MSET":
		for i := 1; i < len(args); i += 2 {
			keys = append(keys, string(args[i]))
		}
	}
	return keys
}

// command answers one command.
func (n *node) command(l *lane, args [][]byte) []byte {
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
	}
	if r := n.w.ledger.identify(args); r != nil {
		n.watchedFor(l, r.client)
	}
	keys := keysOf(args)
	read := name == "GET" || name == "GETRANGE" || name == "MGET"
	refusal := n.refuses(read)
	if refusal == nil || n.w.o.Cluster || n.w.o.Voice == Bus {
		if misplaced := n.misplaced(l, keys, read, asking); misplaced != nil && n.w.now >= n.loadingUntil {
			refusal = misplaced
		}
	}
	switch {
	case refusal != nil:
		l.tx.aborted = true
		return refusal
	case l.tx.open && n.w.o.Bug != RunUnqueued:
		return n.enqueue(l, args)
	}
	answer := n.run(name, keys, args, n.execute(l, args, keys))
	if l.tx.open {
		return n.enqueue(l, args)
	}
	return answer
}

// refuses is what a node says that cannot serve now; nil when it can.
func (n *node) refuses(read bool) []byte {
	switch {
	case n.w.now < n.loadingUntil:
		return []byte("-LOADING Redis is loading the dataset in memory\r\n")
	case n.w.o.Voice != Bus && !n.w.o.Cluster && !n.primary && !read:
		return []byte("-READONLY You can't write against a read only replica.\r\n")
	case !n.primary && n.w.now < n.linkUntil:
		return []byte("-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n")
	}
	return nil
}

// misplaced is what a node of a cluster says to a command that belongs elsewhere; nil when it belongs here.
func (n *node) misplaced(l *lane, keys []string, read, asking bool) []byte {
	refusal := ""
	if n.w.o.Voice == Bus {
		refusal = n.redirectByBus(l, keys, read)
	} else if n.w.o.Cluster {
		refusal = n.redirect(l, keys, read, asking)
	}
	if refusal == "" {
		return nil
	}
	return resp.AppendError(nil, refusal)
}

// execute notes that a command is executed, and returns the number of that.
func (n *node) execute(l *lane, args [][]byte, keys []string) int {
	at := n.w.ledger.executed(args, keys, n.addr, n.behind())
	l.ran = at
	if n.w.judge != nil && writes(args) {
		n.w.judge.ran(n, at)
	}
	n.w.ledger.execs[at].on, n.w.ledger.execs[at].at = n, n.w.now
	return at
}

// behind says that the node is not who everybody is to believe: what it knows may be old, and what is written there
// will be lost.
func (n *node) behind() bool {
	if n.w.keeper != nil {
		return false
	}
	return n.shard.primary != n && (n.primary || n.w.o.Async || n.queue != nil)
}

// redirect is getNodeByQuery of a cluster: it returns the refusal, or nothing.
func (n *node) redirect(l *lane, keys []string, read, asking bool) string {
	w := n.w
	if w.now < n.downUntil {
		return "CLUSTERDOWN The cluster is down"
	}
	slot := routing.Slot([]byte(keys[0]))
	missing := 0
	for _, k := range keys {
		if routing.Slot([]byte(k)) != slot {
			return "CROSSSLOT Keys in request don't hash to the same slot"
		}
		if _, here := n.data[k]; !here {
			missing++
		}
	}
	owner, target := w.owner(slot), w.moving[slot]
	moved := fmt.Sprintf("MOVED %d %s", slot, owner.primary.addr)
	switch {
	case owner == n.shard && n.primary && target != nil:
		if missing == 0 {
			return ""
		}
		if len(keys) > 1 && missing < len(keys) {
			return "TRYAGAIN Multiple keys request during rehashing of slot"
		}
		return fmt.Sprintf("ASK %d %s", slot, target.primary.addr)
	case owner == n.shard && (n.primary || read && l.readOnly):
		return ""
	case target == n.shard && n.primary && asking:
		if len(keys) > 1 && missing > 0 {
			return "TRYAGAIN Multiple keys request during rehashing of slot"
		}
		return ""
	}
	return moved
}

// run does a command and returns its reply.
func (n *node) run(name string, keys []string, args [][]byte, at int) []byte {
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
	r := n.w.ledger.identify(args)
	if r == nil {
		return resp.AppendError(nil, "ERR no identity")
	}
	for _, k := range keys {
		by := r.id
		if name == "DEL" {
			by = -1
		}
		n.store(k, by, at)
	}
	switch name {
	case "INCRBY":
		return resp.AppendInt(nil, int64(r.id))
	case "DEL":
		return resp.AppendInt(nil, int64(r.id*len(keys)))
	case "MSET":
		return resp.OK
	}
	return fmt.Appendf(nil, "+%d\r\n", r.id)
}

// padding makes long values; it is longer than what keeps new requests off a lane.
var padding = strings.Repeat("=", 1_300_000)

// value is what a read returns: who wrote the key, and which execution read it. Some keys have long values.
func (n *node) value(key string, id, at int) string {
	writer := "nil"
	if by, ok := n.data[key]; ok {
		writer = strconv.Itoa(by)
	}
	text := fmt.Sprintf("%s %d@%d=%s|", key, id, at, writer)
	switch {
	case strings.HasSuffix(key, "big"):
		text += padding[:90_000]
	case strings.HasSuffix(key, "huge"):
		text += padding
	}
	return text
}

// store writes, and sends the write on to the replicas.
func (n *node) store(key string, by, exec int) {
	n.apply(write{key: key, by: by, exec: exec})
	if n.w.keeper != nil {
		n.propagate(write{key: key, by: by, exec: exec})
		return
	}
	if n.shard.primary != n {
		n.w.ledger.execs[exec].lost = true // nobody follows this node any more
		return
	}
	for _, r := range n.shard.nodes {
		if r == n {
			continue
		}
		wr := write{at: n.w.now, key: key, by: by, exec: exec}
		if n.w.o.Async {
			wr.at += n.w.between(0, 50*time.Millisecond)
			r.queue = append(r.queue, wr)
		} else {
			r.apply(wr)
		}
	}
}

func (n *node) apply(wr write) {
	n.touched(wr.key)
	if n.has != nil {
		n.has[wr.exec] = true
		n.offset += int64(len(wr.key)) + 20
	}
	if wr.by < 0 {
		delete(n.data, wr.key)
	} else {
		n.data[wr.key] = wr.by
	}
}

// replicate applies what has reached a replica.
func (n *node) replicate() {
	for len(n.queue) > 0 && n.queue[0].at <= n.w.now {
		n.apply(n.queue[0])
		n.queue = n.queue[1:]
	}
	if len(n.queue) == 0 {
		n.queue = nil
	}
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

// writes says that a command changes data.
func writes(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "MSET", "DEL", "MOD.SET":
		return true
	}
	return false
}

// slotOf is the slot of a command's first key.
func slotOf(args [][]byte) int { return routing.Slot([]byte(keysOf(args)[0])) }
