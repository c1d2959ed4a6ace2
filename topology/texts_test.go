package topology

import (
	"maps"
	"slices"
	"testing"
)

func TestInfo(t *testing.T) {
	const text = "# Server\r\nredis_version:7.4.1\r\nempty:\r\n\r\n" +
		"# Modules\r\n\r\n# Stats\nhits:3\nexecutable:a:b\nnonsense\n"
	want := map[string]string{"redis_version": "7.4.1", "empty": "", "hits": "3", "executable": "a:b"}
	if got := InfoFields(text); !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		section string
		fields  []string
		found   bool
	}{
		{"server", []string{"redis_version 7.4.1", "empty "}, true},
		{"Stats", []string{"hits 3", "executable a:b"}, true},
		{"modules", nil, true},
		{"cpu", nil, false},
	} {
		var fields []string
		for key, value := range InfoSection(text, c.section) {
			fields = append(fields, key+" "+value)
		}
		if found := HasInfoSection(text, c.section); !slices.Equal(fields, c.fields) || found != c.found {
			t.Errorf("%s: %q %v", c.section, fields, found)
		}
	}
}

func TestSaveState(t *testing.T) {
	const text = "# Persistence\r\nrdb_bgsave_in_progress:1\r\nrdb_last_bgsave_status:err\r\n"
	if running, ok := SaveState(text); !running || ok {
		t.Error(running, ok)
	}
	if running, ok := SaveState("rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n"); running || !ok {
		t.Error(running, ok)
	}
}

const nodesText = "idb 127.0.0.1:2@3,host,shard-id=x master,fail - 0 0 2 connected 100-200\n" +
	"idc :0@0 slave,noaddr,nofailover idb 0 0 18446744073709551615 disconnected\n" +
	"ida 127.0.0.1:1@3 myself,master - 0 0 1 connected 0-3 7 9-8 x 99999 [7->-idb] [2->-nobody] [8-<-idb] [x->-idb] -1\n" +
	"idd 127.0.0.1:4@5 slave\n" + "too short\n"

func TestClusterNodes(t *testing.T) {
	nodes := ClusterNodes(nodesText)
	a, b, c := nodes["ida"], nodes["idb"], nodes["idc"]
	switch {
	case len(nodes) != 4:
		t.Errorf("%d nodes", len(nodes))
	case !a.Myself || a.Failed || a.Addr != "127.0.0.1:1" || a.Epoch != 1,
		!slices.Equal(a.Slots, []SlotRange{{0, 3}, {7, 7}}), !maps.Equal(a.Migrating, map[int]string{7: "idb", 2: "nobody"}):
		t.Errorf("%+v", a)
	case b.Myself || !b.Failed || b.Addr != "127.0.0.1:2" || !slices.Equal(b.Slots, []SlotRange{{100, 200}}):
		t.Errorf("%+v", b)
	case nodes["idd"].Addr != "127.0.0.1:4":
		t.Errorf("%+v", nodes["idd"])
	case !c.Failed || c.Slots != nil || c.Migrating != nil:
		t.Errorf("%+v", c)
	}
}

func TestOwnSlotsAreThoseOfTheNodeItself(t *testing.T) {
	s := ReadOwnSlots(nodesText)
	for slot, want := range map[int]bool{0: true, 3: true, 2: false, 4: false, 7: false, 8: false, 9: false, 150: false} {
		if s.Has(slot) != want {
			t.Errorf("slot %d: %v", slot, s.Has(slot))
		}
	}
	if s.To(7) != "127.0.0.1:2" || s.To(2) != "" || s.To(0) != "" {
		t.Errorf("slot 7 moves to %q, slot 2 to %q, slot 0 to %q", s.To(7), s.To(2), s.To(0))
	}
}

func TestRedirection(t *testing.T) {
	for text, want := range map[string]struct {
		slot int
		addr string
		ok   bool
	}{
		"MOVED 3999 127.0.0.1:6381":   {3999, "127.0.0.1:6381", true},
		"ASK 0 host.example:1\r\n":    {0, "host.example:1", true},
		"MOVED 16383 :6381":           {16383, ":6381", true},
		"MOVED 16384 127.0.0.1:6381":  {},
		"MOVED -1 127.0.0.1:6381":     {},
		"MOVED x 127.0.0.1:6381":      {},
		"MOVED 1":                     {},
		"MOVED 1 127.0.0.1:6381 more": {},
		"":                            {},
	} {
		if slot, addr, ok := Redirection(text); ok != want.ok || ok && (slot != want.slot || addr != want.addr) {
			t.Errorf("%q: %d %q %v", text, slot, addr, ok)
		}
	}
}

// FuzzTexts: for any text of a server, slots are in range, and nothing panics.
func FuzzTexts(f *testing.F) {
	f.Add(nodesText)
	f.Add("# Server\r\nrun_id:x\r\n")
	f.Add("MOVED 1 127.0.0.1:1")
	f.Fuzz(func(t *testing.T, text string) {
		InfoFields(text)
		for key := range InfoSection(text, "server") {
			if !HasInfoSection(text, "server") {
				t.Errorf("%q of a section that there is not", key)
			}
		}
		if slot, _, ok := Redirection(text); ok && (slot < 0 || slot >= Slots) {
			t.Errorf("slot %d", slot)
		}
		own := ReadOwnSlots(text)
		own.Has(0)
		for id, n := range ClusterNodes(text) {
			for _, span := range n.Slots {
				if span.First < 0 || span.First > span.Last || span.Last >= Slots {
					t.Errorf("node %q has %+v", id, span)
				}
			}
		}
	})
}
