package routing

import (
	"fmt"
	"strings"
	"testing"
)

func TestDatabases(t *testing.T) {
	for line, want := range map[string]string{
		"SELECT 3": "[3]", "SWAPDB 1 2": "[1 2]", "MOVE k 4": "own [4]", "COPY a b": "own []", "COPY a b DB 2": "own [2]",
		"COPY a b replace db 2": "own [2]", "COPY a b DB 2 DB 3": "own [3]", "COPY db db": "own []",
		"COPY a db DB 1": "own [1]", "COPY a b DB": "own []", "FLUSHALL": "all []", "FLUSHALL ASYNC": "all []",
		"MONITOR": "all []", "PSYNC ? -1": "all []", "GET k": "own []", "KEYS *": "own []", "SCAN 0": "own []",
		"DBSIZE": "own []", "RANDOMKEY": "own []", "FLUSHDB": "own []", "EVAL x 0": "own []", "WATCH k": "own []",
		"XREAD STREAMS s 0": "own []", "BLPOP l 0": "own []", "PING": "[]", "MULTI": "[]", "EXEC": "[]",
		"PUBLISH c m": "[]", "SUBSCRIBE c": "[]", "INFO": "[]", "CLIENT ID": "[]", "AUTH x": "[]", "HELLO": "[]",
		"RESET": "[]", "CONFIG GET x": "[]",
	} {
		var args [][]byte
		for _, word := range strings.Fields(line) {
			args = append(args, []byte(word))
		}
		c := Lookup(args)
		if c == nil {
			t.Fatalf("%s: no row", line)
		}
		d, got := c.Databases(args), ""
		if d.Own {
			got = "own "
		}
		if d.All {
			got += "all "
		}
		var named []string
		for _, n := range d.Named {
			if n != nil {
				named = append(named, string(n))
			}
		}
		if got += fmt.Sprint(named); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
