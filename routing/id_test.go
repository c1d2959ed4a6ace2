package routing

import (
	"bytes"
	"testing"
)

func TestIDsAreThoseOfTheirRows(t *testing.T) {
	for id := Other + 1; int(id) < len(idNames); id++ {
		if idNames[id] == "" {
			t.Fatalf("the ID behind that of %q has no name", idNames[id-1])
		}
		if c := named(idNames[id]); c.ID != id {
			t.Errorf("%s has the ID %d, want %d", c.Name, c.ID, id)
		}
	}
	for _, c := range []struct {
		line       string
		id, family ID
	}{
		{"PING", CmdPing, CmdPing},
		{"Client Kill", CmdClientKill, CmdClient},
		{"client", CmdClient, CmdClient},
		{"cluster slot-stats 1", Other, CmdCluster},
		{"pubsub numpat", CmdPubSubNumPat, Other},
		{"get k", Other, Other},
	} {
		if got := Lookup(fields(c.line)); got.ID != c.id || got.Family != c.family {
			t.Errorf("%s: ID %d of family %d, want %d of %d", c.line, got.ID, got.Family, c.id, c.family)
		}
	}
}

func TestOnlySentinelsHaveSentinel(t *testing.T) {
	line := fields("SENTINEL Masters")
	if c := Lookup(line); c != nil {
		t.Errorf("the table has %s", c.Name)
	}
	of := OfSentinel(line[0])
	if of == nil || of.ID != CmdSentinel || of.Of(line).ID != CmdSentinelMasters || of.Of(line).Family != CmdSentinel {
		t.Errorf("%v", of)
	}
	for name, has := range map[string]bool{"PING": true, "client": true, "get": false, "nonsense": false} {
		if (OfSentinel([]byte(name)) != nil) != has {
			t.Errorf("a Sentinel has %s: %v", name, !has)
		}
	}
	for name, may := range map[string]bool{"sentinel": false, "config|get": false, "nonsense": true} {
		if Learnable(name) != may {
			t.Errorf("a server may be asked for %s: %v", name, !may)
		}
	}
}

func fields(line string) [][]byte { return bytes.Fields([]byte(line)) }
