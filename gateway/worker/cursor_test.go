package worker

import (
	"strconv"
	"testing"

	"evergate/topology"
)

func TestCursorsAreReadAsTheyWereWritten(t *testing.T) {
	for _, c := range []cursor{
		{print: 1, at: 17}, {slot: 16383, stage: checking, print: 1 << 13}, {slot: 0, stage: following, print: 7},
		{slot: 866, stage: checkingFollowed, print: 1<<14 - 1, at: 1<<34 - 1}, {slot: 5},
	} {
		got, ok := parseCursor(strconv.AppendUint(nil, c.number(), 10))
		if !ok || got != c || !c.fits() {
			t.Errorf("%+v is read as %+v, %v", c, got, ok)
		}
	}
	if (cursor{at: 1 << 34}).fits() {
		t.Error("35 bits are said to fit into 34")
	}
	if n := from(0).number(); n == 0 {
		t.Error("a scan that begins again at slot 0 has the cursor of one that has ended")
	}
	if from(topology.Slots) != finished || finished.number() != 0 {
		t.Error("a scan behind the last slot has not ended")
	}
}

func TestPrintsTellServersApart(t *testing.T) {
	a, b := &topology.Node{RunID: "a"}, &topology.Node{RunID: "b"}
	seen := map[uint16]bool{}
	for _, print := range []uint16{printOf(a), printOf(b), printOf(a, 1), printOf(a, 2), printOf(a, 0, 1), printOf(b, 1)} {
		if print == 0 || print >= 1<<printBits || seen[print] {
			t.Errorf("%d is seen twice, or has no room", print)
		}
		seen[print] = true
	}
	named := &topology.Node{Announced: "h:1"}
	if printOf(named) == printOf(&topology.Node{Announced: "h:2"}) || printOf(a) != printOf(&topology.Node{RunID: "a"}) {
		t.Error("servers are taken for others")
	}
}

func TestOwnSlotsAreThoseOfTheNodeItself(t *testing.T) {
	s := parseSlots("idb 127.0.0.1:2@3,host master - 0 0 2 connected 100-200\n" +
		"ida 127.0.0.1:1@3 myself,master - 0 0 1 connected 0-3 7 9-8 x 99999 [7->-idb] [2->-nobody] [8-<-idb]\n")
	for slot, want := range map[int]bool{0: true, 3: true, 2: false, 4: false, 7: false, 8: false, 9: false, 150: false} {
		if s.has(slot) != want {
			t.Errorf("slot %d: %v", slot, s.has(slot))
		}
	}
	if s.moving[7] != "127.0.0.1:2" {
		t.Errorf("slot 7 moves to %q", s.moving[7])
	}
}
