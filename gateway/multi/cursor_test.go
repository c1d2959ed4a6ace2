package multi

import (
	"strconv"
	"testing"

	"evergate/topology"
)

func TestCursorsAreReadAsTheyWereWritten(t *testing.T) {
	for _, l := range []layout{throughSlots, ofOneServer} {
		if l.place+l.print+l.at != cursorBits {
			t.Errorf("%+v is not for %d bits", l, cursorBits)
		}
		most := cursor{print: 1<<l.print - 1, at: 1<<l.at - 1}
		all := []cursor{{print: 1, at: 17}, most}
		if l == throughSlots {
			most.slot, most.stage = 16383, checkingFollowed
			all = append(all, most, cursor{slot: 16383, stage: checking, print: 1 << 13}, cursor{slot: 5},
				cursor{stage: following, print: 7})
		}
		for _, c := range all {
			number, ok := parseCursor(strconv.AppendUint(nil, l.write(c), 10))
			if got := l.read(number); !ok || got != c || number >= 1<<53 {
				t.Errorf("%+v is read as %+v of %d, %v", c, got, number, ok)
			}
		}
		for _, odd := range []uint64{1<<53 | 5<<16, 1<<64 - 1, 3 << (l.place + l.print)} {
			if got := l.read(odd); got.print != 0 || got.at != 0 {
				t.Errorf("%d, which no gateway has written, is read as %+v", odd, got)
			}
		}
	}
	if n := throughSlots.write(from(0)); n == 0 {
		t.Error("a scan that begins again at slot 0 has the cursor of one that has ended")
	}
	if from(topology.Slots) != finished || throughSlots.write(finished) != 0 || ofOneServer.write(finished) != 0 {
		t.Error("a scan behind the last slot has not ended")
	}
}

func TestCursorsAreReadAsServersDo(t *testing.T) {
	for word, want := range map[string]uint64{
		"0": 0, "": 0, "\x00": 0, "5\x00x": 5, "+5": 5, "05": 5, "-1": 1<<64 - 1, "18446744073709551615": 1<<64 - 1,
	} {
		if n, ok := parseCursor([]byte(word)); !ok || n != want {
			t.Errorf("%q: %d, %t", word, n, ok)
		}
	}
	for _, word := range []string{"x", " 5", "5 ", "-", "+", "+-5", "1_0", "18446744073709551616"} {
		if n, ok := parseCursor([]byte(word)); ok {
			t.Errorf("%q was taken for %d", word, n)
		}
	}
}

func TestPrintsIdentifyServers(t *testing.T) {
	m := &Multi{conf: Config{Print: FirstPrint}}
	print := func(n *topology.Node, facts ...uint64) uint32 { return m.printOf(throughSlots, n, facts...) }
	a, b := &topology.Node{RunID: "a"}, &topology.Node{RunID: "b"}
	seen := map[uint32]bool{}
	for _, print := range []uint32{print(a), print(b), print(a, 1), print(a, 2), print(a, 0, 1), print(b, 1)} {
		if print == 0 || print >= 1<<17 || seen[print] {
			t.Errorf("%d is seen twice, or has no room", print)
		}
		seen[print] = true
	}
	named := &topology.Node{Announced: "h:1"}
	if print(named) == print(&topology.Node{Announced: "h:2"}) || print(a) != print(&topology.Node{RunID: "a"}) {
		t.Error("servers are taken for others")
	}
}
