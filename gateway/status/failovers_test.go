package status

import (
	"strings"
	"testing"
	"time"

	"evergate/topology/decide"
)

func TestFailoversAreListed(t *testing.T) {
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var f Failovers
	note := func(number uint64, kind decide.EventKind, after time.Duration, from, to string, r *decide.Receipt) {
		f.Note(decide.Event{Kind: kind, Shard: "main", From: from, To: to, Why: "s2: try-failover, o_down",
			Failover: number, Began: began, After: after * time.Millisecond, Receipt: r})
	}
	wants := func(lines ...string) {
		t.Helper()
		if got := strings.TrimSpace(string(appendHistory(nil, f.History()))); got != strings.Join(lines, "\r\n") {
			t.Errorf("got\n%s", got)
		}
	}
	f.Note(decide.Event{Kind: decide.PrimaryFound, To: "a"})
	note(1, decide.Suspected, 0, "a", "", nil) // and nothing came of it
	note(1, decide.Released, 300, "", "a", nil)
	wants("failovers_started:0", "failovers_switched:0", "failovers_aborted:0")

	note(2, decide.Suspected, 0, "a", "", nil)
	note(2, decide.Held, 1, "a", "", nil)
	const second = "failover2:shard=main,began=2026-11-23T10:00:00.000Z,reason=s2: try-failover; o_down,from=a,to="
	wants("failovers_started:1", "failovers_switched:0", "failovers_aborted:0", second+",started_ms=1")
	note(2, decide.CandidateNamed, 100, "", "b", nil)
	note(2, decide.Promoted, 180, "", "b", nil)
	note(2, decide.Released, 200, "", "b", nil)
	note(2, decide.ReceiptGiven, 200, "a", "b", &decide.Receipt{Acked: 40, Lost: 3, Proven: true})
	note(2, decide.Confirmed, 1120, "", "b", nil)
	note(3, decide.Held, 0, "b", "", nil)
	note(3, decide.Released, 4000, "", "b", nil)
	const third = "failover3:shard=main,began=2026-11-23T10:00:00.000Z,reason=s2: try-failover; o_down,from=b,to=b," +
		"started_ms=0,"
	wants("failovers_started:2", "failovers_switched:1", "failovers_aborted:1",
		second+"b,started_ms=1,promoted_ms=180,resumed_ms=200,confirmed_ms=1120,acknowledged=40,lost_at_most=3",
		third+"resumed_ms=4000")

	// One that is held again, after its primary had seemed to be kept, and then switched.
	note(4, decide.Held, 3132, "b", "", nil)
	note(4, decide.Released, 3154, "", "b", nil)
	note(4, decide.Held, 3167, "b", "", nil)
	note(4, decide.Promoted, 4196, "", "c", nil)
	note(4, decide.Released, 4196, "", "c", nil)
	note(4, decide.ReceiptGiven, 4196, "b", "c", &decide.Receipt{Acked: 1867, Lost: 5, Proven: true})
	if h := f.History(); h.Held != 4 || h.Switched != 2 || h.Kept != 2 || h.Last[2].To != "c" ||
		h.Last[2].Released != 4196*time.Millisecond {
		t.Errorf("held twice: %+v", h)
	}

	for n := uint64(10); n < 40; n++ {
		note(n, decide.Held, 0, "b", "", nil)
		note(n, decide.Released, 5, "", "c", nil)
		note(n, decide.ReceiptGiven, 5, "b", "c", &decide.Receipt{})
	}
	h := f.History()
	if h.Held != 34 || h.Switched != 32 || len(h.Last) != failoversKept || h.Last[0].Number != 24 {
		t.Errorf("%+v", h)
	}
	if text := string(appendHistory(nil, h)); !strings.HasSuffix(text, ",acknowledged=0,lost_at_most=unknown\r\n") {
		t.Error(text)
	}
}
