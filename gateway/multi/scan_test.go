package multi

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"testing"

	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// buckets is a server's hash table, or one for each slot, as newer servers of a cluster have it. It is scanned as they
// do it: bucket by bucket, counted from the highest bit down.
type buckets struct {
	bits int
	keys map[int]map[uint64][]string // by slot, 0 where there is one table, and by bits.Reverse64(hash)
	slot bool
}

func (b *buckets) add(key string, dice *rand.Rand) {
	slot := 0
	if b.slot {
		slot = routing.Slot([]byte(key))
	}
	if b.keys[slot] == nil {
		b.keys[slot] = map[uint64][]string{}
	}
	place := dice.Uint64()
	b.keys[slot][place] = append(b.keys[slot][place], key)
}

// scan gives at least count keys from a cursor on, and the next one.
func (b *buckets) scan(cursor uint64, count int) (next uint64, found []string) {
	slot := 0
	if b.slot {
		slot, cursor = int(cursor&(1<<slotBits-1)), cursor>>slotBits
	}
	for visited := 0; ; visited++ {
		if len(found) >= count || visited == 10*count {
			if b.slot {
				cursor = cursor<<slotBits | uint64(slot)
			}
			return cursor, found
		}
		at := bits.Reverse64(cursor & (1<<b.bits - 1))
		width := uint64(1) << (64 - b.bits)
		for place, keys := range b.keys[slot] {
			if place-at < width {
				found = append(found, keys...)
			}
		}
		if cursor = bits.Reverse64(at + width); cursor != 0 {
			continue
		}
		for slot++; b.slot && slot < topology.Slots && len(b.keys[slot]) == 0; slot++ {
		}
		if !b.slot || slot == topology.Slots {
			return 0, found
		}
	}
}

// TestCutCursorsMissNothing scans tables that are much larger than a cursor has room for, while they grow and shrink.
func TestCutCursorsMissNothing(t *testing.T) {
	defer func(a, b layout) { ofOneServer, throughSlots = a, b }(ofOneServer, throughSlots)
	ofOneServer.at, throughSlots.at = 4, slotBits+2
	for seed := range uint64(20) {
		for _, sharded := range []bool{false, true} {
			dice := rand.New(rand.NewPCG(seed, 1))
			table := &buckets{bits: 9, keys: map[int]map[uint64][]string{}, slot: sharded}
			var keys []string
			for i := range 400 {
				keys = append(keys, fmt.Sprintf("{%d}:%d", i%3, i))
				table.add(keys[i], dice)
			}
			seen, pages := scanned(t, table, sharded, func() { table.bits = 8 + dice.IntN(3) })
			for _, key := range keys {
				if seen[key] == 0 {
					t.Fatalf("seed %d, sharded %t: %s was missed in %d pages", seed, sharded, key, pages)
				}
			}
			if pages > 60 {
				t.Errorf("seed %d, sharded %t: %d pages for %d keys", seed, sharded, pages, len(keys))
			}
		}
	}
}

// scanned walks through a table as the worker does for a client.
func scanned(t *testing.T, table *buckets, sharded bool, between func()) (seen map[string]int, pages int) {
	t.Helper()
	m := &Multi{conf: Config{Print: FirstPrint}}
	v, n := &topology.View{Sharded: sharded, Shards: []topology.Shard{{}}}, &topology.Node{RunID: "a"}
	seen = map[string]int{}
	for asks := uint64(0); ; pages++ {
		k := &scan{at: 1, args: [][]byte{[]byte("SCAN"), []byte("0")}, asks: asks, sharded: sharded, to: topology.Slots}
		for k.answer == nil {
			k.next = k.layout().read(k.asks)
			m.goOn(k, v, n, 0)
			if k.checks() {
				return seen, pages
			}
			between()
			args := resp.Args(k.frame(), nil)
			at, _ := strconv.ParseUint(string(args[1]), 10, 64)
			count := 3
			if len(args) > 2 {
				count, _ = strconv.Atoi(string(args[3]))
			}
			next, found := table.scan(at, count)
			reply := resp.AppendBulkString(resp.AppendArray(nil, 2), strconv.FormatUint(next, 10))
			reply = append(reply, resp.AppendCommandStrings(nil, found...)...)
			k.answer = m.scanned(nil, k, reply)
		}
		page, _ := resp.Elements(k.answer)
		word, _ := resp.String(page[0])
		elements, _ := resp.Elements(page[1])
		for _, e := range elements {
			key, _ := resp.String(e)
			seen[string(key)]++
		}
		next, ok := parseCursor(word)
		if !ok || next >= 1<<cursorBits || pages > 1000 || next == asks && next != 0 {
			t.Fatalf("page %d of %d ends with the cursor %s", pages, asks, word)
		}
		if asks = next; asks == 0 {
			return seen, pages + 1
		}
	}
}
