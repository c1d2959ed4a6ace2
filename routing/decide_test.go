package routing

import (
	"strings"
	"testing"

	"evergate/topology"
)

func words(line string) [][]byte {
	var args [][]byte
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return args
}

var onePrimary = &topology.View{Epoch: 1, Shards: []topology.Shard{{}}}

func BenchmarkLookup(b *testing.B) {
	for _, line := range []string{"GET k", "set k v", "CLIENT SETNAME x", "georadiusbymember_ro k m 1 m", "NOSUCH"} {
		args := words(line)
		b.Run(string(args[0]), func(b *testing.B) {
			for b.Loop() {
				Lookup(args)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	args := words("GET key:000000012345")
	r := Request{Command: Lookup(args), Args: args}
	for b.Loop() {
		Decide(r, onePrimary)
	}
}
