package redis

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"evergate/gateway/resp"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
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

func (n *Node) version(key string) version { return version{n.copies, n.versions[key]} }

// touched says that a key was changed.
func (n *Node) touched(key string) {
	if n.versions == nil {
		n.versions = map[string]int{}
	}
	n.versions[key]++
}

// transact does MULTI, EXEC, WATCH and UNWATCH.
func (n *Node) transact(l *Conn, name string, args [][]byte) []byte {
	tx := &l.tx
	switch name {
	case "MULTI":
		if tx.open {
			n.w.Ledger.Fail("%s was sent MULTI within MULTI", n.Addr)
		}
		tx.open, tx.body, tx.aborted = true, nil, false
		return resp.OK
	case "WATCH":
		keys := ledger.KeysOf(args)
		_, who, _ := strings.Cut(keys[1], "#")
		by, _ := strconv.Atoi(who)
		n.watchedFor(l, by)
		if refusal := n.misplaced(l, keys, true, false); refusal != nil {
			return refusal
		}
		if tx.watched == nil {
			tx.watched, tx.watcher = map[string]version{}, by
		}
		tx.watched[n.in(keys[0])] = n.version(n.in(keys[0]))
		return resp.OK
	case "UNWATCH":
		if n.w.Options.Bug != scenario.KeepWatching {
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
	case string(was.body[0][0]) == "SELECT": // somebody asks whether there is such a database
		return append(resp.AppendArray(nil, len(was.body)), bytes.Repeat(resp.OK, len(was.body))...)
	}
	all := [][]byte{[]byte("MSET")}
	for _, set := range was.body {
		all = append(all, set[1:]...)
	}
	keys := ledger.KeysOf(all)
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
func (n *Node) runAll(l *Conn, all [][]byte, keys []string) []byte {
	before := map[string]int{}
	for _, k := range keys {
		before[k] = -1
		if by, here := n.data[n.in(k)]; here {
			before[k] = by
		}
	}
	at := n.execute(l, all, keys)
	n.w.Ledger.Replaced(at, before)
	n.run("MSET", keys, all, at)
	b := resp.AppendArray(nil, len(keys))
	for range keys {
		b = fmt.Appendf(b, "+%s\r\n", all[2])
	}
	return b
}

// enqueue takes a command of a transaction.
func (n *Node) enqueue(l *Conn, args [][]byte) []byte {
	var own [][]byte
	for _, a := range args {
		own = append(own, bytes.Clone(a))
	}
	l.tx.body = append(l.tx.body, own)
	return []byte("+QUEUED\r\n")
}

// watchedFor fails where a connection watches for one client and another one is served on it.
func (n *Node) watchedFor(l *Conn, client int) {
	if l.tx.watched != nil && l.tx.watcher != client {
		n.w.Ledger.Fail("lane %v watches for client %d, and client %d is served on it", l, l.tx.watcher, client)
	}
}
