package routing

import "testing"

// TestGroups: a command is in the group of the data that it works on, as in the documentation of Redis.
func TestGroups(t *testing.T) {
	for name, want := range map[string]Group{
		"get": StringGroup, "setbit": StringGroup, "pfadd": SetGroup, "del": KeyspaceGroup, "scan": KeyspaceGroup,
		"object|freq": KeyspaceGroup, "hget": HashGroup, "lpush": ListGroup, "sadd": SetGroup, "zadd": SortedSetGroup,
		"xinfo|stream": StreamGroup, "geoadd": GeoGroup, "vadd": VectorGroup, "publish": PubSubGroup, "eval": ScriptGroup,
		"fcall": ScriptGroup, "script|load": ScriptGroup, "exec": TransactionGroup, "watch": TransactionGroup,
		"config|set": ServerGroup, "cluster|nodes": ServerGroup, "ping": ServerGroup, "info": ServerGroup,
	} {
		if got := GroupOf(int(Named(name).Index)); got != want {
			t.Errorf("%s is in %s, want %s", name, got, want)
		}
	}
	if GroupOf(0) != OtherGroup {
		t.Error("a command without a row is in a group")
	}
	names := map[string]bool{}
	for g := range Groups {
		names[Group(g).String()] = true
	}
	if len(names) != Groups || names[""] {
		t.Errorf("names %v", names)
	}
}
