package drill

import (
	"strings"
	"testing"
	"time"
)

func TestSide(t *testing.T) {
	m := unseen()
	m.Struck, m.Accepts = 1000*ms, []time.Duration{2417 * ms}
	ours := &Report{Path: Gateway, Marks: m, Gate: Gate{Known: true, Acknowledged: 5825, Receipts: []int{17}},
		Account: Account{Acknowledged: 1377, Lost: 18}, Verdict: Verdict{Broken: []string{"18 are lost"}},
		Figures: Figures{Requests: 2101, Errors: map[string]int{}, Uncertain: 3, InFlight: 22,
			WritePause: Pause{1000 * ms, 2422 * ms}, ReadPause: Pause{0, 30 * ms}, Resumed: []time.Duration{4710 * ms / 1000}}}
	theirs := &Report{Path: Direct, Marks: unseen(), Account: Account{Acknowledged: 587},
		Verdict: Verdict{Vacuous: "0 switches", Broken: []string{"1220 errors"}},
		Figures: Figures{Requests: 2101, Errors: map[string]int{"closed": 72, "refused": 1148}}}
	got := Side([]*Report{ours, theirs})
	want := `                       evergate              direct
  errors               0 of 2101 requests    1220 of 2101 requests
    closed             0                     72
    refused            0                     1148
  uncertain            3 (22 in flight)      0 (0 in flight)
  no write for         1.422s                0s
  no read for          30ms                  0s
  the servers needed   1.417s                -
  clients write        4.71ms later          -
  receipt              at most 17 of 5825 lost   none
  read back            18 of 1377 lost       0 of 587 lost
  BROKEN: 18 are lost
  direct proves nothing: 0 switches
`
	flat := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	if flat(got) != flat(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, line := range strings.Split(got, "\n")[1:11] {
		if strings.Index(got, "evergate") != strings.IndexFunc(line[22:], func(r rune) bool { return r != ' ' })+22 {
			t.Errorf("not in its column: %q", line)
		}
	}
	ours.Gate.Receipts = []int{-1}
	if one := Side([]*Report{ours}); !strings.HasPrefix(one, "  errors") || !strings.Contains(one, "not known how many") {
		t.Error(one)
	}
}

// TestGateCountsFromItsFirstLook is about a gateway that has had failovers before.
func TestGateCountsFromItsFirstLook(t *testing.T) {
	const old = "# Gateway\r\nparked:0\r\nuncertain:5\r\ndone_again:2\r\nfailovers_held:1\r\n" +
		"failover3:shard=main,acknowledged=100,lost_at_most=7\r\n"
	w := &gateWatch{}
	w.note(old)
	if g := w.seen(); g.Failovers+g.Uncertain+g.DoneAgain+g.Acknowledged+len(g.Receipts) != 0 {
		t.Errorf("%+v", g)
	}
	later := strings.NewReplacer("uncertain:5", "uncertain:9", "held:1", "held:2", "parked:0", "parked:4").Replace(old)
	if w.note(later); w.toldAll() == nil {
		t.Error("a failover without a receipt counts as told")
	}
	w.note(later + "failover5:shard=main,acknowledged=40,lost_at_most=1\r\n")
	if g := w.seen(); g.Failovers != 1 || g.Uncertain != 4 || g.Acknowledged != 40 || len(g.Receipts) != 1 ||
		g.Receipts[0] != 1 || g.Held != 4 || w.toldAll() != nil {
		t.Errorf("%+v", g)
	}
}
