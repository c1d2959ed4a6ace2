package drill

import (
	"strings"
	"testing"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/report"
)

// TestAFailedElectionHasARowOfItsOwn: a failed election is reported, and its runs are not mixed with others, since
// their failovers take seconds longer.
func TestAFailedElectionHasARowOfItsOwn(t *testing.T) {
	line := newTimeline(time.Now())
	abort := func() {
		line.record("sentinel a", "", sentinelMark("-failover-abort-not-elected", "master main 127.0.0.1 6379"))
	}
	abort() // before the strike it does not count
	line.record("drill", "", func(m *ledger.Marks, _ time.Duration) { m.Struck = 0 })
	abort()
	_, m, _ := line.seen()
	failed := &report.Report{Drill: "planned", Mode: string(Sentinel), Path: report.Gateway, Marks: m}
	if !strings.Contains(failed.Text(), "elections      1 in which no Sentinel got enough votes") {
		t.Errorf("%+v\n%s", m, failed.Text())
	}
	plain := &report.Report{Drill: "planned", Mode: string(Sentinel), Path: report.Gateway, Marks: ledger.Unseen()}
	if strings.Contains(plain.Text(), "elections") {
		t.Error(plain.Text())
	}
	table := report.Table([]*report.Report{plain, failed, plain})
	for _, row := range []string{"planned, sentinel, evergate: kept in 2 of 2 runs\n",
		"planned, sentinel, evergate, after a failed election: kept in 1 of 1 run\n"} {
		if !strings.Contains(table, row) {
			t.Errorf("%q is not in\n%s", row, table)
		}
	}
}
