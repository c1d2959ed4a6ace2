package session

import "testing"

func TestTransactionsDoNotShareTheirBeginning(t *testing.T) {
	begin := append(make([]byte, 0, 64), "MULTI "...)
	var a, b Session
	a.BeginMulti(begin)
	b.BeginMulti(begin)
	if a.Multi.Size() != 0 || string(a.Multi.Body) != "MULTI " {
		t.Errorf("%q is kept for a transaction without commands", a.Multi.Body)
	}
	a.Multi.Queue([]byte("SET"), 7, Traits{Writes: true})
	b.Multi.Queue([]byte("GET"), -1, Traits{Named: true})
	a.Multi.Queue([]byte("TIME"), -1, Traits{})
	if got := string(a.Multi.Body) + ", " + string(b.Multi.Body); got != "MULTI SETTIME, MULTI GET" {
		t.Errorf("the bodies are %s", got)
	}
	if m := a.Multi; m.Count != 2 || m.Slot != 7 || m.Traits != (Traits{Writes: true}) || m.Size() != len(m.Body) {
		t.Errorf("%+v", m)
	}
	if m := b.Multi; m.Slot != -1 || m.Traits != (Traits{Named: true}) {
		t.Errorf("%+v", m)
	}
	if a.EndMulti(); a.Multi.Size() != 0 {
		t.Error("something is kept for no transaction")
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
