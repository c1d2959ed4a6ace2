package session

import (
	"slices"
	"testing"
)

func TestTransactionsDoNotShareTheirBeginning(t *testing.T) {
	begin := append(make([]byte, 0, 64), "MULTI "...)
	var a, b Session
	a.BeginMulti(begin)
	b.BeginMulti(begin)
	if a.Multi.Size() != 0 || string(a.Multi.Body[0]) != "MULTI " {
		t.Errorf("%q is kept for a transaction without commands", a.Multi.Body)
	}
	a.Multi.Queue([]byte("SET"), false, 7, Traits{Writes: true})
	b.Multi.Queue([]byte("GET"), false, -1, Traits{Named: true})
	a.Multi.Queue([]byte("TIME"), false, -1, Traits{})
	if got := string(a.Multi.Body[0]) + ", " + string(b.Multi.Body[0]); got != "MULTI SETTIME, MULTI GET" {
		t.Errorf("the bodies are %s", got)
	}
	if m := a.Multi; m.Count != 2 || m.Slot != 7 || m.Traits != (Traits{Writes: true}) || m.Size() != len(m.Body[0]) {
		t.Errorf("%+v", m)
	}
	if m := b.Multi; m.Slot != -1 || m.Traits != (Traits{Named: true}) {
		t.Errorf("%+v", m)
	}
	if a.EndMulti(); a.Multi.Size() != 0 {
		t.Error("something is kept for no transaction")
	}
}

// TestLongTransactionsAreNotCopied: a long frame that is handed over stays where it is, and its memory counts.
func TestLongTransactionsAreNotCopied(t *testing.T) {
	var s Session
	s.BeginMulti([]byte("MULTI "))
	long := make([]byte, 200<<10, 256<<10)
	s.Multi.Queue(long, true, -1, Traits{})
	s.Multi.Queue([]byte("SHORT "), false, -1, Traits{})
	s.Multi.Queue(make([]byte, 100<<10), false, -1, Traits{})
	s.Multi.Queue([]byte("TINY "), false, -1, Traits{})
	first, rest := s.Multi.With([]byte("EXEC"))
	if &rest[0][0] != &long[0] || string(first) != "MULTI " || string(rest[0][len(long):]) != "SHORT " {
		t.Errorf("the long frame was copied, or something is wrong: %q, %d pieces", first, len(rest))
	}
	sent, queued := slices.Concat(append([][]byte{first}, rest...)...), slices.Concat(s.Multi.Body...)
	if string(sent) != string(queued)+"EXEC" || s.Multi.Size() != len(queued) {
		t.Errorf("%d bytes are sent of %d, which are said to be %d", len(sent), len(queued), s.Multi.Size())
	}
	room := 0
	for _, piece := range s.Multi.Body {
		room += cap(piece)
	}
	if s.Multi.Memory() < room-len("MULTI ") || s.Multi.Memory() > room {
		t.Errorf("%d bytes are counted, %d taken", s.Multi.Memory(), room)
	}
}

func TestOnlyAWatchBreaks(t *testing.T) {
	var w Watch
	if w.Break(); w.Is() || w.Broken() || w.Intact() {
		t.Errorf("nothing is watched: %+v", w)
	}
	if w.Begin(-1); !w.Is() || !w.Intact() || w.Slot() != -1 {
		t.Errorf("begun: %+v", w)
	}
	if w.Break(); !w.Is() || !w.Broken() || w.Intact() {
		t.Errorf("broken: %+v", w)
	}
	if w.End(); w != (Watch{}) {
		t.Errorf("ended: %+v", w)
	}
}

func TestRoundKeepsTheLeastCounts(t *testing.T) {
	var r Round
	r.Take([]int64{3, 1})
	r.Take([]int64{2, 5})
	if r != (Round{Shard: 2, Least: [2]int64{2, 1}}) {
		t.Errorf("%+v", r)
	}
}
