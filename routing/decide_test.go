package routing

import (
	"strings"
	"testing"

	"evergate/topology"
)

func decideBy(r Request, v *topology.View) (d Decision) {
	Decide(&d, r, v)
	return d
}

// TestNoAllocation: the steady state of the data plane allocates nothing.
func TestNoAllocation(t *testing.T) {
	views := []struct {
		name  string
		lines []string
	}{
		{"plain", nil},
		{"sharded", []string{"0-5460", "5461-10922", "10923-16383"}},
	}
	lines := []string{
		"GET k", "set k v", "CLIENT SETNAME x", "DEL {a}1 {a}2", "EVAL s 2 {a}1 {a}2 3", "MULTI", "SORT k STORE {k}d",
		"XREAD COUNT 2 STREAMS {a}1 {a}2 0 0", "SINTER a b", "NOSUCH x", "BLPOP a 0",
	}
	for _, v := range views {
		view := plainView()
		if v.lines != nil {
			view = shardedView(t, v.lines...)
		}
		for _, line := range lines {
			args := cutLine(t, line)
			n := testing.AllocsPerRun(100, func() { decideBy(Request{Command: Lookup(args), Args: args}, view) })
			if n != 0 {
				t.Errorf("%s, %s: %v allocations", v.name, line, n)
			}
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, line := range []string{"GET", "set", "CLIENT SETNAME", "GeoRadiusByMember_RO", "NOSUCH"} {
		var args [][]byte
		for _, word := range strings.Fields(line) {
			args = append(args, []byte(word))
		}
		b.Run(line, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Lookup(args)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	sharded := shardedView(b, "0-5460", "5461-10922", "10923-16383")
	get := [][]byte{[]byte("GET"), []byte("key:000000012345")}
	mget := [][]byte{[]byte("MGET"), []byte("a"), []byte("b"), []byte("c"), []byte("d")}
	b.Run("plain GET", func(b *testing.B) {
		view := plainView()
		for b.Loop() {
			decideBy(Request{Command: Lookup(get), Args: get}, view)
		}
	})
	b.Run("sharded GET", func(b *testing.B) {
		for b.Loop() {
			decideBy(Request{Command: Lookup(get), Args: get}, sharded)
		}
	})
	b.Run("split MGET", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			decideBy(Request{Command: Lookup(mget), Args: mget}, sharded)
		}
	})
}

func BenchmarkSlot(b *testing.B) {
	for _, key := range []string{"key:000000012345", "{user1000}.following"} {
		b.Run(key, func(b *testing.B) {
			k := []byte(key)
			for b.Loop() {
				Slot(k)
			}
		})
	}
}
