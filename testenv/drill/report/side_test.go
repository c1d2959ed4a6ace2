package report

import (
	"strings"
	"testing"
	"time"

	"evergate/testenv/drill/ledger"
)

const ms = time.Millisecond

func TestSide(t *testing.T) {
	m := ledger.Unseen()
	m.Struck, m.Accepts = 1000*ms, []time.Duration{2417 * ms}
	ours := &Report{Path: Gateway, Marks: m,
		Gate:    ledger.Gate{Known: true, Acknowledged: 5825, Receipts: []int{17}},
		Account: ledger.Account{Acknowledged: 1377, Lost: 18},
		Verdict: ledger.Verdict{Broken: []ledger.Breach{{Found: "18 are lost"}}},
		Figures: ledger.Figures{Requests: 2101, Errors: map[string]int{}, Uncertain: 3, InFlight: 22,
			WritePause: ledger.Pause{From: 1000 * ms, To: 2422 * ms}, ReadPause: ledger.Pause{To: 30 * ms},
			Resumed: []time.Duration{4710 * ms / 1000}}}
	theirs := &Report{Path: "direct", Marks: ledger.Unseen(), Account: ledger.Account{Acknowledged: 587},
		Verdict: ledger.Verdict{Vacuous: "0 switches", Broken: []ledger.Breach{{Found: "1220 errors"}}},
		Figures: ledger.Figures{Requests: 2101, Errors: map[string]int{"closed": 72, "refused": 1148}}}
	got := Side([]*Report{ours, theirs})
	want := `                       evergate              direct
  errors               0 of 2101 requests    1220 of 2101 requests
    closed             0                     72
    refused            0                     1148
  uncertain            3 (22 in flight)      0 (0 in flight)
  no write for         1.422 s               0 ms
  no read for          30 ms                 0 ms
  the servers needed   1.417 s               -
  clients write        4.71 ms later          -
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
	if one := Side([]*Report{ours}); !strings.HasPrefix(one, "  errors") || !strings.Contains(one, "loss unknown") {
		t.Error(one)
	}
}
