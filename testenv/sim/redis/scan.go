package redis

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"evergate/gateway/resp"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// A scan goes through the buckets of a server's table in the order of their numbers read from the lowest bit up, and
// its cursor is the number of a bucket. Which bucket a key is in each run of each server decides for itself.

// place is a key, and the place of its bucket in that order.
type place struct {
	key string
	at  uint32
}

// tableBits is how many bits the numbers of a node's buckets have.
func tableBits(n *Node) uint32 { return 3 + hash(n.Addr+n.RunID)%20 }

func hash(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text))
	return h.Sum32()
}

// places are the keys of a database, in that order. Lists are left out.
func places(n *Node, db int32) (all []place) {
	prefix := inDatabase(db, "")
	table := tableBits(n)
	for key := range n.data {
		name, ours := strings.CutPrefix(key, prefix)
		if ours && name[0] == '{' && !strings.Contains(name, "#") {
			all = append(all, place{name, order(hash(n.Addr+n.RunID+name), table)})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key)) })
	return all
}

// order is the place of a bucket, and the bucket of a place.
func order(bucket, table uint32) uint32 { return bits.Reverse32(bucket) >> (32 - table) }

// scan answers SCAN.
func (l *Conn) scan(args [][]byte) []byte {
	n, count := l.Node, 10
	at, _ := strconv.ParseUint(string(args[1]), 10, 64)
	for i := 2; i+1 < len(args); i += 2 {
		count, _ = strconv.Atoi(string(args[i+1]))
	}
	table := tableBits(n)
	all := places(n, n.db)
	from, _ := slices.BinarySearchFunc(all, order(uint32(at), table), func(p place, at uint32) int {
		return cmp.Compare(p.at, at)
	})
	to := min(from+count, len(all))
	for to > from && to < len(all) && all[to].at == all[to-1].at { // a bucket goes whole
		to++
	}
	next := uint32(0)
	if to < len(all) {
		next = order(all[to].at, table)
	}
	b := resp.AppendArray(resp.AppendBulkString(resp.AppendArray(nil, 2), strconv.Itoa(int(next))), to-from)
	for _, p := range all[from:to] {
		b = resp.AppendBulkString(b, p.key)
	}
	return b
}

// nodes answers CLUSTER NODES: whose slots are whose by the node's own picture.
func (l *Conn) nodes() []byte {
	n, w := l.Node, l.w
	text := ""
	for _, o := range w.Nodes {
		flags := "slave"
		if o == n {
			flags = "myself," + flags
		}
		slots := ""
		if o == n && n.Primary {
			slots = w.slotsText(n)
		}
		text += fmt.Sprintf("id%d %s@1 %s - 0 0 0 connected%s\n", o.ID, o.Addr, flags, slots)
	}
	return resp.AppendBulkString(nil, text)
}

// slotsText is what CLUSTER NODES says of a primary's own slots.
func (w *Servers) slotsText(n *Node) (text string) {
	if w.Options.Voice == scenario.Bus {
		for i, s := range w.Shards {
			if n.Claims[i].Primary == n {
				text += fmt.Sprintf(" %d-%d", s.Ranges.First, s.Ranges.Last)
			}
		}
		return text
	}
	for _, r := range w.SlotsOf(n.shard) {
		text += fmt.Sprintf(" %d-%d", r.First, r.Last)
	}
	for _, slot := range slices.Sorted(maps.Keys(w.Moving)) {
		if to := w.Moving[slot]; w.Owner(slot) == n.shard {
			text += fmt.Sprintf(" [%d->-id%d]", slot, to.Primary.ID)
		}
	}
	return text
}

// SlotsOf are the slots that a shard of the oracle's has.
func (w *Servers) SlotsOf(s *Shard) (all []topology.SlotRange) {
	first := s.Ranges.First
	for _, slot := range slices.Sorted(maps.Keys(w.Owners)) {
		if slot >= s.Ranges.First && slot <= s.Ranges.Last {
			if slot > first {
				all = append(all, topology.SlotRange{First: first, Last: slot - 1})
			}
			first = slot + 1
		}
		if w.Owners[slot] == s {
			all = append(all, topology.SlotRange{First: slot, Last: slot})
		}
	}
	if first <= s.Ranges.Last {
		all = append(all, topology.SlotRange{First: first, Last: s.Ranges.Last})
	}
	return all
}

// Everywhere are the keys of a database that every node of a shard has, and so any server that a scan may be sent to.
func (w *Servers) Everywhere(db int32) (all []string) {
	for _, s := range w.Shards {
		for _, p := range places(s.Nodes[0], db) {
			if !slices.ContainsFunc(s.Nodes, func(n *Node) bool { return !has(n.data, inDatabase(db, p.key)) }) {
				all = append(all, p.key)
			}
		}
	}
	return all
}

// replace gives a node other data. What it had and has not any more was not there all the time.
func (w *Servers) replace(n *Node, data map[string]int) {
	for key := range n.data {
		if _, here := data[key]; !here {
			w.Ledger.Absent(key[strings.Index(key, "{"):])
		}
	}
	n.data = data
}
