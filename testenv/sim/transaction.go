package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"evergate/gateway/resp"
)

// A transaction is two SETs of one identity, that of its EXEC: it is all or nothing, once. Some watch a key and read it
// before: where such a one was executed, nobody may have written the key between. A WATCH names its client in a second
// key, so that a node sees for whom a connection watches: nobody else may be served on it.

// transaction is what a node remembers of a connection for MULTI and WATCH.
type transaction struct {
	body    [][][]byte // of MULTI; nil outside
	open    bool
	aborted bool
	watched map[string]version
	watcher int // the client, -1 for none
}

// version changes with each change of a key.
type version struct{ whole, key int }

func (n *node) version(key string) version { return version{n.copies, n.versions[key]} }

// touched says that a key was changed.
func (n *node) touched(key string) {
	if n.versions == nil {
		n.versions = map[string]int{}
	}
	n.versions[key]++
}

// transact does MULTI, EXEC, WATCH and UNWATCH.
func (n *node) transact(l *lane, name string, args [][]byte) []byte {
	tx := &l.tx
	switch name {
	case "MULTI":
		if tx.open {
			n.w.ledger.fail("%s was sent MULTI within MULTI", n.addr)
		}
		tx.open, tx.body, tx.aborted = true, nil, false
		return resp.OK
	case "WATCH":
		keys := keysOf(args)
		_, who, _ := strings.Cut(keys[1], "#")
		by, _ := strconv.Atoi(who)
		n.watchedFor(l, by)
		if refusal := n.misplaced(l, keys, true, false); refusal != nil {
			return refusal
		}
		if tx.watched == nil {
			tx.watched, tx.watcher = map[string]version{}, by
		}
		tx.watched[keys[0]] = n.version(keys[0])
		return resp.OK
	case "UNWATCH":
		if n.w.o.Bug != KeepWatching {
			tx.watched = nil
		}
		return resp.OK
	}
	asking := l.asking
	l.asking = false
	was := *tx
	*tx = transaction{}
	switch {
	case !was.open:
		return []byte("-ERR EXEC without MULTI\r\n")
	case was.aborted:
		return []byte("-EXECABORT Transaction discarded because of previous errors.\r\n")
	case len(was.body) == 0:
		return []byte("*0\r\n")
	}
	all := [][]byte{[]byte("MSET")}
	for _, set := range was.body {
		all = append(all, set[1:]...)
	}
	keys := keysOf(all)
	if refusal := n.misplaced(l, keys, false, asking); refusal != nil {
		return refusal
	}
	if refusal := n.refuses(false); refusal != nil {
		return append([]byte("-EXECABORT Transaction discarded because of: "), refusal[1:]...)
	}
	for key, v := range was.watched {
		if v != n.version(key) {
			return map[uint8][]byte{2: []byte("*-1\r\n"), 3: resp.Null3}[l.proto]
		}
	}
	return n.runAll(l, all, keys)
}

// runAll executes a transaction.
func (n *node) runAll(l *lane, all [][]byte, keys []string) []byte {
	before := map[string]int{}
	for _, k := range keys {
		before[k] = -1
		if by, here := n.data[k]; here {
			before[k] = by
		}
	}
	at := n.execute(l, all, keys)
	n.w.ledger.execs[at].before = before
	n.run("MSET", keys, all, at)
	b := resp.AppendArray(nil, len(keys))
	for range keys {
		b = fmt.Appendf(b, "+%s\r\n", all[2])
	}
	return b
}

// enqueue takes a command of a transaction.
func (n *node) enqueue(l *lane, args [][]byte) []byte {
	var own [][]byte
	for _, a := range args {
		own = append(own, bytes.Clone(a))
	}
	l.tx.body = append(l.tx.body, own)
	return []byte("+QUEUED\r\n")
}

// watchedFor fails where a connection watches for one client and another one is served on it.
func (n *node) watchedFor(l *lane, client int) {
	if l.tx.watched != nil && l.tx.watcher != client {
		n.w.ledger.fail("lane %v watches for client %d, and client %d is served on it", l, l.tx.watcher, client)
	}
}

// transaction makes requests of which the last is an EXEC, a DISCARD or an UNWATCH.
func (c *client) transaction() (b []byte) {
	w := c.w
	k := c.key()
	keys := []string{k, k + "x"}
	var watched, read *request
	if w.rnd.IntN(2) == 0 {
		tag, _, _ := strings.Cut(k, "}")
		r, watch := c.ask(watch, nil, "WATCH", k, fmt.Sprintf("%s}w#%d", tag, c.number))
		watched, b = r, append(b, watch...)
		r, get := c.ask(getRange, []string{k}, "GETRANGE", k, "0", strconv.Itoa(len(w.ledger.requests)))
		read, b = r, append(b, get...)
	}
	if watched != nil && w.rnd.IntN(4) == 0 {
		_, more := c.ask(unwatch, nil, "UNWATCH")
		return append(b, more...)
	}
	id := strconv.Itoa(len(w.ledger.requests) + 1 + len(keys))
	_, more := c.ask(multi, nil, "MULTI")
	b = append(b, more...)
	for _, key := range keys {
		_, more = c.ask(queueing, nil, "SET", key, id)
		b = append(b, more...)
	}
	if w.rnd.IntN(8) == 0 {
		_, more = c.ask(discard, nil, "DISCARD")
		return append(b, more...)
	}
	r, more := c.ask(execute, keys, "EXEC")
	r.watched, r.read = watched, read
	return append(b, more...)
}

// execAnswered checks the reply to an EXEC.
func (l *ledger) execAnswered(r *request, text string) {
	if text == "*-1" || text == "_" {
		r.state = void
		if r.watched == nil || len(r.ran) > 0 {
			l.fail("%v was answered nil: it watched %v, and was executed %v", r, r.watched != nil, len(r.ran) > 0)
		}
		return
	}
	l.expect(r, text, fmt.Sprintf("*2\r\n+%d\r\n+%d", r.id, r.id))
	l.whole(r)
	if r.watched == nil || r.watched.state != acknowledged || r.read.state != acknowledged || len(r.ran) == 0 {
		return
	}
	if before := l.execs[r.ran[r.keys[0]]].before[r.keys[0]]; before != r.read.saw {
		l.fail("%v was executed over the write of #%d: its client watched, and had read that of #%d", r, before, r.read.saw)
	}
}

// whole fails where a transaction was executed in part, or in parts.
func (l *ledger) whole(r *request) {
	for _, k := range r.keys {
		if at, ran := r.ran[k]; len(r.ran) > 0 && (!ran || at != r.ran[r.keys[0]]) {
			l.fail("%v was executed in parts: %v", r, r.ran)
		}
	}
}

// handedOver notes the commands that the network took; those of a transaction when it took EXEC.
func (l *lane) handedOver(args [][]byte) {
	w := l.gate.w
	switch name := strings.ToUpper(string(args[0])); {
	case name == "MULTI":
		l.begun = true
	case name == "EXEC" && l.of != nil:
		l.of.handed++
		l.begun, l.of = false, nil
	case l.begun:
		l.of = w.ledger.identify(args)
	default:
		w.ledger.handed(args)
	}
}
