package drill

import (
	"strings"
	"testing"

	"evergate/testenv/drill/history"
)

// TestGateCountsFromItsFirstLook: failovers before the first look do not count.
func TestGateCountsFromItsFirstLook(t *testing.T) {
	const old = "# Gateway\r\nsessions_blocked_now:0\r\nrequests_uncertain:5\r\nrequests_retried:2\r\n" +
		"failovers_started:1\r\n" +
		"failover3:shard=main,acknowledged=100,lost_at_most=7\r\n"
	w := &gateWatch{}
	w.note(old, 0, 1)
	if g := w.seen(); g.Failovers+g.Uncertain+g.Retried+g.Acknowledged+len(g.Receipts) != 0 {
		t.Errorf("%+v", g)
	}
	later := strings.NewReplacer("uncertain:5", "uncertain:9", "started:1", "started:2", "now:0", "now:4").Replace(old)
	if w.note(later, 2, 3); w.receiptsComplete() == nil {
		t.Error("a failover without a receipt counts as complete")
	}
	w.note(later+"failover5:shard=main,acknowledged=40,lost_at_most=1\r\n", 9, 10)
	if g := w.seen(); g.Failovers != 1 || g.Uncertain != 4 || g.Acknowledged != 40 || len(g.Receipts) != 1 ||
		g.Receipts[0] != 1 || g.Waiting != 4 || w.receiptsComplete() != nil {
		t.Errorf("%+v", g)
	}
	w.note(later+"failover5:shard=main,acknowledged=40,lost_at_most=1\r\n", 11, 12)
	// The machine stalled before the look that saw it: it was at any time since the look before had begun.
	if at := w.switches(); len(at) != 1 || at[0] != (history.Failover{From: 2, To: 10}) {
		t.Errorf("switches at %v", at)
	}
}
