package status

import (
	"encoding/json"
	"testing"
	"time"

	"evergate/gateway/api"
	"evergate/topology/decide"
)

// TestEffectBeginsBeforeTheSuspicion: requests that waited since a connection was lost, before the primary was
// suspected, belong to the failover; those of an earlier second do not.
func TestEffectBeginsBeforeTheSuspicion(t *testing.T) {
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	second := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	var f Failovers
	note := func(kind decide.EventKind, after time.Duration, from, to string) {
		f.Note(decide.Event{Kind: kind, Shard: "main", From: from, To: to, Why: "s1: odown", Failover: 7, Began: began,
			After: after})
	}
	f.Sample(second(-3), Tally{Buffered: 10, Resumed: 10, Errors: 4}, 0, 5*time.Millisecond)
	f.Sample(second(-2), Tally{Buffered: 30, Resumed: 10, Errors: 4}, 20, 0)
	f.Sample(second(-1), Tally{Buffered: 31, Resumed: 10, Errors: 4}, 21, 900*time.Millisecond)
	note(decide.Suspected, 0, "a", "")
	f.Note(decide.Event{Kind: decide.SentinelGone, Subject: "s3:26379", Why: "timeout"})
	if n := len(f.History().Last); n != 0 {
		t.Fatalf("%d failovers of a mere suspicion", n)
	}
	note(decide.Held, time.Millisecond, "a", "")
	f.Note(decide.Event{Kind: decide.NodeGone, Subject: "a", Why: "refused"})
	f.Sample(second(1), Tally{Buffered: 32, Resumed: 10, Errors: 5, Uncertain: 1}, 21, 1900*time.Millisecond)
	note(decide.Promoted, 1500*time.Millisecond, "", "b")
	note(decide.Released, 1501*time.Millisecond, "", "b")
	if complete := f.Sample(second(2), Tally{Buffered: 32, Resumed: 31, Errors: 5, Uncertain: 1}, 0,
		2500*time.Millisecond); len(complete) != 0 {
		t.Errorf("complete at once: %v", complete)
	}
	f.Note(decide.Event{Kind: decide.ReceiptGiven, From: "a", To: "b", Failover: 7, Began: began,
		After: 1502 * time.Millisecond, Receipt: &decide.Receipt{Acked: 100, Proven: true}})
	complete := f.Sample(second(5), Tally{Buffered: 33, Resumed: 32, Errors: 6, Uncertain: 1}, 0, 0)
	if len(complete) != 1 || complete[0] != 7 {
		t.Errorf("complete are %v", complete)
	}
	f.Sample(second(6), Tally{Buffered: 99, Errors: 99}, 0, time.Hour)

	h := f.History()
	got := h.Last[0].Shown("cache")
	longest, lost := 2500.0, uint64(0)
	want := api.Effect{Complete: true, Buffered: 23, Resumed: 22, Uncertain: 1, Errors: 2, LongestWait: &longest}
	if a, b := asJSON(t, got.Effect), asJSON(t, want); a != b {
		t.Errorf("effect %s\nwant   %s", a, b)
	}
	if a, b := asJSON(t, got.Receipt), asJSON(t, api.Receipt{Acknowledged: 100, LostAtMost: &lost, Proven: true,
		Text: "100 writes acknowledged, nothing lost"}); a != b {
		t.Errorf("receipt %s\nwant    %s", a, b)
	}
	var kinds []string
	for _, s := range got.Steps {
		kinds = append(kinds, s.Kind)
	}
	if a := asJSON(t, kinds); a != `["suspected","other","held","other","promoted","resumed","receipt"]` {
		t.Errorf("steps: %s", a)
	}
	if got.ID != "cache/7" || got.Outcome != api.OutcomeSwitched || got.From != "a" || got.To != "b" || *got.Held != 1 ||
		*got.Promoted != 1500 || *got.Resumed != 1501 || got.Confirmed != nil || got.Steps[0].Why != "s1: odown" {
		t.Errorf("%s", asJSON(t, got))
	}
}

// TestLongWaitsAreNoPartOfAFailover: where requests of another shard wait for minutes, only a minute of that counts.
func TestLongWaitsAreNoPartOfAFailover(t *testing.T) {
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	var f Failovers
	for n := range 180 {
		f.Sample(began.Add(time.Duration(n-180)*time.Second), Tally{Buffered: uint64(n)}, 1, 0)
	}
	f.Note(decide.Event{Kind: decide.Held, Failover: 1, Began: began})
	f.Sample(began.Add(time.Second), Tally{Buffered: 180}, 1, 0)
	if h := f.History(); h.Last[0].effect().Buffered > 61 {
		t.Errorf("%d requests are counted", h.Last[0].effect().Buffered)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
