package redis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// The elements of a list are keys of their own, "list#element", so that they are replicated, saved and moved as keys
// are. A list of which there are none is none.

// element is what the node calls an element of a list.
func element(list string, by int) string { return fmt.Sprintf("%s#%d", list, by) }

// front is the oldest element of a list; -1 for none.
func front(data map[string]int, list string) int {
	oldest := -1
	for key, by := range data {
		if strings.HasPrefix(key, list) && strings.HasPrefix(key[len(list):], "#") && (oldest < 0 || by < oldest) {
			oldest = by
		}
	}
	return oldest
}

// has returns whether there is such a key.
func has(data map[string]int, key string) bool {
	if strings.HasSuffix(key, "list") {
		return front(data, key) >= 0
	}
	_, here := data[key]
	return here
}

// blocks returns whether the command in front has its connection wait.
func (l *Conn) blocks(args [][]byte) bool {
	n := l.Node
	if strings.EqualFold(string(args[0]), "wait") {
		return l.waits(args)
	}
	if l.tx.open || !strings.EqualFold(string(args[0]), "blpop") || ledger.Malformed(args) {
		return false
	}
	if l.blockedUntil == 0 {
		seconds, _ := strconv.ParseFloat(string(args[3]), 64)
		l.blockedUntil = n.w.Now + time.Duration(seconds*float64(time.Second))
	}
	waits := n.w.Now < l.blockedUntil && front(n.data, n.in(string(args[1]))) < 0 && n.refuses(false) == nil &&
		n.misplaced(l, ledger.KeysOf(args), false, l.asking) == nil
	l.waited = l.waited || waits
	if waits && n.w.Now < l.unblockUntil {
		l.unblocked = true
		return false
	}
	return waits || n.w.Options.Bug == scenario.LoseAnswer
}

// pop answers a blocking command that waits no longer.
func (l *Conn) pop(args [][]byte) []byte {
	n, list := l.Node, string(args[1])
	e := front(n.data, n.in(list))
	switch {
	case l.unblocked:
		l.unblocked = false
		return []byte("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")
	case e < 0:
		return map[uint8][]byte{2: []byte("*-1\r\n"), 3: resp.Null3}[l.proto]
	}
	at := n.w.Ledger.Took(args, e, l.here())
	l.ran = at
	n.w.executes(n, at)
	n.store(element(n.in(list), e), -1, at)
	b := resp.AppendBulkString(resp.AppendArray(nil, 2), list)
	b = resp.AppendBulkString(b, strconv.Itoa(e))
	l.elementTo = l.answeredTo + int64(len(b))
	return b
}

// unblockFor is for how long a server is asked to unblock a client.
const unblockFor = 50 * time.Millisecond

// Unblock is CLIENT UNBLOCK ... ERROR for a client of the node at an address, again and again for a while.
func (w *Servers) Unblock(addr string, client int64) {
	for _, l := range w.Sockets {
		if l.Client == client && l.Node.Addr == addr {
			l.unblockUntil = w.Now + unblockFor
		}
	}
}

// lostRole is what a node that is a replica now says to those who wait, before it closes the connection.
func (l *Conn) lostRole() []byte {
	l.ends = true
	return []byte("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n")
}

// CheckLists fails where an acknowledged element was lost by itself.
func (w *Servers) CheckLists() {
	w.Ledger.Kept(func(list string, by, exec int) bool {
		p := w.primaryOf(list)
		if p == nil || p.Has != nil && !p.Has[exec] {
			return p != nil // lost in a failover: the judge's business
		}
		_, here := p.data[element(list, by)]
		_, other := p.data[element("1/"+list, by)]
		return here || other
	})
}

// Kept reports whether the node that has a key, when all is calm, has what an execution wrote; moved, whether that was
// on another one.
func (w *Servers) Kept(key string, at int) (moved, has bool) {
	p := w.primaryOf(key)
	return p.ID != w.Ledger.Execs[at].On, p.Has[at]
}

// primaryOf is the node that has a key, when all is calm.
func (w *Servers) primaryOf(key string) *Node {
	switch s := w.Owner(routing.Slot([]byte(key))); {
	case w.Options.Voice == scenario.Bus:
		return w.Nodes[0].Claims[s.Index].Primary
	case w.Options.Voice == scenario.Sentinels:
		return w.NodeByRole(true)
	case w.Options.Cluster:
		return s.Primary
	}
	return w.Shards[0].Primary
}
