package ledger

import (
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// acked is an acknowledged request of connection 1.
func acked(kind Kind, number int, at time.Duration) Entry {
	return Entry{Conn: 1, Number: number, Kind: kind, Struck: true, Intended: at, Sent: at, Done: at + ms}
}

func ended(e Entry, o Outcome, text string) Entry {
	e.Outcome, e.Text = o, text
	return e
}

func TestBalance(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []Entry
		found   Found
		want    Account
	}{
		{"all there", []Entry{acked(Set, 0, 0), acked(Incr, 1, 0)},
			Found{Keys: map[[2]int]bool{{1, 0}: true}, Counters: map[int]int64{1: 1}},
			Account{Acknowledged: 2, FirstLost: -1, LastLost: -1}},
		{"a key is gone", []Entry{acked(Set, 0, 5*ms), acked(Set, 1, 7*ms)}, Found{},
			Account{Acknowledged: 2, Lost: 2, FirstLost: 6 * ms, LastLost: 8 * ms}},
		{"an uncertain one may be there or not", []Entry{ended(acked(Set, 0, 0), Uncertain, "UNCERTAIN x"),
			ended(acked(Incr, 0, 0), Uncertain, "UNCERTAIN x")}, Found{Counters: map[int]int64{1: 1}},
			Account{FirstLost: -1, LastLost: -1}},
		{"counted too often", []Entry{acked(Incr, 0, 0), ended(acked(Incr, 1, 0), Uncertain, "UNCERTAIN x")},
			Found{Counters: map[int]int64{1: 4}}, Account{Acknowledged: 1, Twice: 2, FirstLost: -1, LastLost: -1}},
		{"counted too seldom", []Entry{acked(Incr, 0, 0), acked(Incr, 1, 0)}, Found{Counters: map[int]int64{1: 1}},
			Account{Acknowledged: 2, Lost: 1, FirstLost: -1, LastLost: -1}},
		{"refused and there", []Entry{ended(acked(Set, 0, 0), Refused, "LOADING x")},
			Found{Keys: map[[2]int]bool{{1, 0}: true}}, Account{RefusedRun: 1, FirstLost: -1, LastLost: -1}},
		{"a broken connection after it was sent", []Entry{ended(acked(Set, 0, 0), Broken, "closed EOF")},
			Found{Keys: map[[2]int]bool{{1, 0}: true}}, Account{FirstLost: -1, LastLost: -1}},
		{"executed after its client had left", []Entry{ended(acked(Push, 0, 0), GaveUp, ""), acked(Push, 1, 0)},
			Found{Lists: map[int][]int{1: {1, 0}}}, Account{Acknowledged: 1, Late: 1, FirstLost: -1, LastLost: -1}},
		{"overtaken on its way", []Entry{ended(acked(Push, 0, ms), GaveUp, ""), acked(Push, 1, ms)},
			Found{Lists: map[int][]int{1: {1, 0}}}, Account{Acknowledged: 1, Overtaken: 1, FirstLost: -1, LastLost: -1}},
		{"pushed twice", []Entry{acked(Push, 0, 0)}, Found{Lists: map[int][]int{1: {0, 0}}},
			Account{Acknowledged: 1, Twice: 1, FirstLost: -1, LastLost: -1}},
		{"a push is gone", []Entry{acked(Push, 0, 0), acked(Push, 1, 3*ms)}, Found{Lists: map[int][]int{1: {0}}},
			Account{Acknowledged: 2, Lost: 1, FirstLost: 4 * ms, LastLost: 4 * ms}},
	} {
		if got := Balance(c.entries, c.found, func(e *Entry) bool { return e.Sent == 0 }); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// scenario is a load of one write each 10 ms from 0 to 3 s that pauses from 1 s to 2 s.
func scenario() ([]Entry, Marks) {
	m := Unseen()
	m.Began, m.Struck, m.Ended = 0, 1000*ms, 3000*ms
	m.Strikes, m.Accepts = []time.Duration{m.Struck}, []time.Duration{1950 * ms}
	var entries []Entry
	for i := range 300 {
		at := time.Duration(i) * 10 * ms
		e := acked(Set, i, at)
		if at >= m.Struck && at < 2000*ms {
			e.Done = 2000 * ms
		}
		entries = append(entries, e)
	}
	return entries, m
}

func TestCount(t *testing.T) {
	entries, m := scenario()
	f := Count(entries, m, 100*ms)
	if got := f.WritePause; got != (Pause{991 * ms, 2000 * ms}) {
		t.Errorf("pause %v", got)
	}
	if len(f.Resumed) != 1 || f.Resumed[0] != 50*ms {
		t.Errorf("resumed %v", f.Resumed)
	}
	if f.InFlight != 11 { // at 1.00, 1.01, ... 1.10 s
		t.Errorf("in flight %d", f.InFlight)
	}
	if f.Before.Count != 100 || f.Before.Max > 2*ms || f.During.Max < 990*ms || f.After.Count == 0 || f.After.Max > 2*ms {
		t.Errorf("before %+v during %+v after %+v", f.Before, f.During, f.After)
	}
	if f.ReadPause.Length() != 0 {
		t.Errorf("nobody read, and the pause is %v", f.ReadPause)
	}
	for i := range entries {
		entries[i].Kind = Get
	}
	if f = Count(entries, m, 0); f.ReadPause.Length() != 1009*ms || f.WritePause.Length() != 0 {
		t.Errorf("reads %v, writes %v", f.ReadPause, f.WritePause)
	}
}

func TestAPauseToTheEndCounts(t *testing.T) {
	entries, m := scenario()
	f := Count(entries[:50], m, 0)
	if f.WritePause.To != m.Ended || f.WritePause.Length() != 2509*ms {
		t.Errorf("%v", f.WritePause)
	}
	if f.Resumed[0] != -1 {
		t.Errorf("resumed %v", f.Resumed)
	}
}

func TestJudge(t *testing.T) {
	bar := Bar{Uncertain: InFlight, Lost: Receipt, Resume: 100 * ms, Pause: 2 * time.Second, ReadPause: 300 * ms,
		Switches: 1, Waits: true}
	for _, c := range []struct {
		name   string
		change func(f *Figures, a *Account, g *Gate, m *Marks, b *Bar)
		want   string // part of what is broken or vacuous; empty: kept
	}{
		{"all is well", func(*Figures, *Account, *Gate, *Marks, *Bar) {}, ""},
		{"an error", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) {
			f.Errors["LOADING"], f.Example["LOADING"] = 2, "LOADING x"
		}, `2 errors LOADING, for example "LOADING x"`},
		{"as uncertain as was in flight", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) {
			f.Uncertain = f.InFlight
		}, ""},
		{"more uncertain", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) { f.Uncertain = f.InFlight + 1 },
			"UNCERTAIN, at most"},
		{"uncertain where none may be", func(f *Figures, _ *Account, _ *Gate, _ *Marks, b *Bar) {
			f.Uncertain, b.Uncertain = 1, None
		}, "none is promised"},
		{"lost, with a receipt", func(_ *Figures, a *Account, g *Gate, _ *Marks, _ *Bar) {
			a.Lost, g.Receipts = 3, []int{2, 1}
		}, ""},
		{"no receipt", func(_ *Figures, a *Account, _ *Gate, _ *Marks, _ *Bar) { a.Lost = 3 }, "without a receipt"},
		{"lost beyond the receipt", func(_ *Figures, a *Account, g *Gate, _ *Marks, _ *Bar) {
			a.Lost, g.Receipts = 3, []int{2}
		}, "at most 2"},
		{"lost where none may be", func(_ *Figures, a *Account, g *Gate, _ *Marks, b *Bar) {
			a.Lost, g.Receipts, b.Lost = 1, []int{5}, None
		}, "acknowledged writes lost"},
		{"lost after the return", func(_ *Figures, a *Account, g *Gate, m *Marks, b *Bar) {
			a.Lost, a.LastLost, g.Receipts, m.Healed, b.Fenced = 1, 3*time.Second, []int{5}, 2*time.Second, true
		}, "1 s after the old primary's return"},
		{"lost too late", func(_ *Figures, a *Account, g *Gate, m *Marks, b *Bar) {
			a.Lost, a.LastLost, g.Receipts, b.LostFor = 1, m.Struck+3*time.Second, []int{5}, 2*time.Second
		}, "acknowledged 3 s after the strike is lost, at most 2 s is promised"},
		{"twice", func(_ *Figures, a *Account, _ *Gate, _ *Marks, _ *Bar) { a.Twice = 1 }, "executed twice"},
		{"late", func(_ *Figures, a *Account, _ *Gate, _ *Marks, _ *Bar) { a.Late = 1 }, "had left"},
		{"rejected", func(_ *Figures, a *Account, _ *Gate, _ *Marks, _ *Bar) { a.RefusedRun = 1 },
			"1 write was executed although rejected"},
		{"a long pause", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) { f.WritePause.To = 9 * time.Second },
			"no write for"},
		{"a long pause of reads", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) {
			f.ReadPause = Pause{0, 301 * ms}
		}, "no read for 301 ms, at most 300 ms is promised"},
		{"resumed late", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) { f.Resumed[0] = 101 * ms },
			"resumed 101 ms after"},
		{"never resumed", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) { f.Resumed[0] = -1 }, "no write was"},
		{"no switch", func(_ *Figures, _ *Account, _ *Gate, m *Marks, _ *Bar) { m.Accepts = nil }, "0 of 1 expected"},
		{"a switch too many", func(_ *Figures, _ *Account, _ *Gate, _ *Marks, b *Bar) { b.Switches = -1 },
			"unexpected failover"},
		{"no wait", func(_ *Figures, _ *Account, g *Gate, _ *Marks, _ *Bar) { g.Waiting = 0 }, "no client had to wait"},
		{"no gateway", func(_ *Figures, _ *Account, g *Gate, _ *Marks, _ *Bar) { *g = Gate{} }, ""},
		{"nothing flowed", func(f *Figures, _ *Account, _ *Gate, _ *Marks, _ *Bar) { f.Before.Count = 0 },
			"no request succeeded"},
		{"nothing struck", func(_ *Figures, _ *Account, _ *Gate, m *Marks, _ *Bar) { m.Struck = -1 }, "nothing was broken"},
	} {
		entries, m := scenario()
		f, b := Count(entries, m, 100*ms), bar
		a, g := Account{Acknowledged: 300, LastLost: -1}, Gate{Known: true, Waiting: 1}
		c.change(&f, &a, &g, &m, &b)
		v := Judge(f, a, g, m, b)
		sentences := strings.Join(append(v.Sentences(), v.Vacuous), "; ")
		if v.Kept() != (c.want == "") || !strings.Contains(sentences, c.want) {
			t.Errorf("%s: %q, want %q", c.name, sentences, c.want)
		}
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 ms", 4 * time.Microsecond: "0 ms", 95 * time.Microsecond: "0.1 ms",
		5961 * time.Microsecond: "5.96 ms", 9996 * time.Microsecond: "10 ms", 62*ms + 400*time.Microsecond: "62 ms",
		999700 * time.Microsecond: "1 s", 1385 * ms: "1.385 s", 2500 * ms: "2.5 s", 71 * time.Second: "71 s"} {
		if got := Spell(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestLackOfReplicasIsPermitted: the gateway rejects writes that too few replicas could confirm, where the bar says so.
func TestLackOfReplicasIsPermitted(t *testing.T) {
	entries, m := scenario()
	entries[150] = ended(entries[150], Refused, "NOREPLICAS evergate: x")
	f := Count(entries, m, 100*ms)
	bar := Bar{Uncertain: InFlight, Lost: None, Switches: 1, MayLackReplicas: true}
	account := Account{FirstLost: -1, LastLost: -1}
	if v := Judge(f, account, Gate{}, m, bar); len(v.Broken) > 0 {
		t.Errorf("broken: %v", v.Sentences())
	}
	account = Account{Acknowledged: 299, Lost: 1, FirstLost: 0, LastLost: 0}
	bar.MayLackReplicas = false
	if v := Judge(f, account, Gate{}, m, bar); len(v.Broken) != 2 {
		t.Errorf("broken: %v", v.Sentences())
	}
}
